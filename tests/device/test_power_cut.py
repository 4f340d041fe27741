"""The power goes at every possible moment of a trip: what was painted is there afterwards.

The real agent runs with its real journal in a process whose system calls are recorded (power/recorder.c): writes, syncs, and what
is painted, in their order. Then a disk is played that forgets: it is cut before each recorded call, and the journal is opened on
what may be left. What a disk may do with what was not synced: forget all of it (`strict`), keep all of it (`whole`, which is also
a kill -9), or keep any part of it, torn at any sector (`torn`, by chance with a fixed seed).
"""

from __future__ import annotations

import json
import os
import random
import shutil
import struct
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.sending import events_in

from panier.trip import TripOrder
from panier_io.journal import Journal

HERE = Path(__file__).parent / "power"
ROOT = Path(__file__).parents[2]
SECTOR = 512
TORN = 2
"""Torn disks tried at each cut."""


@dataclass(frozen=True)
class Call:
    """One recorded call on one file: w(rite), t(runcate), s(ync), u(nlink)."""

    kind: str
    name: str
    offset: int
    content: bytes


@dataclass
class File:
    """What is certainly on the disk, and what may be."""

    durable: bytearray = field(default_factory=bytearray)
    pending: list[Call] = field(default_factory=list)
    is_named: bool = False
    """Its name is on the disk: the file or its directory was synced."""


class Disk:
    """Files of one directory as a disk without a battery holds them."""

    def __init__(self) -> None:
        self.files: dict[str, File] = {}
        self.gone: dict[str, File] = {}
        """Unlinked, but the directory was not synced since: they may be there again."""

    def take(self, call: Call) -> None:
        if call.name == "":
            self.gone.clear()
            for file in self.files.values():
                file.is_named = True
            return
        if call.kind == "u":
            if call.name in self.files:
                self.gone[call.name] = self.files.pop(call.name)
            return
        file = self.files.setdefault(call.name, File())
        if call.kind == "s":
            for one in file.pending:
                _apply(file.durable, one)
            file.pending.clear()
            file.is_named = True
        else:
            file.pending.append(call)

    def after_the_cut(self, left: str, chance: random.Random) -> dict[str, bytes]:
        files = dict(self.files)
        if left == "strict" or (left == "torn" and chance.random() < 0.5):
            files |= {name: file for name, file in self.gone.items() if name not in files}
        found: dict[str, bytes] = {}
        for name, file in files.items():
            if left == "strict" and not file.is_named:
                continue
            content = bytearray(file.durable)
            for call in file.pending if left != "strict" else ():
                if left == "whole":
                    _apply(content, call)
                else:
                    _apply_some(content, call, chance)
            found[name] = bytes(content)
        return found


def _apply(content: bytearray, call: Call) -> None:
    if call.kind == "t":
        del content[call.offset :]
        content.extend(bytes(call.offset - len(content)))
    else:
        content.extend(bytes(max(0, call.offset - len(content))))
        content[call.offset : call.offset + len(call.content)] = call.content


def _apply_some(content: bytearray, call: Call, chance: random.Random) -> None:
    fate = chance.random()
    if fate < 0.4:
        return
    if call.kind == "t" or fate < 0.7:
        _apply(content, call)
        return
    for start in range(0, len(call.content), SECTOR):
        if chance.random() < 0.5:
            _apply(content, Call("w", call.name, call.offset + start, call.content[start : start + SECTOR]))


