"""Takes a delivery in: what is new is stored, a repeat is harmless, and what does not fit is refused by itself and kept."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import orjson
from pydantic import BaseModel, ValidationError
from pydantic_core import to_jsonable_python
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from panier.intake import Contact, Incident, Intake, IntakeResult, Outcome, Refused
from panier.money import format_minor
from panier.receipt import Receipt, ReceiptLine
from panier_backoffice.bell import announce
from panier_backoffice.campaign.table import ContactRow
from panier_backoffice.database import put_new_returning
from panier_backoffice.incident import repository as incidents
from panier_backoffice.intake.text import as_it_came, holds_nul, readable
from panier_backoffice.problem import Unfit, first_reason
from panier_backoffice.receipt import repository as receipts
from panier_backoffice.receipt.reprice import PriceLog, differences
from panier_backoffice.store.repository import take_turn
from panier_io.log import logger

log = logger("backoffice")

_LONGEST_TEXT = 500
_LONGEST_IDENTITY = 160

_Item = TypeVar("_Item", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Fit(Generic[_Item]):
    """An item that fits and its place in the delivery; `stated` is the same in plain values, dumped once for all who need it."""

    index: int
    item: _Item
    stated: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sorted(Generic[_Item]):
    """Items of one kind: what fits, and the rest with its place and the reason."""

    kind: str
    fit: list[Fit[_Item]]
    unfit: list[tuple[int, Mapping[str, Any], str]]

    @property
    def by_identity(self) -> dict[str, Fit[_Item]]:
        """The first of each identity, in the order of the delivery."""
        first: dict[str, Fit[_Item]] = {}
        for one in self.fit:
            first.setdefault(one.stated[self.kind], one)
        return first


class Delivery:
    """One delivery of `store`'s gateway: sorted and priced again before it takes its turn to write, then written at once."""

    def __init__(self, store: str, at: int, intake: Intake) -> None:
        self.store, self.at = store, at
        self._given = intake.receipts
        self._receipts = self._sorted("receipt", Receipt, intake.receipts)
        self._contacts = self._sorted("contact", Contact, intake.contacts)
        self._incidents = self._sorted("incident", Incident, intake.incidents)
        self._digests = {one.index: digest_of(one.stated) for one in self._receipts.fit}
        self._differences: dict[str, list[str]] = {}
        self._noticed: list[Incident] = []
        self.mismatches = 0

    def reprice(self, price_log: PriceLog) -> None:
        """Prices again what is not held yet. The log of prices only grows: what it says of a version stays.

        Raises OperationalError where the database is away, which says nothing about a receipt: the delivery will come again.
        """
        given = self._receipts.by_identity
        held = receipts.digests(price_log.session, given.keys())
        new = [one.item for name, one in given.items() if name not in held]
        try:
            price_log.load(new)
        except OperationalError:
            raise
        except Exception as error:
            # Each receipt then says of itself that it could not be priced again.
            log.error("the log of prices cannot be read", exc_info=error)
        for receipt in new:
            self._differences[receipt.receipt] = _differences(receipt, price_log)

    def take(self, session: Session) -> IntakeResult:
        """Writes everything, in the order receipts, contacts, incidents."""
        number = take_turn(session, self.store)
        result = IntakeResult(
            delivery=number,
            receipts=self._take_receipts(session),
            contacts=self._outcome(session, self._contacts, self._store_contacts(session)),
            incidents=self._outcome(session, self._incidents, incidents.add(session, _first_of_each(self._incidents))),
        )
        incidents.add(session, [one.model_dump() for one in {one.incident: one for one in self._noticed}.values()])
        announce(session, "intake")
        return result

    def _take_receipts(self, session: Session) -> Outcome:
        refused = self._refused(session, self._receipts)
        first = self._receipts.by_identity
        arrived = [(one.stated, self._digests[one.index]) for one in first.values()]
        stored = receipts.add(session, arrived, self.at)
        held = receipts.digests(session, first.keys() - stored) | {name: self._digests[first[name].index] for name in stored}
        known = 0
        for one in self._receipts.fit:
            name = one.item.receipt
            if name in stored and first[name] is one:
                self._notice_differences(one.item)
            elif held[name] == self._digests[one.index]:
                known += 1
            else:
                refused.append(self._contradicted(session, one.index, one.item))
        return Outcome(stored=len(stored), known=known, refused=sorted(refused, key=lambda one: one.index))

    def _outcome(self, session: Session, given: Sorted[Any], stored: int) -> Outcome:
        return Outcome(stored=stored, known=len(given.fit) - stored, refused=self._refused(session, given))

    def _store_contacts(self, session: Session) -> int:
        return len(put_new_returning(session, ContactRow, _first_of_each(self._contacts), "contact"))

    def _sorted(self, kind: str, model: type[_Item], given: Sequence[Mapping[str, Any]]) -> Sorted[_Item]:
        found: Sorted[_Item] = Sorted(kind, [], [])
        for index, raw in enumerate(given):
            try:
                found.fit.append(self._checked(model, index, raw))
            except Unfit as error:
                found.unfit.append((index, raw, str(error)))
        return found

    def _checked(self, model: type[_Item], index: int, raw: Mapping[str, Any]) -> Fit[_Item]:
        try:
            item = model.model_validate(raw)
        except ValidationError as error:
            place, why = first_reason(error)
            raise Unfit({place: why}) from error
        stated = item.model_dump()
        if holds_nul(stated):
            raise Unfit({"text": "some text holds a NUL character"})
        if stated["store"] != self.store:
            raise Unfit({"store": f"{stated['store']!r} is not the store that delivers it, {self.store!r}"})
        return Fit(index, item, stated)

    def _refused(self, session: Session, given: Sorted[Any]) -> list[Refused]:
        return [self._refuse(session, given.kind, index, raw, reason) for index, raw, reason in given.unfit]

    def _refuse(self, session: Session, kind: str, index: int, raw: Mapping[str, Any], reason: str) -> Refused:
        stated = raw.get(kind)
        identity = readable(stated, _LONGEST_IDENTITY) if isinstance(stated, str) else None
        reason = readable(reason, _LONGEST_TEXT)
        incidents.bury(session, self.store, kind, identity, reason, as_it_came(raw), self.at)
        return Refused(index=index, identity=identity, reason=reason)

    def _contradicted(self, session: Session, index: int, receipt: Receipt) -> Refused:
        reason = "a receipt with this id is held already, with other content; the first one stays"
        held = receipts.find(session, receipt.receipt)
        first = format_minor(held.total, held.currency) if held else "?"
        text = f"the receipt came again with other content, total {format_minor(receipt.total, receipt.currency)}; kept: {first}"
        self._notice("receipt_conflict", receipt, text, f":{self._digests[index][:12]}")
        return self._refuse(session, "receipt", index, self._given[index], reason)

    def _notice_differences(self, receipt: Receipt) -> None:
        if found := self._differences[receipt.receipt]:
            self.mismatches += 1
            # The gateway may have found the same: under the same name, so that one dispute is one incident.
            self._notice("price_mismatch", receipt, "; ".join(found), ".price_mismatch")

    def _notice(self, kind: str, receipt: Receipt, text: str, mark: str) -> None:
        self._noticed.append(
            Incident(
                incident=f"{receipt.receipt}{mark}",
                store=self.store,
                device=receipt.device,
                trip=receipt.receipt,
                kind=kind,
                text=readable(text, _LONGEST_TEXT),
                at=self.at,
            )
        )


