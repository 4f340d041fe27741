"""The audit: what shoppers read on their screens against what the gateway formed and the back office holds."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from panier_simulators.demo.premises import STORE, Premises
from panier_simulators.sample.label import weighed_grams
from panier_simulators.sample.shop import SampleTrip
from panier_simulators.shopper import Shopping

_DRAIN_PATIENCE = 90.0


@dataclass(slots=True)
class Findings:
    """What the audit found; `lines` and each list of trips in words, for the report."""

    lost: list[str] = field(default_factory=list[str])
    duplicated: list[str] = field(default_factory=list[str])
    mismatched: list[str] = field(default_factory=list[str])
    to_backoffice_ms: list[float] = field(default_factory=list[float])


async def drained(premises: Premises, trips: int, say: Callable[[str], None]) -> None:
    """Waits until `trips` receipts are in the back office, or none has come for a while: then something is lost."""
    seen, since = -1, time.monotonic()
    while seen < trips and time.monotonic() - since < _DRAIN_PATIENCE:
        totals = await premises.get("/totals", store=STORE)
        now = sum(one["receipts"] for one in totals)
        if now != seen:
            seen, since = now, time.monotonic()
            say(f"receipts in the back office: {now} of {trips}")
        await asyncio.sleep(0.2)


async def audit(premises: Premises, done: Sequence[Shopping], trips: Sequence[SampleTrip]) -> Findings:
    """Compares each trip that ended on a screen with its receipt, to the cent and to the unit."""
    receipts = [await premises.get(f"/receipts/{head['receipt']}") for head in await _all_receipts(premises)]
    disputed = {incident["trip"] for incident in await premises.get("/incidents", limit=5000) if incident["trip"]}
    return compare(receipts, disputed, done, trips)


def compare(
    receipts: Sequence[Mapping[str, Any]], disputed: Collection[str], done: Sequence[Shopping], trips: Sequence[SampleTrip]
) -> Findings:
    """Claims a receipt for each trip that ended on a screen; `receipts` are as the back office's API gives them."""
    findings = Findings()
    received = Counter(receipt["receipt"] for receipt in receipts)
    findings.duplicated += [receipt for receipt, times in received.items() if times > 1]
    unclaimed = {receipt["receipt"]: receipt for receipt in receipts}
    planned = {trip.basket: trip for trip in trips}
    for shopping in sorted(done, key=lambda one: one.trip is None):
        receipt = _claim(shopping, unclaimed)
        if receipt is None:
            if shopping.units:
                findings.lost.append(shopping.trip or f"basket {shopping.basket} at {shopping.device}, whose end was not seen")
            continue
        findings.to_backoffice_ms.append(float(receipt["arrived_at"] - receipt["finished_at"]))
        wrong = _differences(shopping, planned[shopping.basket], receipt)
        wrong += ["has an incident"] if receipt["receipt"] in disputed else []
        if wrong:
            findings.mismatched.append(f"{receipt['receipt']}: {'; '.join(wrong)}")
    # A receipt that no shopper remembers is one too many.
    findings.duplicated += list(unclaimed)
    return findings


async def _all_receipts(premises: Premises) -> list[dict[str, Any]]:
    heads: list[dict[str, Any]] = []
    while page := await premises.get("/receipts", store=STORE, after=heads[-1]["number"] if heads else 0, limit=1000):
        heads += page
    return heads


def _claim(shopping: Shopping, unclaimed: dict[str, Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Takes the shopping's receipt out of `unclaimed`; one whose farewell was not seen is known by device, units and total."""
    if shopping.trip is not None:
        return unclaimed.pop(shopping.trip, None)
    for receipt, held in unclaimed.items():
        if (held["device"], held["units"], held["total"]) == (shopping.device, shopping.units, shopping.total):
            return unclaimed.pop(receipt)
    return None


def _differences(shopping: Shopping, trip: SampleTrip, receipt: Mapping[str, Any]) -> list[str]:
    want, grams = Counter[str](), Counter[int]()
    for line in trip.lines:
        if line.code not in shopping.skipped:
            want[line.sku] += line.quantity
            grams.update(weight for label in line.labels if (weight := weighed_grams(label)) is not None)
    got, stated = Counter[str](), Counter[int]()
    for line in receipt["lines"]:
        got[line["sku"]] += line["quantity"]
        stated.update(weighing["grams"] for weighing in line.get("weighings", ()))
    figures = {"the screen": shopping.total, "the device's journal": receipt["device_total"], "the gateway": receipt["total"]}
    wrong = [f"totals differ: {figures}"] if len(set(figures.values())) > 1 else []
    if grams != stated:
        wrong.append(f"bags of {sorted((grams - stated).elements())} g are not on the receipt; it has {sorted(stated - grams)}")
    if missing := set(shopping.coupons) - set(receipt.get("coupons", ())):
        wrong.append(f"the receipt does not know of the coupons {sorted(missing)}")
    if want != got:
        wrong.append(f"scanned {dict(want - got)} more than the receipt has, and {dict(got - want)} less")
    return wrong
