"""`panier device`: runs one terminal, or says what is wrong with it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import typer

if TYPE_CHECKING:
    from panier_device.settings import DeviceSettings


def device(
    settings: Path | None = typer.Option(None, help="TOML file with the terminal's settings, as `panier enrol` writes it."),
    store: str | None = typer.Option(None, help="Store name, as in topics."),
    name: str | None = typer.Option(None, "--device", help="Device name, as in topics."),
    data_dir: Path | None = typer.Option(None, help="Where journal, assortment and log lie."),
    check: bool = typer.Option(False, "--check", help="Validate settings and hardware, say all that is wrong, and end."),
    as_json: bool = typer.Option(False, "--json", help="With --check: one JSON object on standard output."),
) -> None:
    """Runs one terminal on this screen: scan, see prices and offers, finish.

    Settings come from flags, from PANIER_DEVICE_*, and from the file, in this order.
    """
    import asyncio

    from panier.error import PanierError
    from panier_device.settings import DeviceSettings
    from panier_device.terminal import run
    from panier_io.settings import SettingsInvalid, load

    try:
        loaded = load(DeviceSettings, settings, store=store, device=name, data_dir=data_dir)
        if check:
            _check(loaded, as_json)
            return
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            _refuse(["panier device paints a screen: run it in a terminal of 40 x 24 or more; --check needs none"], as_json)
        asyncio.run(run(loaded))
    except SettingsInvalid as error:
        _refuse(error.problems, as_json)
    except PanierError as error:
        _refuse([str(error)], as_json)


def _check(loaded: DeviceSettings, as_json: bool) -> None:
    from panier_device.fitting import NO_EVDEV, check, has_evdev
    from panier_io import log

    log.setup("ERROR")
    told = check(loaded)
    notes = [*told.notes, *([] if has_evdev() else [NO_EVDEV])]
    if told.problems:
        _refuse(told.problems, as_json, notes)
    if as_json:
        print(json.dumps({"ok": True, "problems": [], "notes": notes}, ensure_ascii=False))
        return
    others = {"scale": loaded.scale, "printer": loaded.printer, "payment terminal": loaded.payment}
    fitted = ", ".join([f"{len(loaded.scanners)} scanner(s)", *(name for name, fitted in others.items() if fitted)])
    print(f"{loaded.device} in store {loaded.store}: settings hold; ready: {fitted}")
    for note in notes:
        print(f"note: {note}")


def _refuse(found: list[str] | tuple[str, ...], as_json: bool, notes: list[str] | None = None) -> NoReturn:
    if as_json:
        print(json.dumps({"ok": False, "problems": list(found), "notes": notes or []}, ensure_ascii=False))
    else:
        for problem in (*found, *(f"note: {note}" for note in notes or ())):
            print(problem, file=sys.stderr)
    raise typer.Exit(1)
