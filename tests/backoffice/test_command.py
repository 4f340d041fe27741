from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
import typer
from click.testing import Result
from tests.backoffice.conftest import API_TOKEN, PRODUCTS, STORE_TOKEN, Running, settings
from typer.testing import CliRunner

from panier_backoffice.account.service import SignInRefused, all_accounts, sign_in
from panier_backoffice.command import backoffice
from panier_backoffice.opening import open_office

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
