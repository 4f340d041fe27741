"""A subscriber that only counts, in a process of its own: what the broker alone can do is measured with it.

Reads one JSON object (`port`, `name`, `password`, `topic`) from its input and says `ready`; then it answers each line with the
number of messages that it has.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable

from panier_simulators.bench.line import Caller, Line, LineRefused

_KNOCKS_FOR, _AGAIN = 60.0, 0.5
"""Seconds: a broker that takes up what three thousand sessions left behind listens before it answers."""


async def _count() -> None:
    told = json.loads(sys.stdin.readline())
    count = 0

    def one_more(_: object) -> None:
        nonlocal count
        count += 1

    line = await _open(Caller(port=told["port"], name=told["name"], password=told["password"], listens=[told["topic"]]), one_more)
    _say("ready")
    beating = asyncio.create_task(_beat(line))
    asked = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(asked), sys.stdin)
    # Who was cut off says no more: its count would be wrong.
    while await asked.readline() and not line.is_cut:
        _say(str(count))
    beating.cancel()


async def _open(caller: Caller, one_more: Callable[[object], None]) -> Line:
    latest = time.monotonic() + _KNOCKS_FOR
    while True:
        line = Line(one_more, lambda: None)
        try:
            await line.open(caller)
            return line
        except (LineRefused, OSError):
            line.close()
            if time.monotonic() > latest:
                raise
        await asyncio.sleep(_AGAIN)


async def _beat(line: Line) -> None:
    """A subscriber at quality of service 0 says nothing by itself, and a broker ends with whoever is silent."""
    while True:
        await asyncio.sleep(1)
        line.beat(time.monotonic())


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(_count())