def record(directory: Path, how: str) -> list[Call]:
    """Runs the trip and gives what it did to its journal and to the screen."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip(reason="no C compiler to build the recorder with: apt install gcc libc6-dev")
    shop, library, tape = directory / "shop", directory / "recorder.so", directory / "tape"
    shop.mkdir()
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, HERE / "recorder.c", "-ldl"], check=True)
    environment = {
        **os.environ, "LD_PRELOAD": str(library), "RECORD_BELOW": str(shop), "RECORD_INTO": str(tape), "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    subprocess.run([sys.executable, HERE / "trip.py", shop, how], env=environment, cwd=ROOT, check=True)
    return [*_read(tape.read_bytes(), shop)]


def _read(tape: bytes, directory: Path) -> Iterator[Call]:
    at = 0
    while at < len(tape):
        kind = chr(tape[at])
        path_size, offset, length = struct.unpack_from("<qqq", tape, at + 1)
        at += 25
        path = Path(tape[at : at + path_size].decode())
        content = tape[at + path_size : at + path_size + length]
        at += path_size + length
        name = "" if path == directory else path.name
        # What SQLite maps to memory it makes anew; the assortment can be fetched again.
        if not name.endswith("-shm") and not name.startswith("shop"):
            yield Call(kind, name, offset, content)


@dataclass
class Verdict:
    cuts: int = 0
    openings: int = 0
    painted: int = 0
    lost: list[str] = field(default_factory=list)
    reported: Counter[str] = field(default_factory=Counter[str])
    """Openings that reported damage, by what the disk had done."""


def cut_everywhere(tape: list[Call], directory: Path, *, to_the_end: bool = True) -> Verdict:
    """Opens the journal on what is left after a cut before each call; says what was painted and is not there."""
    verdict, disk, shown, everything = Verdict(), Disk(), {"last": 0}, _events(tape, directory)
    acknowledged = 0
    for place, call in enumerate([*tape, None]):
        for number in range(2 + TORN):
            left = ("strict", "whole")[number] if number < 2 else "torn"
            found = disk.after_the_cut(left, random.Random(f"{place}.{number}"))
            verdict.openings += 1
            kept, reported = _open(found, directory / "left")
            if reported:
                verdict.reported[left] += 1
            wanted = [event for event in everything if acknowledged < event[0] <= shown["last"]]
            if missing := [event for event in wanted if event not in kept]:
                verdict.lost.append(f"before call {place} ({call and call.kind} {call and call.name}), {left}: {missing[0]}")
        verdict.cuts += 1
        if call is None or (verdict.lost and not to_the_end):
            break
        if call.name == "painted":
            said = json.loads(call.content)
            if "acknowledged" in said:
                acknowledged = said["acknowledged"]
            else:
                shown = said
                verdict.painted += 1
        else:
            disk.take(call)
    return verdict


def _events(tape: list[Call], directory: Path) -> list[tuple[int, str]]:
    """Every event that was ever written, by sequence: those of the first trip as they were before they were forgotten."""
    disk, held = Disk(), dict[int, str]()
    for call in tape:
        if call.name == "painted" and "acknowledged" in json.loads(call.content):
            held |= dict(_open(disk.after_the_cut("whole", random.Random()), directory / "left")[0])
        elif call.name != "painted":
            disk.take(call)
    return sorted((held | dict(_open(disk.after_the_cut("whole", random.Random()), directory / "left")[0])).items())


def _open(files: dict[str, bytes], directory: Path) -> tuple[list[tuple[int, str]], bool]:
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    for name, content in files.items():
        (directory / name).write_bytes(content)
    journal = Journal(directory / "journal.db", "hand-1")
    try:
        with suppress(TripOrder):  # a disk that did not sync may have lost a trip's first event and kept others
            journal.open_trip()
        return [(event.sequence, repr(event.what)) for event in events_in(journal)], journal.damage is not None
    finally:
        journal.close()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Path]:
    """A directory in memory where there is one: it is the played disk that must forget, not the real one that must sync."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    directory = memory / f"panier-power-{os.getpid()}"
    directory.mkdir()
    yield directory
    shutil.rmtree(directory)


@pytest.mark.slow
def test_no_painted_line_is_lost_wherever_the_power_is_cut(bench: Path):
    verdict = cut_everywhere(record(bench, "sound"), bench)
    assert verdict.lost == []
    assert verdict.painted >= 25
    assert verdict.cuts > 200
    # Neither a kill -9 nor a disk that forgets all of it looks like damage; a torn last commit may.
    assert verdict.reported.keys() <= {"torn"}


@pytest.mark.slow
@pytest.mark.parametrize("how", ["unsynced", "hasty"])
def test_a_journal_that_does_not_sync_or_a_screen_that_does_not_wait_is_found_out(bench: Path, how: str):
    assert cut_everywhere(record(bench, how), bench, to_the_end=False).lost != []
