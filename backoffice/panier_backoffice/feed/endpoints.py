"""`/api/v1/stores/{store}/feed` and `/stream`: how a gateway learns what is new."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Query, Response
from sse_starlette import EventSourceResponse
from starlette.concurrency import run_in_threadpool

from panier.feed import FeedPage
from panier_backoffice.feed import log
from panier_backoffice.office import Office, TheOffice
from panier_backoffice.store.access import OwnStore

router = APIRouter(prefix="/api/v1/stores/{store}", tags=["feed"])

LARGEST_PAGE = 10_000
LOOK_AGAIN_SECONDS = 1.0
"""How soon a stream notices what another process wrote; what this process writes rings the bell."""
PING_SECONDS = 15

After = Annotated[int, Query(ge=0, le=2**62, description="the newest sequence that the caller holds")]


@router.get("/feed", response_model=FeedPage)
def read_feed(
    office: TheOffice, store: OwnStore, after: After = 0, limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE)] = 5000
) -> Response:
    """Entries after `after`, oldest first: products, promotions, members and campaigns, each as it is from then on."""
    with office.reading() as session:
        rows, more = log.page(session, after, limit)
        last = log.newest(session)
    # Bodies are kept as JSON: they are set in as they are, instead of being parsed and written again 5,000 times.
    entries = ",".join(_entry(row) for row in rows)
    text = f'{{"entries":[{entries}],"last":{last},"more":{json.dumps(more)}}}'
    return Response(text, media_type="application/json")


def _entry(row: log.Entry) -> str:
    sequence, kind, key, body = row
    return f'{{"sequence":{sequence},"kind":"{kind}","key":{json.dumps(key)},"body":{body or "null"}}}'


@router.get("/stream", response_class=EventSourceResponse, responses={200: {"content": {"text/event-stream": {}}}})
async def stream_feed(office: TheOffice, store: OwnStore, after: After = 0) -> EventSourceResponse:
    """Server-sent events: `feed` with data `{"last": N}` at once and whenever the newest sequence has become N."""
    return EventSourceResponse(_newest(office, store), ping=PING_SECONDS)


async def _newest(office: Office, store: str) -> AsyncIterator[dict[str, str]]:
    told = -1
    office.meters.streams.inc()
    office.streams[store] += 1
    office.bell.ring("live")
    try:
        with office.bell.listen("feed") as listener:
            while True:
                last = await run_in_threadpool(_look, office)
                if last != told:
                    told = last
                    yield {"event": "feed", "data": json.dumps({"last": last})}
                await listener.wait(LOOK_AGAIN_SECONDS)
    finally:
        office.meters.streams.dec()
        office.streams[store] -= 1
        office.bell.ring("live")


def _look(office: Office) -> int:
    with office.reading() as session:
        last = log.newest(session)
    office.meters.feed.set(last)
    return last
