"""`panier doctor --live`: reads a scanner and tells of each code as it comes. The doctor's reading ends here, its screen too."""

from __future__ import annotations

import json
import select
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from rich.console import Console
from rich.table import Table
from rich.text import Text

from panier_device.doctor.account import Account, account
from panier_device.doctor.burst import Burst
from panier_device.doctor.ear import Ear
from panier_device.doctor.hint import Setting
from panier_device.driver.port import DeviceGone, NoSuchDevice, Source

_AGAIN = 0.5
Heard = TypeVar("Heard")


@dataclass(frozen=True, slots=True)
class Listening(Generic[Heard]):
    """What to listen to, and how."""

    name: str
    open_source: Callable[[], Source[Heard]]
    ear: Ear[Heard]
    silence_s: float
    setting: Setting


def bursts(listening: Listening[Heard], tell: Callable[[str], None]) -> Iterator[Burst]:
    """What comes, for as long as it is asked for; opens again whenever the device comes back, and tells of that.

    Raises NoSuchDevice where no plugging in can help.
    """
    complained = ""
    while True:
        try:
            source = listening.open_source()
        except NoSuchDevice:
            raise
        except DeviceGone as error:
            if str(error) != complained:
                complained = str(error)
                tell(f"waiting for the scanner: {error}")
            time.sleep(_AGAIN)
            continue
        complained = ""
        tell(f"listening at {listening.name}: scan something")
        try:
            yield from _until_gone(source, listening)
        except DeviceGone as error:
            tell(f"gone: {error}")
        finally:
            listening.ear.reset()
            source.close()


def _until_gone(source: Source[Heard], listening: Listening[Heard]) -> Iterator[Burst]:
    ear = listening.ear
    while True:
        # A source may hold more than one read gives, but then its descriptor says so again.
        ready, _, _ = select.select([source.fileno()], [], [], listening.silence_s if ear.pending else None)
        if ready:
            yield from ear.hear(source.read(), time.monotonic() * 1000)
        else:
            yield from ear.quiet()


def watch(listening: Listening[Any], console: Console, *, codes: int, as_json: bool) -> bool:
    """Shows codes until `codes` came (0: until it is interrupted). True where all of them were taken."""
    before: Burst | None = None
    all_taken = True

    def tell(line: str) -> None:
        console.print(Text(line, "dim"))

    for number, burst in enumerate(bursts(listening, tell), 1):
        told = account(burst, listening.setting, before)
        before, all_taken = burst, all_taken and told.ok
        if as_json:
            sys.stdout.write(json.dumps({"code": number, **told.as_dict()}, ensure_ascii=False) + "\n")
            sys.stdout.flush()
        else:
            show(console, number, told)
        if codes and number >= codes:
            break
    return all_taken


def show(console: Console, number: int, told: Account) -> None:
    """One code for a clerk in a hurry: the verdict first, what to do last, what came between."""
    mark, colour = ("✓", "green") if told.ok else ("✗", "red")
    since = f", {told.since_last}" if told.since_last else ""
    rows = Table.grid(padding=(0, 1))
    rows.add_column(justify="right", no_wrap=True)
    rows.add_column(overflow="fold")
    rows.add_row(Text(mark, f"bold {colour}"), Text(told.verdict, f"bold {colour}"))
    for name, value in (("kind", told.identifier), ("text", told.text), ("bytes", told.hex), ("pace", told.pace + since)):
        rows.add_row(Text(name, "dim"), Text(value))
    for advice in told.hints:
        rows.add_row(Text("→", "bold yellow"), Text(advice, "bold yellow"))
    console.print(Text(f"\n{number}", "dim"), rows)
    if console.is_terminal and not told.ok:
        console.bell()
