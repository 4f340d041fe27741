"""Limits over all shoppers: purses, leases, and trips that are priced with no more than they hold."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from panier.lease import HeldLease, Lease, Purse, leased, limits, shared_out, standing_share, trip_share
from panier.member import Standing
from panier.offer import Offer
from panier.promotion import Promotion, parse_promotion
from panier.till import TripPricer, compile_definitions, compile_offers, counted_uses, in_force, price_trip, used_leases
from panier.trip import CapsuleReceived, Event, LeasesHeld, Line, Trip

TEA = Line(sku="tea", name="Tea", unit_price=400, category="tea", tax_rate=None, snapshot=1, quantity=2)
TRIP = Trip(
    trip="till-1.aaaaaa.1", store="north", currency="EUR", timezone="UTC", snapshot=1, started_at=0, last_at=0, first_sequence=1,
    last_sequence=1, lines=(TEA,),
)  # fmt: skip
OFF = {"kind": "amount", "amount": "1.00"}
BY_USES, BY_SPEND = OFF | {"usage_limit": 50}, OFF | {"budget": {"type": "spend", "limit": "25.00", "used": "5.00"}}


def promotion(**fields: Any) -> Promotion:
    return parse_promotion(OFF | fields, "EUR", name="p")


def held(left: int, *, is_spend: bool = False, holder: str = "till-1.aaaaaa", name: str = "p") -> HeldLease:
    return HeldLease(promotion=name, is_spend=is_spend, holder=holder, left=left)


def purse(limit: int = 100, *, is_spend: bool = False) -> Purse:
    return Purse(promotion="p", is_spend=is_spend, limit=limit)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 60), st.integers(0, 60), st.booleans()), max_size=12))
def test_holders_together_never_use_more_than_the_limit(work: list[tuple[str, int, int, bool]]) -> None:
    owner = purse()
    for holder, wanted, used, ends in work:
        owner = owner.grant(holder, wanted)
        assert owner == owner.grant(holder, wanted), "asking again gives nothing more"
        owner = owner.use(holder, min(used, owner.lease(holder).left))
        owner = owner.close(holder).close(holder) if ends else owner
        assert owner.used + owner.out + owner.free == 100


def test_a_lease_is_filled_up_as_far_as_something_is_free_and_what_is_left_comes_back() -> None:
    owner = purse(10).grant("a", 6).grant("b", 6)
    assert (owner.lease("a").left, owner.lease("b").left, owner.free) == (6, 4, 0)
    owner = owner.use("a", 4).grant("a", 6)
    assert (owner.lease("a").left, owner.used) == (2, 4)
    assert owner.close("a").free == 2


def test_what_was_used_beyond_a_lease_counts_all_the_same() -> None:
    owner = purse(10).grant("a", 4).use("a", 9)
    assert (owner.lease("a").left, owner.used, owner.free) == (0, 9, 1)
    assert owner.grant("a", 4).lease("a").left == 1
    assert replace(owner, limit=5).free == 0, "a limit may be lowered below what is used"


def test_two_who_know_a_lease_agree_in_either_order() -> None:
    earlier = Lease(promotion="p", is_spend=False, holder="a", granted=3, used=2)
    later = replace(earlier, granted=5, used=1)
    assert earlier.merged(later) == later.merged(earlier) == later.merged(earlier).merged(later)
    assert (earlier.merged(later).left, earlier.held.left) == (3, 1)


def test_devices_keep_a_tenth_in_hand_and_nothing_once_little_is_left() -> None:
    assert standing_share(purse(1000), 10) == 10
    assert standing_share(purse(10), 4) == 1
    assert standing_share(replace(purse(10), used=3), 4) == 0
    assert standing_share(purse(3), 0) == 1
    assert (trip_share(purse(1000)), trip_share(purse(1000, is_spend=True))) == (1, 100)
    assert trip_share(replace(purse(1000, is_spend=True), used=995)) == 1


def test_limits_are_what_a_definition_leaves() -> None:
    assert limits(promotion()) == {}
    assert limits(promotion(usage_limit=5, usage_used=2)) == {False: 3}
    assert limits(promotion(usage_limit=5, budget={"type": "usage", "limit": 4, "used": 1})) == {False: 3}
    assert limits(promotion(usage_limit=5, budget={"type": "spend", "limit": "3.00"})) == {False: 5, True: 300}
    assert limits(promotion(usage_limit=5, usage_used=7)) == {False: 0}


def test_a_promotion_acts_with_what_is_held_of_each_of_its_limits() -> None:
    both = promotion(usage_limit=5, budget={"type": "spend", "limit": "3.00"})
    assert leased([both], [held(2)]) == []
    (able,) = leased([both], [held(2), held(1, holder="till-1.aaaaaa.1"), held(150, is_spend=True), held(9, name="other")])
    assert limits(able) == {False: 3, True: 150}
    assert leased([promotion(usage_limit=5, budget={"type": "usage", "limit": 4})], [held(1)])[0].budget is None


def test_a_basket_uses_the_trips_own_lease_first() -> None:
    own, kept = held(30, is_spend=True, holder="till-1.aaaaaa.1"), held(90, is_spend=True)
    assert shared_out([kept, own], "p", 100) == [(own, 30), (kept, 70)]
    assert shared_out([kept, held(1)], "p", 0) == [(held(1), 1)]


def test_without_a_lease_a_limited_promotion_does_not_act() -> None:
    shelf, _ = compile_definitions({"uses": BY_USES, "spend": BY_SPEND | {"exclusive_group": "x"}}, "EUR")
    assert price_trip(TRIP, shelf).discount == 0
    one = replace(TRIP, leases=(held(1, name="uses"), held(99, name="spend", is_spend=True)))
    assert price_trip(one, shelf).applied == ("uses",), "99 do not bear 1.00, which is refused whole"
    both = replace(TRIP, leases=(held(1, name="uses"), held(100, name="spend", is_spend=True)))
    priced = price_trip(both, shelf)
    assert sorted(priced.applied) == ["spend", "uses"]
    assert {lease.promotion: used for lease, used in used_leases(both, priced)} == {"uses": 1, "spend": 100}


def test_a_members_offer_with_a_limit_needs_a_lease_too() -> None:
    offers, _ = compile_offers([Offer(offer="c", revision=1, title="t", reason="r", promotion=BY_USES)], "EUR")
    shelf, _ = compile_definitions({}, "EUR")
    assert price_trip(TRIP, shelf, offers).discount == 0
    assert price_trip(replace(TRIP, leases=(held(1, name="c"),)), shelf, offers).discount == 100


def test_a_lease_that_comes_in_mid_trip_counts_at_once() -> None:
    shelf, _ = compile_definitions({"uses": BY_USES}, "EUR")
    pricer = TripPricer()
    assert pricer.price(TRIP, shelf).discount == 0
    event = Event(sequence=2, at=5, trip=TRIP.trip, what=LeasesHeld(leases=(held(1, name="uses"),)))
    assert pricer.price(TRIP.after(event), shelf).discount == 100
    assert pricer.price(TRIP, shelf).discount == 0


def test_a_members_standing_decides_over_orders_uses_and_points() -> None:
    definitions = {
        "third": OFF | {"nth_order": 3},
        "once": OFF | {"per_member_limit": 1, "coupon": None},
        "burn": {"kind": "points_burn", "value_per_point": "0.01", "multiple_of": 10},
    }
    shelf, _ = compile_definitions(definitions, "EUR")
    capsule = CapsuleReceived(
        member="m", segments=("member",), offers=(), standing=Standing(points=25, prior_orders=2, uses={"once": 1})
    )
    known = TRIP.after(Event(sequence=2, at=5, trip=TRIP.trip, what=capsule))
    assert sorted(price_trip(known, shelf).applied) == ["burn", "third"]
    fresh = price_trip(TRIP, shelf)
    assert fresh.applied == ("once",)
    assert counted_uses(in_force(TRIP, shelf), fresh) == {"once": 1}
    assert counted_uses(in_force(known, shelf), price_trip(known, shelf)) == {}
