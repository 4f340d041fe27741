from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from tests.device.conftest import PRODUCTS, PROMOTIONS, a_disk_that_refuses, body, changes, spoil, total_of, whole

from panier.catalogue import Product
from panier.message import SnapshotPart
from panier.snapshot import Change, canonical
from panier_device.shop import AssortmentDamaged, Shop
from panier_simulators.chaos.trouble import Trouble, compiler

OAT = "02000000000039"


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path / "shop.db")
    yield shop
    shop.close()


def stock(shop: Shop, version: int = 7) -> None:
    assert [shop.take(part) for part in whole(version)] == ["complete"]


def delta(shop: Shop, version: int, items: list[Change], after: list[Change], *, size: int = 1000) -> list[SnapshotPart]:
    cuts = [items[start : start + size] for start in range(0, len(items), size)]
    since = shop.held.version
    return [
        SnapshotPart(version=version, fingerprint=total_of(after), since=since, part=place, parts=len(cuts), changes=cut)
        for place, cut in enumerate(cuts)
    ]


def test_an_empty_shop_holds_nothing(shop: Shop):
    assert (shop.held.version, shop.find(OAT), shop.promotions()[1], shop.search("", 5)) == (0, None, {}, [])


def test_a_shop_that_never_got_prices_opens_again(tmp_path: Path):
    for _ in range(2):
        with closing(Shop(tmp_path / "shop.db")) as shop:
            assert (shop.damage, shop.held.version, shop.held.fingerprint) == ("", 0, "0" * 64)


def test_a_full_snapshot_in_parts_is_seen_only_when_it_is_whole(shop: Shop):
    parts = whole(7, size=2)
    assert len(parts) == 3
    for part in parts[:-1]:
        assert shop.take(part) == "more"
        assert shop.find(OAT) is None
    assert shop.take(parts[-1]) == "complete"
    assert shop.find(OAT) == (PRODUCTS["3"], 7)
    assert shop.promotions() == (shop.held, PROMOTIONS)
    assert (shop.held.version, shop.held.fingerprint) == (7, total_of(changes()))


def test_a_snapshot_survives_reopening_and_a_half_loaded_one_does_not(tmp_path: Path):
    shop = Shop(tmp_path / "shop.db")
    stock(shop)
    shop.settle_in("USD", "America/New_York")
    shop.confirm(123)
    shop.take(whole(8, size=1)[0])
    shop.close()
    again = Shop(tmp_path / "shop.db")
    held = again.held
    assert (held.version, held.currency, held.timezone, held.confirmed_at) == (7, "USD", "America/New_York", 123)
    assert again.loading is None
    assert again.find(OAT) is not None


def test_a_delta_changes_adds_and_removes(shop: Shop):
    stock(shop)
    dearer = replace(PRODUCTS["3"], unit_price=199, gtins=("02000000000107",))
    butter = Product(sku="4", gtins=("02000000000046",), name="Butter", unit_price=259)
    items = [
        Change(version=8, kind="product", key="3", body=body(dearer)),
        Change(version=8, kind="product", key="4", body=body(butter)),
        Change(version=8, kind="product", key="2"),
        Change(version=8, kind="promotion", key="two"),
    ]
    after = changes({"1": PRODUCTS["1"], "3": dearer, "4": butter}, {"member": PROMOTIONS["member"]})
    assert [shop.take(part) for part in delta(shop, 8, items, after, size=3)] == ["more", "complete"]
    assert shop.find("02000000000107") == (dearer, 8)
    assert shop.find(OAT) is None
    assert shop.find("02000000000022") is None
    assert shop.find("02000000000046") == (butter, 8)
    assert set(shop.promotions()[1]) == {"member"}


def test_a_wrong_fingerprint_leaves_everything_as_it_was(shop: Shop):
    stock(shop)
    part = delta(shop, 8, [Change(version=8, kind="product", key="2")], changes())[0]
    assert shop.take(part) == "mismatch"
    wrong = whole(9)[0].model_copy(update={"fingerprint": "0" * 64})
    assert shop.take(wrong) == "mismatch"
    assert shop.held.version == 7
    assert shop.find("02000000000022") == (PRODUCTS["2"], 7)


def test_parts_out_of_order_repeated_or_of_another_version_are_unexpected(shop: Shop):
    first, second, third = whole(7, size=2)
    assert shop.take(second) == "unexpected"
    assert shop.take(first) == "more"
    assert shop.take(third) == "unexpected"
    assert shop.take(second) == "more"
    assert shop.take(second) == "unexpected"
    assert shop.take(third.model_copy(update={"version": 9})) == "unexpected"
    assert shop.take(third) == "complete"


