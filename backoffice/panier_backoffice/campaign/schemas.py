"""What the API says about campaigns."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from panier.receipt import Moment, Name
from panier_backoffice.intake.text import writable

State = Literal["draft", "running", "stopped"]

_EXAMPLE: dict[str, Any] = {
    "title": "-20 % granola", "reason": "you buy it monthly", "segment": "regulars",
    "promotion": {"kind": "percent", "percent": "20", "target": {"categories": ["Granola"]}},
}  # fmt: skip


class CampaignDraft(BaseModel):
    """A campaign as its author states it: exactly one of `segment`, `members` and `cards` says whom it is for.

    `promotion` is a definition in the promotion format; its id is the campaign's. Times are milliseconds since 1970 UTC.
    `holdout` percent of the members never get it, so that what it brings can be seen beside them.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    campaign: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")] | None = None
    title: Annotated[str, Field(max_length=250_000)]
    reason: Annotated[str, Field(max_length=250_000)]
    """Both may be too long here, so that the refusal says their true lengths beside all else that is wrong."""
    promotion: Annotated[dict[str, Any], AfterValidator(writable)]
    segment: Name | None = None
    members: Annotated[list[Name], Field(max_length=100_000)] | None = None
    cards: Annotated[list[Name], Field(max_length=100_000)] | None = None
    starts_at: Moment | None = None
    ends_at: Moment | None = None
    holdout: Annotated[int, Field(ge=0, le=90)] = 0


class Counts(BaseModel):
    """What a campaign brought.

    `eligible` members it is for; `shown`, `accepted` and `refused` trips in which that happened; `redeemed` receipts on which it
    saved money; `saved` how much, in minor units.
    """

    eligible: int = 0
    shown: int = 0
    accepted: int = 0
    refused: int = 0
    redeemed: int = 0
    saved: int = 0


class Group(BaseModel):
    """Members of a campaign's audience who get it, or who are held out, and what they bought since it started.

    `baskets` are receipts of any content, `spend` their total in minor units, in the office's currency.
    """

    members: int = 0
    baskets: int = 0
    spend: int = 0

    @property
    def mean(self) -> int:
        """Spend a member, whoever came and whoever did not, in minor units."""
        return round(self.spend / self.members) if self.members else 0


class Comparison(BaseModel):
    """Both groups of a campaign's audience since `since` (milliseconds since 1970 UTC), side by side."""

    since: int
    treated: Group
    held_out: Group


class Campaign(BaseModel):
    """A campaign as it is now; `sentence` says it in words."""

    campaign: str
    revision: int
    state: State
    title: str
    reason: str
    sentence: str
    promotion: dict[str, Any]
    segment: str | None
    members: list[str] | None
    starts_at: int | None
    ends_at: int | None
    holdout: int
    created_by: str
    created_at: int
    pushed_at: int | None
    stopped_at: int | None
    counts: Counts


class Pushed(BaseModel):
    """The push is on the disk and on its way; `sequence` is its entry in the feed."""

    campaign: str
    revision: int
    state: State
    sequence: int
