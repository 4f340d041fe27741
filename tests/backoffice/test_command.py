from __future__ import annotations

import asyncio
import json
import signal
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest
import typer
from click.testing import Result
from tests.backoffice.conftest import API_TOKEN, PRODUCTS, STORE, STORE_TOKEN, Running, settings
from tests.waiting import until
from typer.testing import CliRunner

from panier_backoffice.account.service import SignInRefused, all_accounts, sign_in
from panier_backoffice.command import backoffice
from panier_backoffice.opening import has_account, open_office

app = typer.Typer()
app.command()(backoffice)


def _run(*flags: str) -> Result:
    """The command in this process: none of these calls comes as far as serving."""
    return CliRunner().invoke(app, flags)


def test_check_says_all_that_is_wrong_together(tmp_path: Path) -> None:
    file = tmp_path / "backoffice.toml"
    file.write_text('databse = "sqlite:///x.db"\ncurrency = "dollars"\n')
    found = _run(
        "--check", "--json", "--settings", str(file), "--store", "riverside", "--port", "99999", "--api-token", "short",
        "--admin-email", "nobody",
    )  # fmt: skip
    assert found.exit_code != 0
    said = json.loads(found.stdout)
    text = "\n".join(said["problems"])
    assert said["ok"] is False
    for words in ("did you mean 'database'?", "currency", "NAME:TOKEN", "--port", "at least 16 characters", "--admin-email"):
        assert words in text, words
    assert "short" not in text, "secrets are not repeated"


@pytest.mark.parametrize(
    ("store", "words"),
    [("riverside", "a store is stated as NAME:TOKEN"), ("riverside:short", "a token needs at least 16 characters")],
)
def test_a_store_that_is_not_stated_right_is_said_of_the_flag_that_people_type(store: str, words: str) -> None:
    found = _run("--check", "--store", store)
    assert found.exit_code == 1
    assert found.stderr.startswith(f"--store: {words}")


def test_check_of_good_settings_says_so_and_makes_no_database_schema(tmp_path: Path) -> None:
    found = _run("--check", "--json", "--port", "0", "--database", f"sqlite:///{tmp_path / 'b.db'}")
    assert (found.exit_code, json.loads(found.stdout)) == (0, {"ok": True, "problems": []})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("flag", "value", "words"), [("--locale", "xx_XX", "no such locale"), ("--currency", "ABC", "no such currency")]
)
def test_a_locale_or_currency_that_is_not_known_is_said_in_words(tmp_path: Path, flag: str, value: str, words: str) -> None:
    found = _run("--check", "--port", "0", "--database", f"sqlite:///{tmp_path / 'b.db'}", flag, value)
    assert found.exit_code == 1
    assert f"{flag}: {words}" in found.stderr
    assert f"(seen: '{value}')" in found.stderr


@pytest.mark.parametrize(
    ("database", "words"),
    [("sqlite:////nowhere/at/all/b.db", "create it first"), ("sqlite://", "is not a file"), ("nonsense", "cannot be opened")],
)
def test_a_database_that_cannot_be_is_said_in_words(database: str, words: str) -> None:
    found = _run("--check", "--database", database, "--port", "0")
    assert found.exit_code != 0
    assert words in found.stderr
    assert "Traceback" not in found.stderr


def test_a_port_that_is_taken_is_said_in_words(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        found = _run("--check", "--port", port, "--database", f"sqlite:///{tmp_path / 'b.db'}")
    assert found.exit_code != 0
    assert f"cannot listen at 127.0.0.1 port {port}" in found.stderr


def test_there_is_no_account_unless_one_is_named(tmp_path: Path) -> None:
    office = open_office(settings(tmp_path))
    with office.reading() as session:
        assert all_accounts(session) == []


def test_a_console_that_nobody_can_sign_in_to_is_known(tmp_path: Path) -> None:
    assert not has_account(open_office(settings(tmp_path)))
    assert has_account(open_office(settings(tmp_path, admin_email="a@shop.example", admin_password="the first password")))


def test_a_later_start_does_not_bring_an_old_password_back(tmp_path: Path) -> None:
    open_office(settings(tmp_path, admin_email="a@shop.example", admin_password="the first password"))
    office = open_office(settings(tmp_path, admin_email="a@shop.example", admin_password="another password"))
    with office.reading() as session:
        assert sign_in(session, "a@shop.example", "the first password").role == "admin"
        with pytest.raises(SignInRefused):
            sign_in(session, "a@shop.example", "another password")


def test_killed_and_started_again_it_has_all_that_it_confirmed(start: Callable[..., Running]) -> None:
    running = start()
    with httpx.Client(base_url=running.url, headers={"Authorization": f"Bearer {API_TOKEN}"}) as script:
        assert script.post("/api/v1/import", json={"products": PRODUCTS}).json()["last"] == 4
    running.process.kill()
    running.process.wait(20)
    again = start(running.database)
    with httpx.Client(base_url=again.url, headers={"Authorization": f"Bearer {STORE_TOKEN}"}) as gateway:
        assert gateway.get("/api/v1/stores/riverside/feed").json()["last"] == 4


async def test_a_request_that_is_under_way_is_finished_before_it_ends(start: Callable[..., Running]) -> None:
    running = start()
    body = json.dumps({"products": PRODUCTS}).encode()

    async def in_two_parts() -> AsyncIterator[bytes]:
        yield body[:100]
        running.process.send_signal(signal.SIGTERM)
        # It takes no new requests from here on.
        await until(refused)
        yield body[100:]

    async def refused() -> bool:
        try:
            (await asyncio.open_connection(running.url[7:].partition(":")[0], int(running.url.rpartition(":")[2])))[1].close()
        except ConnectionRefusedError:
            return True
        return False

    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {API_TOKEN}"}, timeout=60) as script:
        # An open stream must not hold the end up.
        async with script.stream("GET", f"{running.url}/api/v1/stores/{STORE}/stream", params={"after": 0}) as stream:
            assert stream.status_code == 200
            told = {"Content-Type": "application/json", "Content-Length": str(len(body))}
            answer = await script.post(f"{running.url}/api/v1/import", content=in_two_parts(), headers=told)
        assert answer.status_code == 200, answer.text
    assert await asyncio.to_thread(running.process.wait, 30) == 0
    again = start(running.database)
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {API_TOKEN}"}) as script:
        assert (await script.get(f"{again.url}/api/v1/products/{PRODUCTS[0]['sku']}")).status_code == 200


async def test_it_says_whether_it_lives_and_serves(start: Callable[..., Running]) -> None:
    running = start()
    async with httpx.AsyncClient() as anybody:
        for question in ("healthz", "readyz"):
            answer = await anybody.get(f"{running.url}/{question}")
            assert (answer.status_code, answer.json()["ok"], answer.json()["reasons"]) == (200, True, [])
        assert answer.json()["parts"] == dict.fromkeys(("the event loop", "the database", "database", "disk"), "ok")