def test_a_delta_to_a_version_that_is_not_held_is_unexpected(shop: Shop):
    stock(shop)
    assert (
        shop.take(delta(shop, 8, [Change(version=8, kind="product", key="2")], [])[0].model_copy(update={"since": 5}))
        == "unexpected"
    )


def test_part_0_begins_anew(shop: Shop):
    shop.take(whole(7, size=2)[0])
    later = [*changes(), Change(version=8, kind="promotion", key="z", body=canonical({"kind": "percent"}))]
    assert [shop.take(part) for part in whole(8, later, size=3)] == ["more", "complete"]
    assert shop.held.version == 8


def test_a_product_that_makes_no_sense_is_held_but_not_sold(shop: Shop):
    broken = Change(version=7, kind="product", key="9", body='{"sku":"9"}')
    stranger = Change(version=7, kind="product", key="8", body=body(PRODUCTS["1"]))
    assert shop.take(whole(7, [*changes(), broken, stranger])[0]) == "complete"
    assert shop.unsound == 2
    assert shop.find_sku("9") is None
    assert shop.find("02000000000015") == (PRODUCTS["1"], 7)


def test_a_promotion_that_is_no_definition_is_held_but_left_out(shop: Shop):
    broken = [
        Change(version=7, kind="promotion", key=key, body=body) for key, body in {"a": "{", "b": "[]", "c": "[" * 9000}.items()
    ]
    assert shop.take(whole(7, [*changes(), *broken])[0]) == "complete"
    assert shop.promotions()[1] == PROMOTIONS


def test_search_finds_every_word_anywhere_and_beginnings_first(shop: Shop):
    products = {
        sku: Product(sku=sku, gtins=(), name=name, unit_price=1)
        for sku, name in {"1": "Oat milk", "2": "Milk chocolate", "3": "MILK, whole", "4": "100 % juice", "5": "Juice"}.items()
    }
    shop.take(whole(7, changes(products, {}))[0])
    assert [found.sku for found in shop.search("milk", 9)] == ["2", "3", "1"]
    assert [found.sku for found in shop.search("choc mil", 9)] == ["2"]
    assert [found.sku for found in shop.search("100 %", 9)] == ["4"]
    assert [found.sku for found in shop.search("_", 9)] == []
    assert len(shop.search("", 2)) == 2


def test_a_reader_is_served_while_a_snapshot_loads(shop: Shop):
    stock(shop)
    many = [
        Change(
            version=8,
            kind="product",
            key=f"s{n}",
            body=body(Product(sku=f"s{n}", gtins=(f"{n:014d}",), name=f"N{n}", unit_price=n)),
        )
        for n in range(3000)
    ]
    parts = whole(8, changes() + many, size=1000)
    loader = threading.Thread(target=lambda: [shop.take(part) for part in parts])
    loader.start()
    versions = set[int]()
    while loader.is_alive():
        found = shop.find(OAT)
        assert found is not None
        versions.add(found[1])
    loader.join()
    found = shop.find(OAT)
    assert found is not None
    assert versions | {found[1]} <= {7, 8}
    assert found[1] == 8


def garbage(path: Path) -> None:
    path.write_bytes(b"garbage" * 1000)


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-5000])


def torn_page(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096:8192] = b"\xa5" * 4096
    path.write_bytes(content)


def no_version(path: Path) -> None:
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("UPDATE fact SET value = 'x' WHERE name = 'version'")


@pytest.mark.parametrize("damage", [garbage, cut_off, torn_page, no_version])
def test_a_damaged_file_is_deleted_and_the_shop_begins_empty(tmp_path: Path, damage: Callable[[Path], None]):
    path = tmp_path / "shop.db"
    with closing(Shop(path)) as shop:
        assert shop.damage == ""
        stock(shop)
    damage(path)
    with closing(Shop(path)) as shop:
        assert shop.damage.startswith("shop.db: ")
        assert (shop.held.version, shop.find(OAT)) == (0, None)
        stock(shop)
    with closing(Shop(path)) as again:
        assert (again.damage, again.find(OAT)) == ("", (PRODUCTS["3"], 7))
    assert [file.name for file in tmp_path.iterdir()] == ["shop.db"]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_part_that_the_disk_refuses_is_all_that_has_to_come_again(shop: Shop, place: int):
    stock(shop)
    broken = Change(version=8, kind="product", key="9", body='{"sku":"9"}')
    items = [change for change in changes() for change in (change, replace(broken, key=f"x{change.key}"))]
    parts = whole(8, items, size=4)
    assert len(parts) == 3
    assert [shop.take(part) for part in parts[:place]] == ["more"] * place
    for _ in range(2):
        with a_disk_that_refuses(), pytest.raises(sqlite3.OperationalError):
            shop.take(parts[place])
        assert shop.loading is not None
        assert shop.loading.part == place
        assert shop.find(OAT) == (PRODUCTS["3"], 7)
    assert [shop.take(part) for part in parts[place:]] == ["more"] * (2 - place) + ["complete"]
    assert (shop.held.version, shop.unsound) == (8, len(changes()))