def _first_of_each(given: Sorted[Any]) -> list[dict[str, Any]]:
    return [one.stated for one in given.by_identity.values()]


def _differences(receipt: Receipt, price_log: PriceLog) -> list[str]:
    try:
        return differences(receipt, price_log)
    except OperationalError:
        raise
    except Exception as error:
        # Whatever ails the engine, the receipt is a fact that must not be lost, and its gateway must not be held up.
        log.error("re-pricing failed", receipt=receipt.receipt, exc_info=error)
        return [f"could not be priced again: {error!r}"]


_CAME_LATER = {
    "clock_offset", "coupons", "deposit", "vat", "weighings", "is_labelled", "standing", "leases", "tenders", "mark_down",
    "priced_by",
}  # fmt: skip
"""Fields of a receipt and its lines that earlier versions did not have."""


_SILENT = {
    model: {
        name: to_jsonable_python(model.model_fields[name].get_default())
        for name in sorted(_CAME_LATER & model.model_fields.keys())
    }
    for model in (Receipt, ReceiptLine)
}
"""Those of each model, with the value that says nothing."""


def digest_of(receipt: dict[str, Any]) -> str:
    """SHA-256 of the canonical JSON of what a receipt states, in hexadecimal."""
    # A field that came later counts only where it says something: a repeat from before an update is still a repeat.
    told = _told(receipt, _SILENT[Receipt])
    told["lines"] = [_told(line, _SILENT[ReceiptLine]) for line in told["lines"]]
    return hashlib.sha256(orjson.dumps(told, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _told(stated: dict[str, Any], silent: Mapping[str, Any]) -> dict[str, Any]:
    told = stated.copy()
    for name, silence in silent.items():
        if told[name] == silence:
            del told[name]
    return told
