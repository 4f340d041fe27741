"""Prices and promotions from the gateway: asks for what is missing, part by part, until the newest version is held."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar, TypeVarTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from panier.message import Ask, Malformed, Manifest, unpack
from panier_device.shop import AssortmentDamaged, Held, Outcome, Shop
from panier_device.tally import Tally
from panier_io.log import logger
from panier_io.session import NotConnected

_T = TypeVar("_T")
_Args = TypeVarTuple("_Args")
_ASK_AGAIN, _LONGEST = 5.0, 60.0
_CONFIRM_EVERY_MS = 30_000
_QUEUE = 4
"""Parts kept at the most: one is asked for at a time, so more than a few were never asked for."""


class Supply:
    """Keeps the shop at the version that the manifest announces. Writes to disk in a thread of its own."""

    def __init__(
        self,
        shop: Shop,
        *,
        ask: Callable[[Ask], Awaitable[None]],
        adopted: Callable[[], None],
        tally: Tally,
        clock: Callable[[], int],
    ) -> None:
        self._shop = shop
        self._ask = ask
        self._adopted = adopted
        self._tally = tally
        self._clock = clock
        self._log = logger("supply")
        self._thread = ThreadPoolExecutor(1, "shop")
        self._news = asyncio.Event()
        self._parts: list[bytes] = []
        self._asked_at: float | None = None
        self._patience = _ASK_AGAIN
        self._from_scratch = False
        self._heard = False
        self.manifest: Manifest | None = None
        self.held: Held = shop.held
        tally.snapshot.set(self.held.version)

    @property
    def is_newest(self) -> bool:
        """True where the manifest announces what is held."""
        newest = self.manifest
        return newest is not None and (newest.version, newest.fingerprint) == (self.held.version, self.held.fingerprint)

    @property
    def progress(self) -> float | None:
        """How much of a full snapshot has arrived, 0 to 1, or None while none is on its way."""
        loading = self._shop.loading
        return loading.part / loading.parts if loading and loading.since == 0 else None

    def announced(self, manifest: Manifest) -> None:
        """The gateway says what is newest; it says so again every half minute, which is no reason to ask again."""
        known, self.manifest = self.manifest, manifest
        self.heard()
        if known is None or (known.version, known.fingerprint, known.boot) != (
            manifest.version, manifest.fingerprint, manifest.boot,
        ):  # fmt: skip
            self.ask_now()

    def arrived(self, payload: bytes) -> bool:
        """A part came; False where so many wait that this one was never asked for."""
        if len(self._parts) >= _QUEUE:
            return False
        self._parts.append(payload)
        self.heard()
        return True

    def heard(self) -> None:
        """Any word of the gateway: while it announces nothing newer than what is held, our prices are today's."""
        self._heard = True
        self._news.set()

    def ask_now(self) -> None:
        """The line is new, or there is something new: whatever was asked before may never be answered."""
        self._asked_at = None
        self._news.set()

    async def run(self) -> None:
        """Until cancelled."""
        try:
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._still_patient()):
                        await self._news.wait()
                self._news.clear()
                # However many other words came meanwhile, but not where the answer lies here.
                if not self._parts and self._still_patient() == 0:
                    self._asked_at = None
                    self._patience = min(self._patience * 2, _LONGEST)
                try:
                    await self._step()
                except (sqlite3.Error, AssortmentDamaged) as error:
                    # A full or failing disk: what is held stays as it is, the shop goes on, and the next word tries again.
                    self._log.exception("supply_failed")
                    if isinstance(error, sqlite3.Error):
                        self._shop.is_damaged_by(error)
                    self._asked_at = time.monotonic()
        finally:
            self._thread.shutdown(wait=True, cancel_futures=True)

    def _still_patient(self) -> float | None:
        """Seconds until what was asked is asked again; None where nothing is."""
        return None if self._asked_at is None else max(0.0, self._asked_at + self._patience - time.monotonic())

    async def _step(self) -> None:
        if self._shop.trouble and self._heard and self.held.version:
            self._renew()
        while self._parts:
            await self._take(self._parts.pop(0))
        await self._note()
        wanted = self._wanted()
        if wanted is None:
            self._asked_at = None
            self._patience = _ASK_AGAIN
        elif self._asked_at is None:
            try:
                await self._ask(wanted)
            except NotConnected:
                return
            self._asked_at = time.monotonic()

    def _renew(self) -> None:
        """Only while the gateway is there: alone, what can still be read is better than nothing. No thread writes meanwhile."""
        self._log.error("assortment_damaged", reason=self._shop.trouble, now="begins empty, and is fetched again")
        self._shop.renew()
        self.held = self._shop.held
        self._tally.snapshot.set(self.held.version)
        self._asked_at = None

    def _wanted(self) -> Ask | None:
        newest, held, loading = self.manifest, self.held, self._shop.loading
        if newest is None or self.is_newest:
            return None
        if loading is not None:
            return Ask(have=loading.since, part=loading.part, version=loading.version)
        # The same version with other content: the gateway's history is not the one that ours grew from.
        return Ask(have=0 if self._from_scratch or newest.version == held.version else held.version)

    async def _take(self, payload: bytes) -> None:
        try:
            outcome = await self._in_thread(self._unpack_and_take, payload)
        except Malformed as error:
            self._tally.malformed.labels(error.code).inc()
            self._log.warning("part_set_aside", reason=str(error))
            return
        if outcome == "unexpected":
            return
        self._asked_at = None
        if outcome == "mismatch":
            self._tally.mismatches.inc()
            self._log.warning("fingerprint_mismatch", version=self.manifest and self.manifest.version)
            # At once the first time; with growing patience where a copy of everything does not fit either.
            self._asked_at = time.monotonic() if self._from_scratch else None
            self._from_scratch = True
        elif outcome == "complete":
            self._from_scratch = False
            self.held = self._shop.held
            if self.manifest and self.held.version > self.manifest.version:
                # The part was made after the manifest that we know, and the next one is still on its way.
                self.manifest = self.manifest.model_copy(
                    update={"version": self.held.version, "fingerprint": self.held.fingerprint}
                )
            self._tally.snapshot.set(self.held.version)
            self._log.info("snapshot_adopted", version=self.held.version, unsound=self._shop.unsound)
            self._adopted()

    def _unpack_and_take(self, payload: bytes) -> Outcome:
        return self._shop.take(unpack(payload))

    async def _note(self) -> None:
        newest = self.manifest
        if (
            newest
            and (newest.currency, newest.timezone) != (self.held.currency, self.held.timezone)
            and self._is_known(newest.timezone)
        ):
            await self._in_thread(self._shop.settle_in, newest.currency, newest.timezone)
        now = self._clock()
        # Either way: a clock that was ahead and is set right must not leave a confirmation that lies in the future.
        if self._heard and self.is_newest and abs(now - self.held.confirmed_at) >= _CONFIRM_EVERY_MS:
            await self._in_thread(self._shop.confirm, now)
        self._heard = False
        self.held = self._shop.held

    def _is_known(self, timezone: str) -> bool:
        try:
            ZoneInfo(timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            self._tally.malformed.labels("unknown_timezone").inc()
            self._log.warning("timezone_unknown", timezone=timezone)
            return False
        return True

    async def _in_thread(self, work: Callable[[*_Args], _T], *args: *_Args) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *args)