@pytest.mark.parametrize("place", [0, 1])
def test_a_part_of_a_delta_that_the_disk_refuses_is_all_that_has_to_come_again(shop: Shop, place: int):
    stock(shop)
    items = [Change(version=8, kind="product", key=key) for key in ("2", "3")]
    parts = delta(shop, 8, items, [one for one in changes() if one.key not in ("2", "3")], size=1)
    assert [shop.take(part) for part in parts[:place]] == ["more"] * place
    with a_disk_that_refuses(), pytest.raises(sqlite3.OperationalError):
        shop.take(parts[place])
    assert shop.find(OAT) == (PRODUCTS["3"], 7)
    assert [shop.take(part) for part in parts[place:]] == ["more"] * (1 - place) + ["complete"]
    assert shop.find(OAT) is None


REFUSED = """
import errno, os, sys
from pathlib import Path
from panier_device.shop import AssortmentDamaged, Shop
from panier_io.store import StoreUnusable
from panier_simulators.chaos.trouble import Trouble

directory = Path(sys.argv[1])
Trouble(directory / "trouble").order(os.getpid(), write_errno=errno.ENOSPC)
for name in ("shop.db", "new.db"):
    try:
        Shop(directory / name)
    except StoreUnusable as error:
        print(error)
"""


@pytest.mark.skipif(compiler() is None, reason="no C compiler on this machine: apt install gcc")
def test_a_disk_that_refuses_is_no_damage(tmp_path: Path):
    with closing(Shop(tmp_path / "shop.db")) as shop:
        stock(shop)
    trouble = Trouble(tmp_path / "trouble")
    trouble.build()
    with trouble.reaches():
        said = subprocess.run([sys.executable, "-c", REFUSED, str(tmp_path)], capture_output=True, text=True, timeout=60)
    assert said.stdout.count("is the disk full, or read-only?\n") == 2, said.stdout + said.stderr
    with closing(Shop(tmp_path / "shop.db")) as shop:
        assert (shop.damage, shop.held.version) == ("", 7)


@pytest.mark.parametrize("names", [["gtin"], ["product"], ["fact"], ["promotion"], ["product_name"]])
def test_damage_is_told_by_its_name_and_gone_with_a_new_file(tmp_path: Path, names: list[str]):
    with closing(Shop(tmp_path / "shop.db")) as shop:
        stock(shop)
        shop.settle_in("USD", "America/New_York")
    with closing(Shop(tmp_path / "shop.db")) as shop:
        spoil(tmp_path / "shop.db", *names)
        for read in (lambda: shop.find(OAT), lambda: shop.find_sku("3"), lambda: shop.search("oat", 9), shop.promotions):
            with suppress(AssortmentDamaged):
                read()
        assert "malformed" in shop.trouble or "not a database" in shop.trouble
        shop.renew()
        assert (shop.held.version, shop.find(OAT)) == (0, None)
        assert shop.trouble, "until everything is here again"
        stock(shop)
        assert (shop.find(OAT), shop.trouble) == ((PRODUCTS["3"], 7), "")
        assert len(shop.promotions()[1]) == len(PROMOTIONS)
        if names != ["fact"]:
            assert (shop.held.currency, shop.held.timezone) == ("USD", "America/New_York")


def test_a_row_that_makes_no_sense_any_more_is_damage(shop: Shop):
    stock(shop)
    shop._writing.execute("UPDATE product SET body = '{' WHERE sku = '3'")
    with pytest.raises(AssortmentDamaged, match="damaged since it was opened"):
        shop.find(OAT)
    assert shop.trouble


def test_a_disk_that_refuses_is_told_from_one_that_spoils(shop: Shop):
    with pytest.raises(sqlite3.OperationalError) as locked:
        raise_like(shop, "ATTACH '/nowhere/at/all.db' AS other")
    assert not shop.is_damaged_by(locked.value)
    assert not shop.is_damaged_by(sqlite3.ProgrammingError("Cannot operate on a closed database."))
    assert shop.trouble == ""


def raise_like(shop: Shop, statement: str) -> None:
    shop._reading.execute(statement)
