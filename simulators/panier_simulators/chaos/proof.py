"""The proof: what was painted, acknowledged and scanned against what the back office's database holds.

It asks nothing of the product but its last word, the back office's tables. What was painted is read off the terminals' screens,
what was acknowledged off the wire, and what was in a basket is the plan.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from panier_simulators.chaos.witness import Farewell, WireWitness
from panier_simulators.demo.audit import compare
from panier_simulators.sample.shop import SampleTrip
from panier_simulators.shopper import Shopping

_CONTACTS = {"offer_shown": "shown", "offer_accepted": "accepted", "offer_refused": "refused"}


@dataclass(frozen=True, slots=True)
class Books:
    """What the back office holds: receipts with their lines, contacts and incidents, each row as it stands there."""

    receipts: tuple[dict[str, Any], ...]
    contacts: tuple[dict[str, Any], ...]
    incidents: tuple[dict[str, Any], ...]
    dead_letters: tuple[dict[str, Any], ...]

    @classmethod
    def read(cls, database: Path) -> Books:
        """Out of the back office's SQLite file."""
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as office:
            office.row_factory = sqlite3.Row

            def rows(query: str) -> tuple[dict[str, Any], ...]:
                return tuple(dict(row) for row in office.execute(query))

            receipts = rows("SELECT * FROM receipt ORDER BY number")
            by_number: dict[int, list[dict[str, Any]]] = {receipt["number"]: [] for receipt in receipts}
            for line in rows("SELECT * FROM receipt_line ORDER BY receipt, position"):
                by_number[line["receipt"]].append(line)
            for receipt in receipts:
                receipt["lines"] = by_number[receipt["number"]]
            return cls(
                receipts,
                rows("SELECT * FROM contact"),
                rows("SELECT * FROM incident"),
                rows("SELECT * FROM dead_letter"),
            )


def dead_letters(ledger: Path) -> tuple[dict[str, Any], ...]:
    """What the gateway refused, out of its SQLite file."""
    with closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as gateway:
        gateway.row_factory = sqlite3.Row
        return tuple(dict(row) for row in gateway.execute("SELECT * FROM dead_letter"))


@dataclass(slots=True)
class Verdict:
    """What is wrong, in words; nothing is, where all four are empty."""

    lost: list[str] = field(default_factory=list[str])
    duplicated: list[str] = field(default_factory=list[str])
    mismatched: list[str] = field(default_factory=list[str])
    unexplained: list[str] = field(default_factory=list[str])

    @property
    def holds(self) -> bool:
        """True where nothing is wrong."""
        return not (self.lost or self.duplicated or self.mismatched or self.unexplained)


def prove(
    books: Books,
    *,
    planned: Sequence[SampleTrip],
    done: Sequence[Shopping],
    painted: Iterable[Farewell],
    wire: WireWitness,
    explained: Collection[str],
) -> Verdict:
    """Three proofs, each by a witness of its own. `explained` are kinds of incidents that the faults account for."""
    verdict = Verdict()
    _by_plan(verdict, books, planned, done)
    _by_screen(verdict, books, painted)
    _by_wire(verdict, books, wire)
    for incident in books.incidents:
        if incident["kind"] not in explained:
            verdict.unexplained.append(f"incident {incident['kind']} {incident['incident']}: {incident['text']}")
    for letter in books.dead_letters:
        verdict.unexplained.append(f"the back office refused {letter['kind']} {letter['identity']}: {letter['reason']}")
    return verdict


def _by_plan(verdict: Verdict, books: Books, planned: Sequence[SampleTrip], done: Sequence[Shopping]) -> None:
    """Each basket of the plan became one receipt with those units and the total that its shopper read."""
    findings = compare(books.receipts, (), done, planned)
    verdict.lost += findings.lost
    verdict.duplicated += findings.duplicated
    verdict.mismatched += findings.mismatched


def _by_screen(verdict: Verdict, books: Books, painted: Iterable[Farewell]) -> None:
    """Each end that was painted has one receipt with the painted total, whatever its shopper made of it."""
    totals: dict[str, list[int]] = {}
    for receipt in books.receipts:
        totals.setdefault(receipt["receipt"], []).append(receipt["total"])
    for farewell in painted:
        held = totals.get(farewell.trip, [])
        if not held:
            verdict.lost.append(f"{farewell.trip} was painted, and is not in the back office")
        elif held != [farewell.total]:
            verdict.mismatched.append(f"{farewell.trip} was painted with {farewell.total}; the back office holds {held}")


def _by_wire(verdict: Verdict, books: Books, wire: WireWitness) -> None:
    """Each acknowledged event is in the back office: items as a receipt's lines, ends as its figures, offers as contacts."""
    contacts = Counter(contact["contact"] for contact in books.contacts)
    verdict.duplicated += [f"contact {name} {times} times" for name, times in contacts.items() if times > 1]
    receipts = {receipt["receipt"]: receipt for receipt in books.receipts}
    baskets: dict[str, Counter[str]] = {}
    ended: set[str] = set()
    for journal, sequence, event in wire.acknowledged():
        what, trip = event["what"], event["trip"]
        basket = baskets.setdefault(trip, Counter())
        match what["kind"]:
            case "item_added":
                basket[what["sku"]] += what.get("quantity", 1)
            case "item_removed":
                basket[what["sku"]] -= what.get("quantity", 1)
            case "trip_finished":
                ended.add(trip)
                verdict.lost += [f"{trip} was acknowledged, and is not in the back office"] * (trip not in receipts)
                verdict.mismatched += _against_receipt(what, basket, receipts.get(trip))
            case kind if kind in _CONTACTS:
                name = f"{journal.device}.{journal.journal}.{sequence}"
                verdict.lost += [f"{kind} {name} was acknowledged, and is not in the back office"] * (name not in contacts)
            case _:
                pass
    verdict.duplicated += [f"{trip} is in the back office, and was never acknowledged" for trip in receipts.keys() - ended]
    verdict.mismatched += wire.contradictions


def _against_receipt(end: Mapping[str, Any], basket: Counter[str], receipt: Mapping[str, Any] | None) -> list[str]:
    if receipt is None:
        return []
    sold = Counter[str]()
    for line in receipt["lines"]:
        sold[line["sku"]] += line["quantity"]
    wrong = [f"{receipt['receipt']}: acknowledged with {dict(+basket)}, held with {dict(sold)}"] if +basket != sold else []
    if (end["units"], end["total"]) != (receipt["units"], receipt["total"]):
        wrong.append(
            f"{receipt['receipt']}: {end['units']} units for {end['total']} were acknowledged,"
            f" {receipt['units']} for {receipt['total']} are held"
        )
    return wrong
