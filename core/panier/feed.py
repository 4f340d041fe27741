"""The feed: everything that the back office tells the stores, as one numbered log.

Entry kinds `product` and `promotion` make up the snapshot that devices hold; `member` and `campaign` stay at the gateway. A
snapshot's version is the sequence of its last product or promotion entry.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, RootModel

from panier.catalogue import Product
from panier.reading import FRUGAL, PART
from panier.receipt import Count, Moment, Name

FeedKind = Literal["product", "promotion", "member", "campaign"]


class _Part(BaseModel):
    model_config = PART


class FeedEntry(_Part):
    """From sequence `sequence` on, `key` of `kind` is `body`; a null body removes it."""

    sequence: Annotated[int, Field(ge=1)]
    kind: FeedKind
    key: Name
    body: dict[str, Any] | None


class FeedPage(_Part):
    """Entries after the one asked for, oldest first; `last` is the newest sequence of all, `more` that another page follows."""

    entries: list[FeedEntry]
    last: Count
    more: bool


class ProductRecord(RootModel[Product]):
    """A product as the feed has it, in `root`."""

    model_config = FRUGAL


class MemberRecord(_Part):
    """Body of a `member` entry. `segments` are names that marketing gave to groups of members."""

    member: Name
    first_name: Annotated[str, Field(max_length=40)]
    cards: Annotated[list[Name], Field(max_length=20)]
    segments: Annotated[list[Name], Field(max_length=200)] = []


class CampaignRecord(_Part):
    """Body of a `campaign` entry: a promotion for a segment or for listed members, with the words on the screen.

    Exactly one of `segment` and `members` is set. `starts_at` and `ends_at` are milliseconds since 1970 UTC. `holdout` percent of
    the audience never get it, so that its effect can be measured.
    """

    campaign: Name
    revision: Annotated[int, Field(ge=1)]
    title: Annotated[str, Field(min_length=1, max_length=60)]
    reason: Annotated[str, Field(min_length=1, max_length=80)]
    promotion: dict[str, Any]
    segment: Name | None = None
    members: list[Name] | None = None
    starts_at: Moment | None = None
    ends_at: Moment | None = None
    holdout: Annotated[int, Field(ge=0, le=90)] = 0
    state: Literal["running", "stopped"]
