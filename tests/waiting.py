"""How a test waits: until something holds, until the other tasks wait too, and for time itself only where that is the subject."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest

Found = TypeVar("Found")


async def until(holds: Callable[[], Found | Awaitable[Found]], what: str = "", *, within: float = 20.0) -> Found:
    """What `holds` gives as soon as it is true. Fails after `within` seconds, naming `what`."""
    try:
        return await _found(holds, within)
    except TimeoutError:
        pytest.fail(f"not within {within:g} s: {what or inspect.getsource(holds).strip()}")


async def holds_within(seconds: float, holds: Callable[[], object]) -> bool:
    """For who does something else where it does not come to hold."""
    try:
        return bool(await _found(holds, seconds))
    except TimeoutError:
        return False


async def logged(log: Path, what: str, times: int = 1) -> None:
    """For what only a program's log tells: as soon as it does so often."""
    await until(lambda: log.is_file() and log.read_text().count(what) >= times, f"{times} x {what} in {log}")


async def let_others_run() -> None:
    """Every other task goes on to where it waits."""
    await asyncio.sleep(0)


async def let_time_pass(seconds: float) -> None:
    """Where the subject is that nothing happens meanwhile."""
    await asyncio.sleep(seconds)


async def _found(holds: Callable[[], Found | Awaitable[Found]], seconds: float) -> Found:
    async with asyncio.timeout(seconds):
        while True:
            seen = holds()
            if found := await seen if inspect.isawaitable(seen) else seen:
                return found
            await asyncio.sleep(0.005)
