"""The commands `panier gateway`, `panier enrol` and `panier monitor`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

SettingsFile = Annotated[Path | None, typer.Option("--settings", help="TOML file; PANIER_GATEWAY_... outranks it.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]


def gateway(
    settings: SettingsFile = None,
    store: Annotated[str | None, typer.Option(help="Name of the store.")] = None,
    data: Annotated[Path | None, typer.Option(help="Directory for everything that must not be lost.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Say all that is wrong with the settings, and end.")] = False,
    as_json: AsJson = False,
) -> None:
    """Run a store's gateway: broker, intake, live trips, members' offers, receipts to the back office.

    Runs until SIGTERM. When it takes events it writes DATA/gateway.json, and with --json the same as a line on standard output.
    """
    import asyncio

    from panier.error import PanierError
    from panier_gateway.gateway import run
    from panier_gateway.ready import Ready
    from panier_gateway.settings import GatewaySettings
    from panier_io import log
    from panier_io.settings import load

    try:
        held = load(GatewaySettings, settings, store=store, data_dir=data)
        if check:
            from panier_gateway.check import problems

            return _report(problems(held), as_json)
    except PanierError as error:
        _fail(error, as_json)
    log.setup(held.log_level)

    def say(ready: Ready) -> None:
        from dataclasses import asdict

        if as_json:
            print(json.dumps({"event": "ready", **asdict(ready)}), flush=True)

    try:
        asyncio.run(run(held, say))
    except* PanierError as group:
        _fail(group.exceptions[0], as_json)


def enrol(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="DEVICE...", help="Names of devices, or of monitors.", show_default=False)
    ] = None,
    settings: SettingsFile = None,
    data: Annotated[Path | None, typer.Option(help="The gateway's data directory.")] = None,
    store: Annotated[str | None, typer.Option(help="Name of the store.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="File for the settings, or a directory. [default: DEVICE.toml]", show_default=False)
    ] = None,
    monitor: Annotated[bool, typer.Option("--monitor", help="Enrol a staff monitor instead of a device.")] = False,
    as_json: AsJson = False,
) -> None:
    """Give devices or monitors an identity at the store's broker: writes each one's settings with its password.

    Enrolling again replaces the password; the old one ends to hold. A gateway that runs takes it up within a second.
    """
    from panier.error import PanierError
    from panier_gateway import ready
    from panier_gateway.enrolment import enrol as enrol_one
    from panier_gateway.settings import GatewaySettings
    from panier_io.settings import load

    names = names or (["monitor"] if monitor else [])
    if not names:
        raise typer.BadParameter("name the device, for example: panier enrol till-1")
    if len(names) > 1 and out and not out.is_dir():
        raise typer.BadParameter(f"{out} is no directory, and {len(names)} devices need a file each", param_hint="--out")
    try:
        if settings is None and store is None and data is not None:
            store = (ready.read(data) or {}).get("store")
        held = load(GatewaySettings, settings, store=store, data_dir=data)
        for name in names:
            file = out if out and not out.is_dir() else (out or Path()) / f"{name}.toml"
            enrolled = enrol_one(held, name, "monitor" if monitor else "device", file)
            print(json.dumps(enrolled.as_json()) if as_json else enrolled)
    except PanierError as error:
        _fail(error, as_json)


def free(
    holders: Annotated[
        list[str] | None, typer.Argument(metavar="HOLDER...", help="Whose leases to take back, as listed.", show_default=False)
    ] = None,
    settings: SettingsFile = None,
    data: Annotated[Path | None, typer.Option(help="The gateway's data directory.")] = None,
    as_json: AsJson = False,
) -> None:
    """Take limited promotions back from devices that are gone: lists who holds some and is thought dead, or frees those named.

    Only for what will never speak again. A gateway may run meanwhile.
    """
    from panier.error import PanierError
    from panier_gateway import ready
    from panier_gateway.purse import free_stranded
    from panier_gateway.settings import GatewaySettings
    from panier_io.settings import load

    try:
        store = (ready.read(data) or {}).get("store") if settings is None and data is not None else None
        held = load(GatewaySettings, settings, store=store, data_dir=data)
        found = free_stranded(held.data_dir / "ledger.db", holders or [])
    except PanierError as error:
        _fail(error, as_json)
    if as_json:
        print(json.dumps({"ok": True, "stranded" if not holders else "freed": found}))
    else:
        print("\n".join(found) or "nobody who is gone holds anything")


def monitor(
    settings: Annotated[Path | None, typer.Option("--settings", help="TOML file that `panier enrol --monitor` wrote.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Say all that is wrong with the settings, and end.")] = False,
    as_json: AsJson = False,
) -> None:
    """Watch the store: one row a terminal, who needs someone first."""
    from panier.error import PanierError
    from panier_gateway.settings import MonitorSettings
    from panier_io import log
    from panier_io.memory import frugal_heap
    from panier_io.settings import load

    try:
        held = load(MonitorSettings, settings)
    except PanierError as error:
        _fail(error, as_json)
    if check:
        return _report([], as_json)
    from panier_gateway.monitor.screen import MonitorApp

    try:
        held.log_file.parent.mkdir(parents=True, exist_ok=True)
        log.setup(held.log_level, file=held.log_file)
    except OSError as error:
        _fail(PanierError(f"log_file: {held.log_file} cannot be written ({error.strerror}); name another one"), as_json)
    frugal_heap()
    MonitorApp.over_mqtt(held).run()
    return None


def _report(problems: list[str], as_json: bool) -> None:
    if as_json:
        print(json.dumps({"ok": not problems, "problems": problems}))
    else:
        print("\n".join(problems) or "ok")
    raise typer.Exit(1 if problems else 0)


def _fail(error: BaseException, as_json: bool) -> NoReturn:
    problems: Any = getattr(error, "problems", None) or [str(error)]
    if as_json:
        print(json.dumps({"ok": False, "problems": list(problems)}))
    else:
        print("\n".join(problems), file=sys.stderr)
    raise typer.Exit(1)
