"""Changes members; each real change becomes an entry of the feed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from sqlalchemy.orm import Session

from panier.feed import MemberRecord
from panier.intake import Outcome, Refused
from panier.snapshot import canonical
from panier_backoffice.feed import log
from panier_backoffice.member import repository
from panier_backoffice.problem import Unfit, first_reason
from panier_backoffice.written import unprintable


def take_members(session: Session, given: Sequence[Mapping[str, Any]], at: int) -> Outcome:
    """Stores members that are new or differ from what is held; refuses each bad one by itself, with the reason."""
    records: dict[str, MemberRecord] = {}
    refused: list[Refused] = []
    owners = repository.card_owners(session, _cards(given))
    for index, raw in enumerate(given):
        try:
            record = _checked(raw, owners)
        except Unfit as error:
            identity = raw.get("member")
            refused.append(Refused(index=index, identity=identity if isinstance(identity, str) else None, reason=str(error)))
            continue
        owners.update(dict.fromkeys(record.cards, record.member))
        records[record.member] = record
    bodies = {member: canonical(record.model_dump(mode="json")) for member, record in records.items()}
    held = repository.bodies(session, bodies.keys())
    changed = [member for member, body in bodies.items() if held.get(member) != body]
    sequences = log.append(session, [("member", member, bodies[member]) for member in changed], at)
    if changed:
        repository.put_records(session, [records[member] for member in changed], sequences)
    return Outcome(stored=len(changed), known=len(bodies) - len(changed), refused=refused)


def _checked(raw: Mapping[str, Any], owners: Mapping[str, str]) -> MemberRecord:
    try:
        record = MemberRecord.model_validate(raw)
    except ValidationError as error:
        field, why = first_reason(error)
        raise Unfit({field: why}) from error
    for field, text in (("first_name", record.first_name), *(("segments", name) for name in record.segments)):
        if stray := unprintable(text):
            raise Unfit({field: stray})
    for card in record.cards:
        if owners.get(card, record.member) != record.member:
            raise Unfit({"cards": f"card {card} belongs to another member already; a card has one holder"})
    return record


def _cards(given: Sequence[Mapping[str, Any]]) -> set[str]:
    return {card for raw in given if isinstance(raw.get("cards"), list) for card in raw["cards"] if isinstance(card, str)}
