"""Logs: one line an event on standard error or in a file, for people on a terminal and as JSON for machines."""

from __future__ import annotations

import contextlib
import io
import logging
import sys
from pathlib import Path
from typing import Any, TextIO, cast

import structlog

MOST_BYTES = 5_000_000
"""Bytes of a log file; as many again are kept of what came before."""
Logger = structlog.typing.FilteringBoundLogger


def setup(level: str = "INFO", *, file: Path | None = None, as_json: bool | None = None) -> None:
    """Configures logs for this process; called once by a role's command.

    `file` is for processes that own the terminal's screen (device, monitor). `as_json` defaults to whether nobody looks.
    """
    stream = cast(TextIO, _Patient(_Bounded(file) if file else sys.stderr))
    machine = not stream.isatty() if as_json is None else as_json
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if machine
        else structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=True,
    )
    loop = logging.getLogger("asyncio")
    loop.handlers, loop.propagate = [_Loop()], False


class _Loop(logging.Handler):
    """What fails where nobody waits for it, such as in a callback: asyncio tells it on a standard error that a screen covers."""

    def emit(self, record: logging.LogRecord) -> None:
        logger("asyncio").log(record.levelno, record.getMessage(), exc_info=record.exc_info)


class _Bounded(io.TextIOBase):
    """A file that is put aside as `.1` when it has grown enough, over the one put aside before: a log must not fill the disk."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = self._open()

    def _open(self) -> TextIO:
        return self._path.open("a", encoding="utf-8", buffering=1)

    def write(self, s: str) -> int:
        if self._file.tell() + len(s) > MOST_BYTES:
            # It is gone already where it was put aside before and the new one could not be opened.
            with contextlib.suppress(FileNotFoundError):
                self._path.replace(self._path.with_name(self._path.name + ".1"))
            # The old one is let go only for another: what is closed would never be written to again.
            full, self._file = self._file, self._open()
            full.close()
        return self._file.write(s)

    def flush(self) -> None:
        self._file.flush()


class _Patient(io.TextIOBase):
    """A stream whose disk may be full, or whose reader may be gone: a log must never end what it tells about."""

    def __init__(self, stream: TextIO | io.TextIOBase) -> None:
        self._stream = stream

    def write(self, s: str) -> int:
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(s)
        return len(s)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._stream.flush()

    def isatty(self) -> bool:
        return self._stream.isatty()


def logger(name: str) -> Logger:
    """A logger whose lines carry `name`."""
    return structlog.get_logger(part=name)
