"""Who is enrolled, on a disk that spoils it."""

from __future__ import annotations

import sqlite3

import pytest
from tests.waiting import until

from panier_gateway.registry import Registry


def spoil(path, column, name):
    with sqlite3.connect(path) as disk:
        disk.execute(f"UPDATE identity SET {column} = cast(x'ff' || substr({column}, 2) AS TEXT) WHERE name = ?", (name,))
    disk.close()


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "registry.db"
    registry = Registry(path)
    for name in ("till-1", "till-2", "till-3"):
        registry.enrol(name, "device")
    registry.enrol("monitor", "monitor")
    assert registry.damage == ""
    registry.close()
    return path


@pytest.mark.parametrize("column", ["name", "role", "password_hash"])
def test_an_identity_that_was_spoilt_is_set_aside_and_the_others_go_on(path, column):
    spoil(path, column, "till-2")
    registry = Registry(path)
    assert [identity.name for identity in registry.identities()] == ["monitor", "till-1", "till-3"]
    assert "set aside as registry.damaged-1.db" in registry.damage
    assert "3 are enrolled still; whoever cannot connect has to be enrolled again" in registry.damage
    registry.enrol("till-2", "device")
    registry.close()
    again = Registry(path)
    assert (len(again.identities()), again.damage) == (4, "")
    again.close()


def test_who_enrols_beside_a_gateway_replaces_no_damaged_file(path):
    spoil(path, "role", "till-2")
    before = path.read_bytes()
    registry = Registry(path, beside_gateway=True)
    assert registry.damage == ""
    registry.close()
    assert path.read_bytes() == before


async def test_a_gateway_whose_registry_is_garbage_serves_and_says_that_devices_are_to_be_enrolled_again(closed_shop):
    closed_shop.enrol("till-1")
    path = closed_shop.settings.data_dir / "registry.db"
    path.write_bytes(b"no database at all" * 500)
    with pytest.raises(Exception, match=r"registry.db: a file of the gateway is damaged: .*; restart the gateway"):
        closed_shop.enrol("till-1")
    await closed_shop.open()
    await until(lambda: [one["text"] for one in closed_shop.office.incidents if one["kind"] == "file_damaged"])
    (told,) = [one["text"] for one in closed_shop.office.incidents]
    assert "registry.db cannot be read: file is not a database; set aside as registry.damaged-1.db" in told
    assert "0 are enrolled still; whoever cannot connect has to be enrolled again" in told
    closed_shop.enrol("till-1")
    await closed_shop.till()
