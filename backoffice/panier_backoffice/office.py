"""What every endpoint works with: settings, database, bell, clock and meters of one running back office."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.orm import Session

from panier_backoffice.bell import Bell, announced
from panier_backoffice.database import Database
from panier_backoffice.metrics import Meters
from panier_backoffice.receipt.shelf import Shelves
from panier_backoffice.settings import BackofficeSettings
from panier_backoffice.words import Words


def now_ms() -> int:
    """Milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """One running back office."""

    settings: BackofficeSettings
    database: Database
    secret: str
    """Signs sessions and forms."""
    clock: Callable[[], int] = now_ms
    bell: Bell = field(default_factory=Bell)
    meters: Meters = field(default_factory=Meters)
    shelves: Shelves = field(default_factory=Shelves)
    streams: Counter[str] = field(default_factory=Counter[str])
    """How many streams of the feed each store keeps open: a store with one is connected, however little happens there."""

    @contextmanager
    def reading(self) -> Generator[Session]:
        """See Database.reading."""
        with self.database.reading() as session:
            yield session

    @contextmanager
    def writing(self) -> Generator[Session]:
        """See Database.writing; rings the bell for what was announced, once it is on the disk."""
        with self.database.writing() as session:
            yield session
        self.bell.ring(*announced(session))

    @contextmanager
    def delivering(self) -> Generator[Session]:
        """See Database.delivering; rings the bell as well."""
        with self.database.delivering() as session:
            yield session
        self.bell.ring(*announced(session))

    def words(self) -> Words:
        """Money and times in the chain's language, as of now."""
        settings = self.settings
        return Words(locale=settings.locale, currency=settings.currency, timezone=settings.timezone, now=self.clock())


def _office(request: Request) -> Office:
    return request.app.state.office


TheOffice = Annotated[Office, Depends(_office)]
