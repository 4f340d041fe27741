"""Following the back office's feed: a stream that says only how far it is, and pages pulled on each signal."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

import httpx
from httpx_sse import ServerSentEvent, SSEError, aconnect_sse
from pydantic import ValidationError

from panier.feed import FeedPage
from panier_gateway.patience import Patience
from panier_gateway.replica import NOTHING, Applied, Replica
from panier_io.log import logger
from panier_io.store import StoreUnusable

_PAGE = 5000
_SILENCE = 45.0
"""Seconds without so much as a ping after which the stream counts as dead: a half-closed line never says so itself."""


class AnotherFeed(Exception):
    """The back office has another log than before, which is of no use."""


class Following:
    """Keeps the replica as new as the back office, for ever; `changed` is told once for each pull that brought something.

    What is on the disk and was not told is told again, until `changed` has come back.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        store: str,
        replica: Replica,
        changed: Callable[[Applied], Awaitable[None]],
        reached: Callable[[bool], None],
        patience: Patience,
    ) -> None:
        self._client = client
        self._root = f"/api/v1/stores/{store}"
        self._replica = replica
        self._changed = changed
        self._reached = reached
        self._log = logger("feed")
        self._patience = patience
        self._untold = NOTHING

    async def run(self) -> None:
        """Follows until cancelled."""
        while True:
            try:
                await self._follow()
                reason = "the stream ended"
            except AnotherFeed as error:
                reason = str(error)
            except (httpx.HTTPError, SSEError, ValidationError, ValueError, OSError, StoreUnusable) as error:
                self._reached(False)
                reason = f"{type(error).__name__}: {error}"
            self._log.warning("feed_lost", reason=reason, again_in=self._patience.next_pause)
            await self._patience.pause()

    async def _follow(self) -> None:
        timeout = httpx.Timeout(10, read=_SILENCE)
        after = {"after": self._replica.position}
        async with aconnect_sse(self._client, "GET", f"{self._root}/stream", params=after, timeout=timeout) as stream:
            stream.response.raise_for_status()
            # Only now: what was written between a pull and the stream's start would be missed the other way round.
            await self._pull()
            self._patience.restart()
            async for event in stream.aiter_sse():
                if _last(event) not in (0, self._replica.position):
                    await self._pull()

    async def _begin_anew(self, theirs: int) -> None:
        """Takes another log in beside the one that is held, which serves until this one is here whole."""
        another = f"the back office's log is not the one that was followed up to {self._replica.position}; it ends at {theirs}"
        self._log.error("another_feed", ours=self._replica.position, theirs=theirs)
        with self._replica.beside() as fresh:
            more = True
            while more:
                page = await self._page(fresh.position)
                await asyncio.to_thread(fresh.apply, page)
                more = page.more and bool(page.entries)
            if fresh.newest[0] == 0:
                self._untold = self._untold.and_then(
                    Applied(another=f"{another} and sells nothing, so that nothing was taken in")
                )
                raise AnotherFeed(another)
            await asyncio.to_thread(self._replica.become, fresh)
        told = f"{another}; all of it was taken in anew"
        self._untold = self._untold.and_then(Applied(snapshot=True, campaigns=True, refused=True, another=told))

    async def _pull(self) -> None:
        try:
            while await self._take_page():
                pass
            self._reached(True)
        finally:
            # Also where a page stays away: the next pull does not bring again what the pages before it brought.
            await self._tell()

    async def _take_page(self) -> bool:
        """Takes in what follows; True where there is more."""
        position = self._replica.position
        # From our last entry on: a back office that was put back to a backup may have gone beyond it again, with other ones.
        page = await self._page(max(0, position - 1))
        if page.last < position or not all(map(self._replica.recognizes, page.entries[:1])):
            await self._begin_anew(page.last)
            return True
        applied = await asyncio.to_thread(self._replica.apply, page)
        self._untold = self._untold.and_then(applied)
        return page.more and self._replica.position > position

    async def _tell(self) -> None:
        if (untold := self._untold) != NOTHING:
            self._log.info(
                "feed_taken_in", position=self._replica.position, snapshot=untold.snapshot, members=len(untold.members)
            )
            await self._changed(untold)
            self._untold = NOTHING

    async def _page(self, after: int) -> FeedPage:
        parameters = {"after": after, "limit": _PAGE}
        response = await self._client.get(f"{self._root}/feed", params=parameters)
        response.raise_for_status()
        # Off the loop: a page of 5,000 products takes a tenth of a second to read.
        return await asyncio.to_thread(FeedPage.model_validate_json, response.content)


def _last(event: ServerSentEvent) -> int:
    return int(json.loads(event.data)["last"]) if event.event == "feed" else 0
