"""A process's pulse: it beats while all that is vital goes round, so that a hung process is noticed and started again."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from panier_io.log import logger
from panier_io.supervisor import Supervisor

_EVERY = 5.0
"""Seconds between two rounds where nobody asks for more."""
_MISSED = 3
"""Rounds that may fail to come before a process counts as hung for those who ask over HTTP."""

_ROOM_MB = 20
"""Megabytes on a disk under which it counts as full: a log's and a journal's worth of an hour."""

Vital = Callable[[], Awaitable[object]]
"""Comes back while a part goes round, whatever it found: what cannot come back is hung."""
Look = Callable[[], str]
"""Why a part does not serve, or nothing. Called from any thread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What one question came to: `reasons` why not, one sentence each, and how each part stands, noted ones too."""

    reasons: tuple[str, ...]
    parts: Mapping[str, str]

    @property
    def ok(self) -> bool:
        """True where nothing speaks against it."""
        return not self.reasons

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"ok": self.ok, "reasons": list(self.reasons), "parts": dict(self.parts)}


class Vitals:
    """Rounds over what is vital, and a look at what serves.

    `vital` parts are asked every round, one after the other; only where all came back the supervisor gets its beat. A part that
    says no (a full disk, a database that is away) has come back: to start again would not mend it, so that makes a process not
    ready instead, by `serving`. `noted` tells of what a process works without.
    """

    def __init__(
        self,
        supervisor: Supervisor,
        *,
        vital: Mapping[str, Vital],
        serving: Mapping[str, Look] | None = None,
        noted: Mapping[str, Look] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._supervisor = supervisor
        self._vital = dict(vital)
        self._serving = dict(serving or {})
        self._noted = dict(noted or {})
        self._clock = clock
        self._every = supervisor.beat_every or _EVERY
        self._at: float | None = None
        self._asking = "the event loop"
        self._said = ""
        self._is_ready = False
        self._log = logger("vitals")

    def begin(self) -> None:
        """The process serves from now on."""
        self._is_ready, self._at = True, self._clock()
        self._said = self._words(self.ready())
        self._supervisor.ready(self._said)
        self._supervisor.beat()

    def end(self) -> None:
        """The process ends, in order."""
        self._is_ready = False
        self._supervisor.stopping()

    async def run(self) -> None:
        """Goes round until cancelled."""
        while True:
            await self.go_round()
            await asyncio.sleep(self._every)

    async def go_round(self) -> None:
        """Asks every vital part; beats when all have come back."""
        for name, vital in self._vital.items():
            self._asking = name
            try:
                await vital()
            except Exception as error:
                # It came back, and said no: whoever asks hears of it from the part itself.
                self._log.warning("part_says_no", part=name, reason=str(error))
        self._asking = "the event loop"
        self._at = self._clock()
        self._supervisor.beat()
        if self._is_ready and (words := self._words(self.ready())) != self._said:
            self._said = words
            self._supervisor.say(words)

    def live(self) -> Report:
        """Whether the process goes round; True before it began, for a start may take its time. Called from any thread."""
        since = 0.0 if self._at is None else self._clock() - self._at
        hung = self._asking if since > _MISSED * self._every else ""
        parts = dict.fromkeys(["the event loop", *self._vital], "ok")
        if not hung:
            return Report(reasons=(), parts=parts)
        words = f"has not come back for {since:.0f} s"
        return Report(reasons=(f"{hung} {words}",), parts=parts | {hung: words})

    def ready(self) -> Report:
        """Whether the process serves. Called from any thread."""
        live = self.live()
        reasons = list(live.reasons) if self._is_ready else ["it is starting or stopping"]
        parts = dict(live.parts)
        for name, look in self._serving.items():
            parts[name] = look() or "ok"
            reasons += [f"{name}: {parts[name]}"] if parts[name] != "ok" else []
        parts |= {name: look() or "ok" for name, look in self._noted.items()}
        return Report(reasons=tuple(reasons), parts=parts)

    def _words(self, report: Report) -> str:
        if not report.ok:
            return "not ready: " + "; ".join(report.reasons)
        noted = [f"{name}: {report.parts[name]}" for name in self._noted if report.parts[name] != "ok"]
        return "; ".join(["ready", *noted])


def room(path: Path) -> str:
    """Why nothing more should be written where `path` lies, or nothing."""
    try:
        free = shutil.disk_usage(path.parent).free // 1_000_000
    except OSError as error:
        return str(error)
    return f"{free} MB left" if free < _ROOM_MB else ""
