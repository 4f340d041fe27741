"""`panier replay`: what was refused, and what people do about it."""

from __future__ import annotations

import getpass
import json
import shlex
import sqlite3
import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from panier_gateway.dead_letter import Act, Letter
    from panier_gateway.ledger import Ledger

_WAIT_SECONDS = 10
SettingsFile = Annotated[
    Path | None, typer.Option("--settings", help="The gateway's TOML file, whose data_dir is looked at.", show_default=False)
]
Data = Annotated[
    Path | None, typer.Option("--data", help="The gateway's data directory. [default: gateway-data]", show_default=False)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
By = Annotated[str, typer.Option("--by", help="Who decides. [default: your login]", show_default=False)]
Why = Annotated[str, typer.Option("--reason", help="Why; it is written down beside the decision.")]
Letters = Annotated[list[int], typer.Argument(metavar="ID...", help="Numbers as `panier replay list` shows them.")]
HERE = Path("gateway-data")

_CORRECT = """\
Take one with other content: write what it holds into a file, mend there what the reason names, and hand it in.

\b
    panier replay show 7 --payload --settings gateway.toml > 7.json
    nano 7.json
    panier replay correct 7 --file 7.json --reason "what was wrong" --settings gateway.toml
"""

replay = typer.Typer(
    add_completion=False, no_args_is_help=True, rich_markup_mode=None,
    help="See what the gateway refused, and take it again, correct it or drop it; decisions are written down with who and why.",
)  # fmt: skip


@replay.command("list")
def list_letters(settings: SettingsFile = None, data: Data = None, as_json: AsJson = False) -> None:
    """Dead letters that nobody has dealt with, and quarantined journals."""
    place = _place(settings, data, as_json)
    with _ledger(place, as_json, only_reads=True) as ledger:
        letters = [_as_json(letter) for letter in ledger.dead_letters.waiting()]
        held = ledger.journals().items()
        closed = [
            {"journal": f"{device}.{journal}", "reason": state.quarantined, "conflict": state.conflict}
            for (device, journal), state in held if state.quarantined and not state.released
        ]  # fmt: skip
    if as_json:
        print(json.dumps({"letters": [{**one, "payload": None} for one in letters], "quarantined": closed}, ensure_ascii=False))
        return
    for one in letters:
        print(f"{one['id']:>5}  {one['about']:<8} {one['device'] or '-':<12} {one['reason']}")
    for one in closed:
        print(
            f"quarantined  {one['journal']}: {one['reason']}; `panier replay release {one['journal']} --reason ...{place.option}`"
        )
    if not letters and not closed:
        print("nothing was refused")


@replay.command("show")
def show(
    letter: Annotated[int, typer.Argument(metavar="ID")],
    payload: Annotated[bool, typer.Option("--payload", help="Only what it holds, as a file for `correct` has it.")] = False,
    settings: SettingsFile = None, data: Data = None, as_json: AsJson = False,
) -> None:  # fmt: skip
    """One dead letter whole, with what was decided about it."""
    place = _place(settings, data, as_json)
    with _ledger(place, as_json, only_reads=True) as ledger:
        found = ledger.dead_letters.find(letter)
        history = ledger.dead_letters.history(letter)
    if found is None:
        _fail([_no_letter(letter, place)], as_json)
    if payload:
        print(_readable(found.payload))
        return
    print(json.dumps({**_as_json(found), "history": history}, ensure_ascii=False, indent=None if as_json else 2))


@replay.command("replay")
def again(
    letters: Letters, settings: SettingsFile = None, data: Data = None, by: By = "", reason: Why = "", as_json: AsJson = False
) -> None:
    """Take them again as they are, in the order given: after an update, or after what they depend on was taken."""
    _decide(_place(settings, data, as_json), "replay", [(one, "") for one in letters], by, reason, as_json)


@replay.command("correct", help=_CORRECT)
def correct(
    letter: Annotated[int, typer.Argument(metavar="ID")],
    file: Annotated[Path, typer.Option("--file", exists=True, dir_okay=False, help="The whole corrected content, as JSON.")],
    reason: Why,
    settings: SettingsFile = None,
    data: Data = None,
    by: By = "",
    as_json: AsJson = False,
) -> None:
    _decide(_place(settings, data, as_json), "correct", [(letter, _content(file, as_json))], by, reason, as_json)


@replay.command("drop")
def drop(
    letters: Letters, reason: Why, settings: SettingsFile = None, data: Data = None, by: By = "", as_json: AsJson = False
) -> None:
    """Put them aside for good."""
    _decide(_place(settings, data, as_json), "drop", [(one, "") for one in letters], by, reason, as_json)


@replay.command("release")
def release(
    journal: Annotated[str, typer.Argument(metavar="DEVICE.JOURNAL")], reason: Why, settings: SettingsFile = None,
    data: Data = None, by: By = "", as_json: AsJson = False,
) -> None:  # fmt: skip
    """Let machines that share a quarantined journal go on, each in a new one.

    Both then deliver what they hold, as they are. Only after that give one of them a name and a data directory of its own.
    """
    _decide(_place(settings, data, as_json), "release", [(0, journal)], by, reason, as_json)


@dataclass(frozen=True, slots=True)
class _Place:
    """A gateway's data directory, and the option that named it, for commands that people are told to type next."""

    data: Path
    option: str


def _place(settings: Path | None, data: Path | None, as_json: bool) -> _Place:
    """Where the gateway keeps its data: as --data says, or else its settings."""
    from panier.error import PanierError
    from panier_gateway.settings import GatewaySettings
    from panier_io.settings import load

    if data is not None:
        return _Place(data, f" --data {shlex.quote(str(data))}")
    if settings is None:
        return _Place(HERE, "")
    try:
        return _Place(load(GatewaySettings, settings).data_dir, f" --settings {shlex.quote(str(settings))}")
    except PanierError as error:
        _fail(list(getattr(error, "problems", None) or [str(error)]), as_json)


def _no_letter(number: int, place: _Place) -> str:
    return f"there is no dead letter {number}; see `panier replay list{place.option}`"


def _readable(payload: str) -> str:
    try:
        return json.dumps(json.loads(payload), ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):
        return payload


def _content(file: Path, as_json: bool) -> str:
    """What a file states. Without the quotes where somebody took the payload out of `show`, and without an editor's mark."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        _fail([f"{file} is no UTF-8: {error}; save it as UTF-8"], as_json)
    try:
        held = json.loads(text)
    except (ValueError, RecursionError) as error:
        _fail([f"{file} is no JSON: {error}; nothing was written down"], as_json)
    return held if isinstance(held, str) else text


def _decide(place: _Place, act: Act, what: Sequence[tuple[int, str]], by: str, why: str, as_json: bool) -> None:
    who, now = by or getpass.getuser(), time.time_ns() // 1_000_000
    with _ledger(place, as_json) as ledger:
        missing = [number for number, _ in what if act != "release" and ledger.dead_letters.find(number) is None]
        if missing:
            _fail([_no_letter(number, place) for number in missing], as_json)
        with ledger.transaction():
            numbers = [ledger.dead_letters.decide(letter, act, who, why, body, now) for letter, body in what]
        outcomes = _wait_for(ledger, numbers, lambda: _runs(place.data))
    for outcome in outcomes:
        print(json.dumps(outcome, ensure_ascii=False) if as_json else outcome["outcome"])
    raise typer.Exit(0 if all(outcome["ok"] for outcome in outcomes) else 1)


def _wait_for(ledger: Ledger, numbers: Sequence[int], runs: Callable[[], bool]) -> list[dict[str, Any]]:
    """What the gateway made of decisions; one that no gateway has taken up yet is written down, which is what was asked for."""
    end = time.monotonic() + _WAIT_SECONDS
    while runs() and time.monotonic() < end and not all(ledger.dead_letters.decision(number)["done_at"] for number in numbers):
        time.sleep(0.1)
    found = [ledger.dead_letters.decision(number) for number in numbers]
    return [
        one if one["done_at"] else {**one, "ok": True, "outcome": "written down; the gateway does it when it runs"}
        for one in found
    ]


def _runs(data: Path) -> bool:
    from panier_gateway import ready

    pid = (ready.read(data) or {}).get("pid")
    return pid is not None and Path(f"/proc/{pid}").exists()


def _as_json(letter: Letter) -> dict[str, Any]:
    from dataclasses import asdict

    from panier_gateway.replay.desk import about

    return {**asdict(letter), "about": about(letter)}


@contextmanager
def _ledger(place: _Place, as_json: bool, *, only_reads: bool = False) -> Generator[Ledger]:
    from panier.error import PanierError
    from panier_gateway.ledger import Ledger
    from panier_gateway.trouble import in_words

    file = place.data / "ledger.db"
    if not file.exists():
        _fail(
            [f"{file} is not there; name the gateway's settings (--settings gateway.toml) or its data directory (--data)"],
            as_json,
        )
    try:
        with closing(Ledger(file, beside_gateway=True, only_reads=only_reads)) as ledger:
            yield ledger
    except PanierError as error:
        _fail([str(error)], as_json)
    except sqlite3.Error as error:
        _fail([f"{file}: {in_words(error)}"], as_json)


def _fail(problems: list[str], as_json: bool) -> NoReturn:
    if as_json:
        print(json.dumps({"ok": False, "problems": problems}, ensure_ascii=False))
    else:
        print("\n".join(problems), file=sys.stderr)
    raise typer.Exit(1)
