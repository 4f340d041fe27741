"""What the broker refused: it says so in its own log only, so that the gateway reads that and tells staff."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

# [29854] 2026/11/22 01:48:11.162055 [ERR] 127.0.0.1:45979 - mid:31 - "till-1" - Publish Violation - Subject "panier.1.shop..."
_LINE = re.compile(r'"([^"]{1,64})" - (Publish|Subscription) Violation - (?:User "[^"]*", )?Subject "([^"]{1,200})')
_MOST = 1_000_000
"""Bytes looked at in one go: who fills the log faster than it is read is told of all the same."""


@dataclass(frozen=True, slots=True)
class Violation:
    """A client that tried what it may not: its client id, whether it published or subscribed, and where."""

    client: str
    act: str
    topic: str

    def __str__(self) -> str:
        verb = "publish to" if self.act == "Publish" else "listen to"
        return f"{self.client} tried to {verb} {self.topic}, which is not its own; the broker refused it"


class Violations:
    """Reads what the log of the embedded broker has grown by; what it said before this start was told by then."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._at = file.stat().st_size if file.exists() else 0

    def read(self) -> list[Violation]:
        """The first violation of each client since the last call. Raises OSError."""
        if not self._file.exists():
            return []
        size = self._file.stat().st_size
        if size < self._at:
            self._at = 0  # the broker put its log aside and began another
        with self._file.open("rb") as log:
            log.seek(self._at)
            whole, _, _ = log.read(_MOST).rpartition(b"\n")
        self._at += len(whole) + 1 if whole else 0
        found: dict[str, Violation] = {}
        for match in _LINE.finditer(whole.decode(errors="replace")):
            client, act, subject = match.groups()
            found.setdefault(client, Violation(client, act, subject.replace(".", "/")))
        return list(found.values())
