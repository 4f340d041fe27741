"""The proof: what was painted, acknowledged and scanned against what the back office's database holds.

It asks nothing of the product but its last word, the back office's tables. What was painted is read off the terminals' screens,
what was acknowledged off the wire, and what was in a basket is the plan.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from panier_simulators.chaos.witness import Farewell, WireWitness
from panier_simulators.demo.audit import compare
from panier_simulators.sample.shop import SampleTrip
from panier_simulators.shopper import Shopping

Ask = Callable[[str], Sequence[dict[str, Any]]]
"""Asks a database, past the process whose it is: the rows that a query finds."""

_JSON = frozenset({"coupons", "weighings"})
_CONTACTS = frozenset({"offer_shown", "offer_accepted", "offer_refused"})


@dataclass(frozen=True, slots=True)
class Books:
    """What the back office holds: receipts with their lines, contacts and incidents, each row as it stands there."""

    receipts: tuple[dict[str, Any], ...]
    contacts: tuple[dict[str, Any], ...]
    incidents: tuple[dict[str, Any], ...]
    dead_letters: tuple[dict[str, Any], ...]

    @classmethod
    def read(cls, office: Ask) -> Books:
        """Out of the back office's database."""
        receipts = office("SELECT * FROM receipt ORDER BY number")
        by_number: dict[int, list[dict[str, Any]]] = {receipt["number"]: [] for receipt in receipts}
        for line in office("SELECT * FROM receipt_line ORDER BY receipt, position"):
            by_number[line["receipt"]].append(line)
        return cls(
            tuple(receipt | {"lines": by_number[receipt["number"]]} for receipt in receipts),
            tuple(office("SELECT * FROM contact")),
            tuple(office("SELECT * FROM incident")),
            tuple(office("SELECT * FROM dead_letter")),
        )


def in_file(database: Path) -> Ask:
    """Asks a SQLite file; JSON columns are read, as a server does. Asking raises sqlite3.Error."""

    def rows(query: str) -> Sequence[dict[str, Any]]:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as held:
            held.row_factory = sqlite3.Row
            found = [dict(row) for row in held.execute(query)]
        return [row | {name: json.loads(row[name]) for name in _JSON & row.keys()} for row in found]

    return rows


class Findings(dict[str, list[str]]):
    """What is wrong with what: several witnesses may have seen the same."""

    def note(self, what: str, words: str) -> None:
        """One more thing that is wrong with `what`."""
        self.setdefault(what, []).append(words)

    def told(self) -> list[str]:
        """A line for each."""
        return [f"{what}: {'; '.join(words)}" for what, words in self.items()]


@dataclass(slots=True)
class Verdict:
    """What is wrong, by trip, contact, device or incident; nothing is, where all four are empty."""

    lost: Findings = field(default_factory=Findings)
    duplicated: Findings = field(default_factory=Findings)
    mismatched: Findings = field(default_factory=Findings)
    unexplained: Findings = field(default_factory=Findings)

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
            verdict.unexplained.note(incident["incident"], f"incident {incident['kind']}: {incident['text']}")
    for letter in books.dead_letters:
        verdict.unexplained.note(f"{letter['kind']} {letter['identity']}", f"the back office refused it: {letter['reason']}")
    return verdict


def _by_plan(verdict: Verdict, books: Books, planned: Sequence[SampleTrip], done: Sequence[Shopping]) -> None:
    """Each basket of the plan became one receipt with those units and the total that its shopper read."""
    findings = compare(books.receipts, (), done, planned)
    for trip in findings.lost:
        verdict.lost.note(trip, "was shopped, and is not in the back office")
    for trip in findings.duplicated:
        verdict.duplicated.note(trip, "is in the back office, and was shopped by nobody, or not so often")
    for words in findings.mismatched:
        trip, _, what = words.partition(": ")
        verdict.mismatched.note(trip, what)


def _by_screen(verdict: Verdict, books: Books, painted: Iterable[Farewell]) -> None:
    """Each end that was painted has one receipt with the painted total, whatever its shopper made of it."""
    totals: dict[str, list[int]] = {}
    for receipt in books.receipts:
        totals.setdefault(receipt["receipt"], []).append(receipt["total"])
    for farewell in painted:
        held = totals.get(farewell.trip, [])
        if not held:
            verdict.lost.note(farewell.trip, "its end was painted, and it is not in the back office")
        elif held != [farewell.total]:
            verdict.mismatched.note(farewell.trip, f"was painted with {farewell.total}; the back office holds {held}")


def _by_wire(verdict: Verdict, books: Books, wire: WireWitness) -> None:
    """Each acknowledged event is in the back office: items as a receipt's lines, ends as its figures, offers as contacts."""
    contacts = Counter(contact["contact"] for contact in books.contacts)
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
                _against_receipt(verdict, trip, what, basket, receipts.get(trip))
            case kind if kind in _CONTACTS and (name := f"{journal.device}.{journal.journal}.{sequence}") not in contacts:
                verdict.lost.note(name, f"{kind} was acknowledged, and is not in the back office")
            case _:
                pass
    for name in (name for name, times in contacts.items() if times > 1):
        verdict.duplicated.note(name, f"this contact is in the back office {contacts[name]} times")
    for trip in receipts.keys() - ended:
        verdict.duplicated.note(trip, "is in the back office, and was never acknowledged")
    for what, words in wire.contradictions:
        verdict.mismatched.note(what, words)


def _against_receipt(
    verdict: Verdict, trip: str, end: Mapping[str, Any], basket: Counter[str], receipt: Mapping[str, Any] | None
) -> None:
    if receipt is None:
        verdict.lost.note(trip, "its end was acknowledged, and it is not in the back office")
        return
    sold = Counter[str]()
    for line in receipt["lines"]:
        sold[line["sku"]] += line["quantity"]
    if +basket != sold:
        verdict.mismatched.note(trip, f"was acknowledged with {dict(+basket)}; the back office holds {dict(sold)}")
    sent, held = (end["units"], end["total"]), (receipt["units"], receipt["total"])
    if sent != held:
        verdict.mismatched.note(trip, f"units and total were acknowledged as {sent}; the back office holds {held}")
