"""Takes a delivery in: what is new is stored, a repeat is harmless, and what does not fit is refused by itself and kept."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from panier.intake import Contact, Incident, Intake, IntakeResult, Outcome, Refused
from panier.money import format_minor
from panier.receipt import Receipt
from panier.snapshot import canonical
from panier_backoffice.bell import announce
from panier_backoffice.campaign.table import ContactRow
from panier_backoffice.database import put_new
from panier_backoffice.incident import repository as incidents
from panier_backoffice.intake.text import as_it_came, holds_nul, readable
from panier_backoffice.problem import Unfit, first_reason
from panier_backoffice.receipt import repository as receipts
from panier_backoffice.receipt.reprice import PriceLog, differences
from panier_io.log import logger

log = logger("backoffice")

_LONGEST_TEXT = 500
_LONGEST_IDENTITY = 160

_Item = TypeVar("_Item", bound=BaseModel)


@dataclass(slots=True)
class Delivery:
    """One delivery of `store`'s gateway, inside one transaction."""

    session: Session
    store: str
    at: int
    price_log: PriceLog
    mismatches: int = 0
    _noticed: list[Incident] = field(default_factory=list[Incident])

    def take(self, intake: Intake) -> IntakeResult:
        """Takes everything in, in the order receipts, contacts, incidents."""
        result = IntakeResult(
            receipts=self._take_receipts(intake.receipts),
            contacts=self._take_new("contact", Contact, intake.contacts, self._store_contacts),
            incidents=self._take_new("incident", Incident, intake.incidents, self._store_incidents),
        )
        incidents.add(self.session, self._noticed)
        announce(self.session, "intake")
        return result

    def _take_receipts(self, given: Sequence[Mapping[str, Any]]) -> Outcome:
        fit, refused = self._sorted("receipt", Receipt, given)
        held = receipts.digests(self.session, [receipt.receipt for _, receipt in fit])
        stored = known = 0
        for index, receipt in fit:
            digest = _digest(receipt)
            before = held.get(receipt.receipt)
            if before is None:
                held[receipt.receipt] = digest
                receipts.add(self.session, receipt, digest, self.at)
                self._reprice(receipt)
                stored += 1
            elif before == digest:
                known += 1
            else:
                refused.append(self._contradicted(index, receipt, digest, given[index]))
        return Outcome(stored=stored, known=known, refused=sorted(refused, key=lambda one: one.index))

    def _take_new(
        self, kind: str, model: type[_Item], given: Sequence[Mapping[str, Any]], store: Callable[[dict[str, _Item]], int]
    ) -> Outcome:
        fit, refused = self._sorted(kind, model, given)
        items = {getattr(item, kind): item for _, item in reversed(fit)}
        stored = store(items) if items else 0
        return Outcome(stored=stored, known=len(fit) - stored, refused=refused)

    def _store_contacts(self, contacts: dict[str, Contact]) -> int:
        held = set(self.session.scalars(select(ContactRow.contact).where(ContactRow.contact.in_(contacts))))
        new = [contact.model_dump() for name, contact in contacts.items() if name not in held]
        put_new(self.session, ContactRow, new)
        return len(new)

    def _store_incidents(self, given: dict[str, Incident]) -> int:
        held = incidents.known(self.session, given)
        new = [incident for name, incident in given.items() if name not in held]
        incidents.add(self.session, new)
        return len(new)

    def _sorted(
        self, kind: str, model: type[_Item], given: Sequence[Mapping[str, Any]]
    ) -> tuple[list[tuple[int, _Item]], list[Refused]]:
        fit: list[tuple[int, _Item]] = []
        refused: list[Refused] = []
        for index, raw in enumerate(given):
            try:
                fit.append((index, self._checked(model, raw)))
            except Unfit as error:
                refused.append(self._refuse(kind, index, raw, str(error)))
        return fit, refused

    def _checked(self, model: type[_Item], raw: Mapping[str, Any]) -> _Item:
        try:
            item = model.model_validate(raw)
        except ValidationError as error:
            place, why = first_reason(error)
            raise Unfit({place: why}) from error
        if holds_nul(raw):
            raise Unfit({"text": "some text holds a NUL character"})
        if getattr(item, "store", self.store) != self.store:
            raise Unfit({"store": f"{getattr(item, 'store', None)!r} is not the store that delivers it, {self.store!r}"})
        return item

    def _refuse(self, kind: str, index: int, raw: Mapping[str, Any], reason: str) -> Refused:
        stated = raw.get(kind)
        identity = readable(stated, _LONGEST_IDENTITY) if isinstance(stated, str) else None
        reason = readable(reason, _LONGEST_TEXT)
        incidents.bury(self.session, self.store, kind, identity, reason, as_it_came(raw), self.at)
        return Refused(index=index, identity=identity, reason=reason)

    def _contradicted(self, index: int, receipt: Receipt, digest: str, raw: Mapping[str, Any]) -> Refused:
        reason = "a receipt with this id is held already, with other content; the first one stays"
        held = receipts.find(self.session, receipt.receipt)
        first = format_minor(held.total, held.currency) if held else "?"
        text = f"the receipt came again with other content, total {format_minor(receipt.total, receipt.currency)}; kept: {first}"
        self._notice("receipt_conflict", receipt, text, f":{digest[:12]}")
        return self._refuse("receipt", index, raw, reason)

    def _reprice(self, receipt: Receipt) -> None:
        try:
            found = differences(receipt, self.price_log)
        except Exception as error:
            # Whatever ails the engine, the receipt is a fact that must not be lost, and its gateway must not be held up.
            log.error("re-pricing failed", receipt=receipt.receipt, exc_info=error)
            found = [f"could not be priced again: {error!r}"]
        if found:
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


_CAME_LATER = {"clock_offset", "coupons", "deposit", "vat", "weighings", "is_labelled", "standing", "leases"}
"""Fields of a receipt and its lines that earlier versions did not have."""


def _digest(receipt: Receipt) -> str:
    # A field that came later counts only where it says something: a repeat from before an update is still a repeat.
    lines = [_said(line) for line in receipt.lines]
    return hashlib.sha256(canonical(_said(receipt) | {"lines": lines}).encode()).hexdigest()


def _said(part: BaseModel) -> dict[str, Any]:
    fields = type(part).model_fields
    silent = {name for name in _CAME_LATER & fields.keys() if getattr(part, name) == fields[name].get_default()}
    return part.model_dump(mode="json", exclude=silent)
