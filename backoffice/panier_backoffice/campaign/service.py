"""Creates, edits, pushes and stops campaigns; a push is an entry of the feed."""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Mapping, Sequence

from sqlalchemy.orm import Session

from panier.feed import CampaignRecord
from panier.snapshot import canonical
from panier_backoffice.bell import announce
from panier_backoffice.campaign import repository
from panier_backoffice.campaign.check import Audience, check, targets
from panier_backoffice.campaign.schemas import Campaign, CampaignDraft, Counts
from panier_backoffice.campaign.sentence import LOOKED_AT, sentence
from panier_backoffice.campaign.table import CampaignRow
from panier_backoffice.feed import log
from panier_backoffice.problem import NotFound, Unfit
from panier_backoffice.product.repository import known_skus
from panier_backoffice.words import Words


def named(session: Session, campaign: str) -> CampaignRow:
    """Raises NotFound."""
    row = repository.find(session, campaign)
    if row is None:
        raise NotFound(f"there is no campaign {campaign!r}")
    return row


def create(session: Session, draft: CampaignDraft, currency: str, author: str, at: int) -> CampaignRow:
    """A new campaign, as a draft; the same one that was made before, where it is sent again. Raises Unfit with every field
    that makes no sense.
    """
    audience = check(session, draft, currency, at)
    name = draft.campaign or _slug(draft.title)
    held = repository.find(session, name)
    if held is not None and _says(held, draft, audience):
        return held
    # Receipts name what saved money by one id, so that a campaign may not be called like a public promotion that ever was.
    if held is not None or log.history(session, "promotion", name):
        raise Unfit({"campaign": f"there is a campaign or promotion {name!r} already"})
    row = CampaignRow(
        campaign=name, revision=1, state="draft", title=draft.title.strip(), reason=draft.reason.strip(),
        promotion={**draft.promotion, "id": name}, segment=audience.segment, members=audience.members,
        starts_at=draft.starts_at, ends_at=draft.ends_at, holdout=draft.holdout, created_by=author, created_at=at,
    )  # fmt: skip
    session.add(row)
    session.flush()
    announce(session, "campaign")
    return row


def edit(session: Session, campaign: str, draft: CampaignDraft, currency: str, at: int) -> CampaignRow:
    """Replaces what a campaign says; where it runs, the stores get the new revision at once. Raises Unfit, NotFound."""
    row = named(session, campaign)
    audience = check(session, draft.model_copy(update={"campaign": campaign}), currency, at)
    row.title, row.reason = draft.title.strip(), draft.reason.strip()
    row.promotion = {**draft.promotion, "id": campaign}
    row.segment, row.members = audience.segment, audience.members
    row.starts_at, row.ends_at, row.holdout = draft.starts_at, draft.ends_at, draft.holdout
    if row.pushed_at is not None:
        row.revision += 1
    if row.state == "running":
        _tell(session, row, at)
    announce(session, "campaign")
    return row


def push(session: Session, campaign: str, currency: str, at: int) -> int:
    """Starts a campaign, also one that was stopped; returns the feed's sequence, the old one where it runs already."""
    row = named(session, campaign)
    if row.state == "running":
        return log.history(session, "campaign", campaign)[-1].sequence
    check(session, _draft_of(row), currency, at)
    row.state, row.pushed_at, row.stopped_at = "running", at, None
    announce(session, "campaign")
    return _tell(session, row, at)


def stop(session: Session, campaign: str, at: int) -> int:
    """Ends a campaign in every store; it can be pushed again. Raises Unfit where it does not run."""
    row = named(session, campaign)
    if row.state != "running":
        raise Unfit({"state": f"{campaign!r} does not run: it is {'stopped' if row.state == 'stopped' else 'a draft'}"})
    row.state, row.stopped_at = "stopped", at
    announce(session, "campaign")
    return _tell(session, row, at)


def delete(session: Session, campaign: str) -> None:
    """Removes a draft. Raises Unfit where the shops have heard of the campaign: receipts may name it. Raises NotFound."""
    row = named(session, campaign)
    if row.state != "draft":
        raise Unfit({"state": f"{campaign!r} was pushed already, and receipts may name it; stop it instead"})
    session.delete(row)
    announce(session, "campaign")


def described(session: Session, rows: list[CampaignRow], words: Words) -> list[Campaign]:
    """The campaigns with their counts and their sentences."""
    counts, names = repository.counts(session, rows), product_names(session, rows)
    return [_described(row, counts[row.campaign], words, names) for row in rows]


def product_names(session: Session, rows: Sequence[CampaignRow]) -> dict[str, str]:
    """Names by SKU of the products that the campaigns' sentences may name."""
    found = [target for row in rows for _, target in targets(row.promotion)]
    skus = {str(sku) for target in found for sku in target.get("skus", [])[:LOOKED_AT]}
    return {sku: product.name for sku, product in known_skus(session, skus).items()}


def _described(row: CampaignRow, counts: Counts, words: Words, names: Mapping[str, str]) -> Campaign:
    said = sentence(row, counts.eligible, words, names)
    own = {name: getattr(row, name) for name in Campaign.model_fields if name not in ("sentence", "counts")}
    return Campaign(**own, sentence=said, counts=counts)


def _tell(session: Session, row: CampaignRow, at: int) -> int:
    record = CampaignRecord(
        campaign=row.campaign, revision=row.revision, title=row.title, reason=row.reason, promotion=row.promotion,
        segment=row.segment, members=row.members, starts_at=row.starts_at, ends_at=row.ends_at, holdout=row.holdout,
        state="running" if row.state == "running" else "stopped",
    )  # fmt: skip
    session.flush()
    return log.append(session, [("campaign", row.campaign, canonical(record.model_dump(mode="json")))], at)[0]


def _says(row: CampaignRow, draft: CampaignDraft, audience: Audience) -> bool:
    """True where a campaign is what a draft says: who did not hear the answer asks again."""
    held = (row.title, row.reason, row.promotion, row.segment, row.members, row.starts_at, row.ends_at, row.holdout)
    promotion = {**draft.promotion, "id": row.campaign}
    return held == (
        draft.title.strip(), draft.reason.strip(), promotion, audience.segment, audience.members, draft.starts_at, draft.ends_at,
        draft.holdout,
    )  # fmt: skip


def _draft_of(row: CampaignRow) -> CampaignDraft:
    return CampaignDraft(
        campaign=row.campaign, title=row.title, reason=row.reason, promotion=row.promotion, segment=row.segment,
        members=row.members, starts_at=row.starts_at, ends_at=row.ends_at, holdout=row.holdout,
    )  # fmt: skip


def _slug(title: str) -> str:
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40] or "campaign"
    return f"{words}-{secrets.token_hex(3)}"
