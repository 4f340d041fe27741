"""The member's capsule: first name, segments, and the offers of running campaigns that fit this member."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from pydantic import TypeAdapter

from panier.definition import PERCENT
from panier.feed import CampaignRecord, MemberRecord
from panier.holdout import is_held_out
from panier.member import EVERY_MEMBER, UNKNOWN, Capsule, Standing
from panier.offer import Offer
from panier.trip import Trip

MAX_OFFERS = 50
MAX_BYTES = 400_000
"""Bytes of a capsule's offers at the most: a device journals them as one event, which has to fit into a batch."""
_LONG_AGO_MS = 7 * 24 * 3600 * 1000
_OFFER = TypeAdapter(Offer)


@dataclass(frozen=True, slots=True)
class Audience:
    """A campaign and whom it is for; `listed` is a set because a list of thousands is asked for every member in the shop."""

    campaign: CampaignRecord
    listed: frozenset[str] | None
    size: int = field(compare=False)
    """Bytes of its offer in a message."""

    @classmethod
    def of(cls, campaign: CampaignRecord) -> Audience:
        """The campaign's audience."""
        listed = None if campaign.members is None else frozenset(campaign.members)
        return cls(campaign, listed, len(_OFFER.dump_json(offer(campaign))))

    def fits(self, member: str, segments: Collection[str]) -> bool:
        """True where the campaign lists this member, or is for one of the member's segments, and does not hold the member out."""
        is_meant = self.campaign.segment in segments if self.listed is None else member in self.listed
        return is_meant and not is_held_out(member, self.campaign.campaign, self.campaign.holdout * PERCENT)

    def is_running(self, now: int) -> bool:
        """True from its start until its end; `now` in milliseconds since 1970 UTC."""
        campaign = self.campaign
        started = campaign.starts_at is None or campaign.starts_at <= now
        ended = campaign.ends_at is not None and campaign.ends_at <= now
        return campaign.state == "running" and started and not ended


def compose(
    trip: str, member: MemberRecord, audiences: Sequence[Audience], now: int, standing: Standing = UNKNOWN
) -> tuple[Capsule, list[str]]:
    """What a device needs to serve `member` in `trip`, and the campaigns for which a capsule of MAX_BYTES has no room.

    Offers made for listed members come first, then the newest first. `audiences` are in order of their campaigns' last change,
    oldest first.
    """
    segments = tuple(dict.fromkeys((EVERY_MEMBER, *member.segments)))
    fitting = [audience for audience in audiences if audience.is_running(now) and audience.fits(member.member, segments)]
    newest_first = fitting[::-1]
    ranked = sorted(newest_first, key=lambda audience: audience.listed is None)
    room, chosen, left_out = MAX_BYTES, list[Offer](), list[str]()
    for audience in ranked[:MAX_OFFERS]:
        if audience.size > room:
            left_out.append(audience.campaign.campaign)
            continue
        room -= audience.size
        chosen.append(offer(audience.campaign))
    capsule = Capsule(
        trip=trip, member=member.member, first_name=member.first_name, segments=segments, offers=tuple(chosen), standing=standing
    )  # fmt: skip
    return capsule, left_out


def offer(campaign: CampaignRecord) -> Offer:
    """What the campaign offers."""
    return Offer(
        offer=campaign.campaign, revision=campaign.revision, title=campaign.title, reason=campaign.reason,
        promotion=campaign.promotion,
    )  # fmt: skip


def next_turn(audiences: Iterable[Audience], now: int) -> int | None:
    """When the next campaign starts or ends by itself, in milliseconds; None where none does."""
    campaigns = (audience.campaign for audience in audiences)
    turns = (at for campaign in campaigns for at in (campaign.starts_at, campaign.ends_at) if at is not None and at > now)
    return min(turns, default=None)


def long_ago(now: int) -> int:
    """A campaign that ended by then is over for good: a clock is not wrong by that much. In milliseconds, as `now`."""
    return now - _LONG_AGO_MS


def is_held(trip: Trip, capsule: Capsule) -> bool:
    """True where the trip's journal says that the device has this capsule already."""
    held = (trip.member, trip.segments, trip.offers, trip.standing)
    return held == (capsule.member, capsule.segments, capsule.offers, capsule.standing)
