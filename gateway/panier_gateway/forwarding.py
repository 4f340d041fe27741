"""Forwarding: the outbox goes to the back office, oldest first, until each item is on its disk or was refused by it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence

import httpx
from pydantic import ValidationError

from panier.intake import Intake, IntakeResult, Live, Outcome
from panier_gateway.clerk import Clerk
from panier_gateway.ledger import Parcel
from panier_gateway.patience import Patience
from panier_io.log import logger

BATCH = 100
_LIVE_EVERY = 1.0
_KINDS = ("receipt", "contact", "incident")
_PROBLEM = "application/problem+json"
"""As every refusal of the back office's own; a proxy before it, or a port of something else, refuses in other words."""


class OfficeUnreachable(Exception):
    """The back office did not take a request; try again later."""


class TooLarge(OfficeUnreachable):
    """Something on the way lets only smaller requests through."""


class RequestRefused(Exception):
    """The back office says that this request itself is wrong."""


class BackOffice:
    """The back office's API for one store. `reached` is told of every success and failure."""

    def __init__(self, client: httpx.AsyncClient, store: str, reached: Callable[[bool], None]) -> None:
        self._client = client
        self._root = f"/api/v1/stores/{store}"
        self._reached = reached

    async def hand_in(self, parcels: Sequence[Parcel]) -> IntakeResult:
        """Posts items. Raises OfficeUnreachable, also where the answer does not account for each item, or RequestRefused."""
        lists = {kind: [parcel.content or {} for parcel in parcels if parcel.kind == kind] for kind in _KINDS}
        intake = Intake(receipts=lists["receipt"], contacts=lists["contact"], incidents=lists["incident"])
        response = await self._request("POST", f"{self._root}/intake", intake.model_dump_json())
        try:
            result = IntakeResult.model_validate_json(response.content)
        except ValidationError as error:
            raise OfficeUnreachable(f"its answer does not fit: {error}") from error
        for kind, outcome in _outcomes(result).items():
            if wrong := _wrong(outcome, [parcel for parcel in parcels if parcel.kind == kind]):
                raise OfficeUnreachable(f"its answer does not account for each {kind}: {wrong}")
        return result

    async def put_live(self, live: Live) -> None:
        """Says what the store looks like. Raises OfficeUnreachable or RequestRefused."""
        await self._request("PUT", f"{self._root}/live", live.model_dump_json())

    async def _request(self, method: str, path: str, body: str) -> httpx.Response:
        try:
            response = await self._client.request(method, path, content=body, headers={"Content-Type": "application/json"})
        except (httpx.HTTPError, OSError) as error:
            self._reached(False)
            raise OfficeUnreachable(f"{type(error).__name__}: {error}") from error
        if response.is_success:
            self._reached(True)
            return response
        said = f"{method} {path}: {response.status_code} {response.text[:300]}"
        is_problem = response.headers.get("Content-Type", "").startswith(_PROBLEM)
        if is_problem and response.status_code in {400, 409, 413, 422}:
            raise RequestRefused(said)
        self._reached(False)
        raise (TooLarge if response.status_code == 413 else OfficeUnreachable)(said)


class Forwarding:
    """Empties the outbox: at once while the back office answers, with growing pauses and for ever while it does not."""

    def __init__(self, clerk: Clerk, office: BackOffice, patience: Patience) -> None:
        self._clerk = clerk
        self._office = office
        self._patience = patience
        self._bell = asyncio.Event()
        self._size = BATCH
        self._log = logger("forwarding")
        self.forwarded = 0

    def wake(self) -> None:
        """Something was put into the outbox."""
        self._bell.set()

    async def run(self) -> None:
        """Forwards until cancelled."""
        while True:
            self._bell.clear()
            parcels = await self._clerk.waiting(self._size)
            if not parcels:
                await self._bell.wait()
                continue
            try:
                if spoilt := [parcel for parcel in parcels if parcel.content is None or parcel.kind not in _KINDS]:
                    await self._clerk.set_aside(spoilt)
                else:
                    await self._deliver(parcels)
                self._patience.restart()
            except OfficeUnreachable as error:
                self._log.warning("not_forwarded", reason=str(error), again_in=self._patience.next_pause)
                await self._patience.pause()

    async def _deliver(self, parcels: Sequence[Parcel]) -> None:
        try:
            result = await self._office.hand_in(parcels)
        except (RequestRefused, TooLarge) as error:
            self._size = max(1, len(parcels) // 2)
            if len(parcels) == 1:
                if isinstance(error, TooLarge):
                    raise
                await self._clerk.delivered([], [(parcels[0], str(error))])
            return
        self._size = BATCH
        refused = [*_refused(parcels, result)]
        for parcel, reason in refused:
            self._log.error("refused_by_backoffice", kind=parcel.kind, identity=parcel.identity, reason=reason)
        outside = {parcel.id for parcel, _ in refused}
        taken = [parcel for parcel in parcels if parcel.id not in outside]
        await self._clerk.delivered(taken, refused, result.delivery)
        self.forwarded += len(taken)


def _refused(parcels: Sequence[Parcel], result: IntakeResult) -> Iterator[tuple[Parcel, str]]:
    for kind, outcome in _outcomes(result).items():
        ours = [parcel for parcel in parcels if parcel.kind == kind]
        for refused in outcome.refused:
            yield ours[refused.index], refused.reason


def _wrong(outcome: Outcome, ours: Sequence[Parcel]) -> str:
    """Why the answer cannot be about these items: nothing may be taken for delivered, or for refused, by mistake."""
    answered, places = outcome.stored + outcome.known + len(outcome.refused), [refused.index for refused in outcome.refused]
    if answered != len(ours):
        return f"it is about {answered} of {len(ours)}"
    if len(set(places)) != len(places) or any(place >= len(ours) for place in places):
        return f"it refuses numbers {', '.join(map(str, places))} of {len(ours)}"
    for refused in outcome.refused:
        parcel = ours[refused.index]
        # What a person corrected may call itself otherwise, and what cannot be printed comes back in other letters.
        is_plain = parcel.identity.isprintable() and (parcel.content or {}).get(parcel.kind) == parcel.identity
        if is_plain and refused.identity not in (None, parcel.identity):
            return f"it refuses {refused.identity} as number {refused.index}, which is {parcel.identity}"
    return ""


def _outcomes(result: IntakeResult) -> dict[str, Outcome]:
    return {"receipt": result.receipts, "contact": result.contacts, "incident": result.incidents}


class LiveReport:
    """Tells the back office what the store looks like: on change, once a second at the most, only ever the newest."""

    def __init__(self, office: BackOffice, look: Callable[[], Live], patience: Patience) -> None:
        self._office = office
        self._patience = patience
        self._look = look
        self._changed = asyncio.Event()

    def wake(self) -> None:
        """Something changed."""
        self._changed.set()

    async def run(self) -> None:
        """Reports until cancelled."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                await self._office.put_live(self._look())
                self._patience.restart()
                await asyncio.sleep(_LIVE_EVERY)
            except (OfficeUnreachable, RequestRefused):
                self._changed.set()
                await self._patience.pause()
