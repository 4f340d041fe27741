"""A trip of twenty scans at the real agent with its real journal, under the recorder. What is painted is written to `painted`.

Arguments: the directory, and how it is broken on purpose: `sound`, `unsynced` (no fsync), or `hasty` (painted before appended).
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from tests.device.conftest import BEANS, BREAD, CARD, MILK, open_desk

from panier_device.driver.frame import Frame
from panier_device.driver.port import Reading

directory, how = Path(sys.argv[1]), sys.argv[2]
desk = open_desk(directory)
agent, journal = desk.agent, desk.journal
screen = os.open(directory / "painted", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
if how == "unsynced":
    journal._conn.execute("PRAGMA synchronous=OFF")


def say(**what: object) -> None:
    os.write(screen, (json.dumps(what) + "\n").encode())


def scan(code: str) -> None:
    agent.take(Reading(frame=Frame(text=code), entry="scan", read_at=time.monotonic_ns()))


def paint() -> None:
    trip = agent.now.trip
    say(last=journal.last, lines=[[line.sku, line.quantity] for line in trip.lines] if trip else None)


agent.show = paint
if how == "hasty":
    append = journal.append

    def hasty(trip, at, *happenings, **more):
        say(last=journal.last + len(happenings), lines=None)
        return append(trip, at, *happenings, **more)

    journal.append = hasty

for trip in range(2):
    for number in range(20 if trip == 0 else 3):
        scan((BEANS, BREAD, MILK)[number % 3])
        desk.clock.now += 900
        if number == 4:
            scan(CARD)
            journal.greet(agent.now.trip.trip, "Claire")
    agent.put_back(None, whole_line=False)
    if trip == 0:
        agent.finish()
        # The gateway has it: from here on these lines need not be here any more.
        say(acknowledged=journal.last)
        journal.acknowledge(journal.last)
        journal.forget()
        journal.erase_greeting()
# The trip is recorded up to here; a process that loses its power does not say goodbye.
os._exit(0)
