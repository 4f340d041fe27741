"""Handing prices and promotions out to devices: deltas to those who hold some version, everything to the others."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from panier.message import MAX_PAYLOAD, Ask, SnapshotPart
from panier.snapshot import Change, Fingerprint
from panier_gateway.replica import Replica
from panier_io.log import logger

_UNPACKED = 2_000_000
"""Characters of a part's bodies: some 300 kB compressed, and a handheld parses it without swelling."""
_PER_CHANGE = 80  # characters of JSON around each body
_SETS_KEPT = 6
_STALE_ENTRIES = 2000
"""A whole set is served on, with a delta to follow, until this many entries came after it: making one takes seconds."""

Send = Callable[[str, bytes], Awaitable[None]]
"""Hands one payload to one device."""


class Distribution:
    """Answers devices in the order in which they asked, one part an ask, so that a hundred that start at once share fairly.

    Packing runs in one thread of its own; events never wait for it.
    """

    def __init__(self, replica: Replica, send: Send) -> None:
        self._replica = replica
        self._send = send
        self._asked: OrderedDict[str, Ask] = OrderedDict()
        self._bell = asyncio.Event()
        self._packer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="packer")
        self._sets: OrderedDict[tuple[int, int], list[bytes]] = OrderedDict()
        self._log = logger("distribution")
        self.parts_sent = 0

    def ask(self, device: str, ask: Ask) -> None:
        """Notes what a device wants; a newer ask of the same device replaces the older."""
        self._asked[device] = ask
        self._bell.set()

    async def run(self) -> None:
        """Answers until cancelled."""
        while True:
            await self._bell.wait()
            self._bell.clear()
            while self._asked:
                device, ask = self._asked.popitem(last=False)
                try:
                    await self._answer(device, ask)
                except Exception:
                    self._log.exception("answer_failed", device=device, have=ask.have, part=ask.part)

    def forget(self) -> None:
        """Versions may mean something else from now on; what is being packed is kept by nobody."""
        self._sets = OrderedDict()

    def close(self) -> None:
        """Ends the packing thread."""
        self._packer.shutdown(cancel_futures=True)

    async def _answer(self, device: str, ask: Ask) -> None:
        newest, _ = self._replica.newest
        if newest == 0:
            return  # nothing known yet; the manifest will say when there is
        since = ask.have if 0 < ask.have <= newest and await asyncio.to_thread(self._replica.holds_version, ask.have) else 0
        version = await self._version_for(since, ask.version, newest)
        parts = await self._parts(since, version)
        part = ask.part if ask.version == version and ask.part < len(parts) else 0
        await self._send(device, parts[part])
        self.parts_sent += 1

    async def _version_for(self, since: int, begun: int | None, newest: int) -> int:
        """What to serve: the version that was begun while it is still at hand, else the newest."""
        if begun is not None and (since, begun) in self._sets:
            return begun
        if since == 0 and (whole := max((version for start, version in self._sets if start == 0), default=0)):
            later = await asyncio.to_thread(self._replica.entries_after, whole)
            return whole if later < _STALE_ENTRIES else newest
        return newest

    async def _parts(self, since: int, version: int) -> list[bytes]:
        key = (since, version)
        sets = self._sets
        if key not in sets:
            loop = asyncio.get_running_loop()
            parts = await loop.run_in_executor(self._packer, pack, self._replica, since, version)
            sets[key] = parts
            self._log.info("snapshot_packed", since=since, version=version, parts=len(parts), bytes=sum(map(len, parts)))
            self._trim(key)
        sets.move_to_end(key)
        return sets[key]

    def _trim(self, newest: tuple[int, int]) -> None:
        # One whole set at a time: it is by far the largest thing that is held.
        for key in [key for key in self._sets if key[0] == 0 and newest[0] == 0 and key != newest]:
            del self._sets[key]
        while len(self._sets) > _SETS_KEPT:
            oldest = next(key for key in self._sets if key[0] != 0 or len(self._sets) == 1)
            del self._sets[oldest]


def pack(replica: Replica, since: int, version: int) -> list[bytes]:
    """Compressed parts of what brings a holder of `since` to `version`, each of at most MAX_PAYLOAD bytes. Blocking."""
    fingerprint = replica.fingerprint_of(version)
    size = _UNPACKED
    while True:
        parts = _packed(replica, since, version, fingerprint, size)
        if all(len(part) <= MAX_PAYLOAD for part in parts):
            return parts
        size //= 2  # bodies that hardly compress


def _packed(replica: Replica, since: int, version: int, fingerprint: Fingerprint, size: int) -> list[bytes]:
    # Two readings rather than one list: the number of parts stands in each part, and 90,000 bodies would fill the memory.
    count = sum(1 for _ in _chunks(replica.changes(since, version), size))
    return [
        SnapshotPart(
            version=version, fingerprint=str(fingerprint), since=since, part=number, parts=count, changes=changes
        ).pack()
        for number, changes in enumerate(_chunks(replica.changes(since, version), size))
    ]  # fmt: skip


def _chunks(changes: Iterable[Change], size: int) -> Iterator[list[Change]]:
    """Groups of at most `size` characters; at least one group, which may be empty."""
    chunk: list[Change] = []
    held = 0
    for change in changes:
        weight = len(change.body or "") + _PER_CHANGE
        if chunk and held + weight > size:
            yield chunk
            chunk, held = [], 0
        chunk.append(change)
        held += weight
    yield chunk
