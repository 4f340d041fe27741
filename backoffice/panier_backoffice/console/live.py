"""The console's own stream: says which parts of a page may have changed; the page then fetches them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from fastapi import APIRouter
from sse_starlette import EventSourceResponse

from panier_backoffice.console.guest import SignedIn
from panier_backoffice.office import Office, TheOffice

router = APIRouter(include_in_schema=False)

BREATH_SECONDS = 0.5
"""A busy store changes all the time; a page that redraws more often than this only flickers."""
LOOK_AGAIN_SECONDS = 5.0
"""Without a bell (another process wrote, or minutes passed by) pages look again this often."""


@router.get("/events", response_class=EventSourceResponse)
async def stream_changes(office: TheOffice, visitor: SignedIn) -> EventSourceResponse:
    """Server-sent events `changed`, without content."""
    return EventSourceResponse(_changes(office), ping=15)


async def _changes(office: Office) -> AsyncIterator[dict[str, str]]:
    office.meters.streams.inc()
    try:
        with office.bell.listen("live", "intake", "campaign", "feed") as listener:
            while True:
                await listener.wait(LOOK_AGAIN_SECONDS)
                yield {"event": "changed", "data": "{}"}
                await asyncio.sleep(BREATH_SECONDS)
    finally:
        office.meters.streams.dec()
