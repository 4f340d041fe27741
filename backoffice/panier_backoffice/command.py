"""`panier backoffice`: runs the back office."""

from __future__ import annotations

import json
import socket
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from panier_backoffice.settings import BackofficeSettings


def backoffice(
    settings: Path | None = typer.Option(None, help="TOML file with the settings below."),
    host: str | None = typer.Option(None, help="Address to listen at."),
    port: int | None = typer.Option(None, help="Port to listen at; 0 takes a free one."),
    database: str | None = typer.Option(None, help="SQLAlchemy URL, such as sqlite:////var/lib/panier/backoffice.db."),
    admin_email: str | None = typer.Option(None, help="Address of the first account, an administrator's."),
    admin_password: str | None = typer.Option(
        None, help="Its password. Better in PANIER_BACKOFFICE_ADMIN_PASSWORD: other users of the machine can see flags."
    ),
    store: list[str] = typer.Option(
        [], "--store", "--stores", help="NAME:TOKEN of a store and its gateway; may be given several times."
    ),
    api_token: str | None = typer.Option(None, help="Token for scripts, which may do everything through the API."),
    currency: str | None = typer.Option(None, help="Currency of the chain (ISO 4217)."),
    timezone: str | None = typer.Option(None, help="Time zone of the chain, such as Europe/Paris."),
    locale: str | None = typer.Option(None, help="How the console writes money and times, such as en_US."),
    chain: str | None = typer.Option(None, help="Name of the chain, on the console's pages."),
    log_level: str | None = typer.Option(None, help="debug, info, warning or error."),
    check: bool = typer.Option(False, "--check", help="Say all that is wrong with the settings and the database, and end."),
    as_json: bool = typer.Option(False, "--json", help="One JSON object on standard output: the check's result, or the address."),
) -> None:
    """Run the back office: the API for gateways and scripts, and the console for marketing and staff.

    Every setting may also stand in a TOML file (--settings) or in the environment as PANIER_BACKOFFICE_...
    """
    from panier.error import PanierError
    from panier_backoffice.settings import BackofficeSettings
    from panier_io.settings import SettingsInvalid, load

    try:
        loaded = load(
            BackofficeSettings, settings, host=host, port=port, database=database, admin_email=admin_email,
            admin_password=admin_password, stores=store or None, api_token=api_token, currency=currency, timezone=timezone,
            locale=locale, chain=chain, log_level=log_level,
        )  # fmt: skip
        if check:
            _check(loaded)
            _say(as_json, {"ok": True, "problems": []}, "The settings are in order.")
            return
        _run(loaded, as_json)
    except PanierError as error:
        problems = list(error.problems) if isinstance(error, SettingsInvalid) else [str(error)]
        # The setting is `stores`; the flag that people type is the other of its two names.
        problems = [problem.replace("--stores", "--store") for problem in problems]
        if as_json:
            print(json.dumps({"ok": False, "problems": problems}))
        else:
            print("\n".join(problems), file=sys.stderr)
        raise typer.Exit(1) from None


def _check(settings: BackofficeSettings) -> None:
    from panier_backoffice.database import Database

    database = Database(settings.database)
    database.check()
    database.close()
    _listening(settings).close()


def _run(settings: BackofficeSettings, as_json: bool) -> None:
    from panier_backoffice.application import create_app
    from panier_backoffice.opening import has_account, open_office
    from panier_backoffice.server import serve
    from panier_io import log
    from panier_io.memory import frugal_heap, spare_collector

    frugal_heap()
    log.setup(settings.log_level)
    listening = _listening(settings)
    office = open_office(settings)
    url = f"http://{_spelled(settings.host)}:{listening.getsockname()[1]}"
    # Said when the socket listens already: who reads this may connect at once.
    _say(as_json, {"url": url, "database": office.database.shown()}, f"The console is at {url}")
    if not has_account(office):
        print("Nobody can sign in yet: start once with --admin-email and PANIER_BACKOFFICE_ADMIN_PASSWORD.", file=sys.stderr)
    with closing(office.database):
        app = create_app(office)
        spare_collector()
        serve(app, listening)


def _listening(settings: BackofficeSettings) -> socket.socket:
    from panier.error import PanierError

    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listening = socket.create_server((settings.host, settings.port), family=family, backlog=256)
    except OSError as error:
        raise PanierError(f"cannot listen at {settings.host} port {settings.port}: {error.strerror or error}") from error
    # Connections inherit it. asyncio would set it only on sockets made with an explicit protocol number, and without it every
    # second part of an answer waits 40 ms for the caller's delayed acknowledgement.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def _spelled(host: str) -> str:
    if host in ("0.0.0.0", "::"):  # noqa: S104  # recognised, not bound: a browser needs an address it can open
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _say(as_json: bool, fields: dict[str, Any], words: str) -> None:
    print(json.dumps(fields) if as_json else words, flush=True)
