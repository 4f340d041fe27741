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
from panier_gateway.replica import Applied, Replica
from panier_io.log import logger

_PAGE = 5000
_SILENCE = 45.0
"""Seconds without so much as a ping after which the stream counts as dead: a half-closed line never says so itself."""


class Following:
    """Keeps the replica as new as the back office, for ever; `changed` is told once for each pull that brought something."""

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

    async def run(self) -> None:
        """Follows until cancelled."""
        while True:
            try:
                await self._follow()
                reason = "the stream ended"
            except (httpx.HTTPError, SSEError, ValidationError, ValueError, OSError) as error:
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
                if _last(event) > self._replica.position:
                    await self._pull()

    async def _pull(self) -> None:
        before = self._replica.newest[0]
        campaigns, members, refused = False, frozenset[str](), False
        more = True
        while more:
            page = await self._page()
            applied = await asyncio.to_thread(self._replica.apply, page)
            refused = refused or applied.refused
            campaigns, members, more = campaigns or applied.campaigns, members | applied.members, page.more and bool(page.entries)
            if page.last < self._replica.position:
                self._log.error("feed_went_back", ours=self._replica.position, theirs=page.last, hint="another back office?")
        self._reached(True)
        snapshot = self._replica.newest[0] != before
        if snapshot or campaigns or members or refused:
            self._log.info("feed_taken_in", position=self._replica.position, snapshot=snapshot, members=len(members))
            await self._changed(Applied(snapshot, campaigns, members, refused))

    async def _page(self) -> FeedPage:
        parameters = {"after": self._replica.position, "limit": _PAGE}
        response = await self._client.get(f"{self._root}/feed", params=parameters)
        response.raise_for_status()
        # Off the loop: a page of 5,000 products takes a tenth of a second to read.
        return await asyncio.to_thread(FeedPage.model_validate_json, response.content)


def _last(event: ServerSentEvent) -> int:
    return int(json.loads(event.data)["last"]) if event.event == "feed" else 0
