"""Payment in a trip: asked for once at a time, binding while money may have moved, and never followed by another price."""

from __future__ import annotations

from dataclasses import replace

import pytest

from panier.member import UNKNOWN
from panier.payment import PaymentBegun, PaymentEnded
from panier.till import compile_definitions, price_trip
from panier.trip import (
    CapsuleReceived,
    CardScanned,
    CodeRefused,
    CouponShown,
    Event,
    Happening,
    HelpRequested,
    ItemAdded,
    ItemRemoved,
    LeasesHeld,
    OfferShown,
    SnapshotAdopted,
    Trip,
    TripAbandoned,
    TripFinished,
    TripOrder,
    TripStarted,
    fold,
)

TRIP = "till-1.aaaaaa.1"
STARTED = TripStarted(store="north", currency="EUR", timezone="Europe/Paris", snapshot=3)
BEANS = ItemAdded(sku="beans", name="Beans", unit_price=250, category="", tax_rate=None, snapshot=3, entry="scan")
BEGUN = PaymentBegun(reference="till-1.aaaaaa.3", amount=250, units=1, discount=0)
FINISHED = TripFinished(units=1, discount=0, total=250)


def ended(outcome: str, reference: str = BEGUN.reference) -> PaymentEnded:
    return PaymentEnded(reference=reference, outcome=outcome)  # pyright: ignore[reportArgumentType]


def trip(*happenings: Happening) -> Trip:
    return fold(
        Event(sequence=1 + place, at=1_772_468_000_000 + 60_000 * place, trip=TRIP, what=what)
        for place, what in enumerate((STARTED, BEANS, *happenings))
    )


def test_a_trip_is_bound_from_the_question_to_a_no() -> None:
    assert not trip().is_bound
    assert trip(BEGUN).is_bound
    assert not trip(BEGUN, ended("declined")).is_bound
    assert trip(BEGUN, ended("approved")).is_bound
    assert trip(BEGUN, ended("unknown")).is_bound


@pytest.mark.parametrize(
    "what",
    [
        BEANS, ItemRemoved(sku="beans", unit_price=250), CardScanned(card="1"), CouponShown(coupon="TEA"), LeasesHeld(leases=()),
        CapsuleReceived(member="m", segments=(), offers=(), standing=UNKNOWN), SnapshotAdopted(snapshot=4), BEGUN,
        TripAbandoned(),
    ],
    ids=lambda what: what.kind,
)  # fmt: skip
def test_nothing_that_changes_the_price_follows_while_money_may_have_moved(what: Happening) -> None:
    for before in ((BEGUN,), (BEGUN, ended("approved")), (BEGUN, ended("unknown"))):
        with pytest.raises(TripOrder, match=f"{what.kind} while payment {BEGUN.reference}"):
            trip(*before, what)
    trip(BEGUN, ended("declined"), what)


def test_a_trip_is_not_finished_before_its_payment_has_an_outcome() -> None:
    with pytest.raises(TripOrder, match="trip_finished while payment"):
        trip(BEGUN, FINISHED)
    for outcome in ("approved", "unknown", "declined"):
        assert trip(BEGUN, ended(outcome), FINISHED).finished == FINISHED


def test_help_refused_codes_and_painted_offers_are_noted_during_a_payment() -> None:
    refused = CodeRefused(reason="paying_now", seen="1", entry="scan")
    assert trip(BEGUN, HelpRequested(), refused, OfferShown(offer="c-1")).needs_help


@pytest.mark.parametrize(
    "happenings",
    [
        (ended("approved"),), (BEGUN, ended("approved", "till-1.aaaaaa.2")), (BEGUN, ended("declined"), ended("approved")),
    ],
)  # fmt: skip
def test_an_outcome_belongs_to_the_payment_that_is_under_way(happenings: tuple[Happening, ...]) -> None:
    with pytest.raises(TripOrder, match="is under way in trip"):
        trip(*happenings)


def test_a_second_attempt_has_a_reference_of_its_own() -> None:
    again = replace(BEGUN, reference="till-1.aaaaaa.5")
    paid = trip(BEGUN, ended("declined"), again, ended("approved", again.reference), FINISHED)
    assert paid.payment is not None
    assert (paid.payment.begun, paid.payment.is_under_way, paid.payment.is_binding) == (again, False, True)


def test_a_happy_hour_that_ends_while_the_shopper_looks_for_the_card_still_counts() -> None:
    until = {"kind": "percent", "percent": "10", "target": {"all": True}, "valid_to": "2026-03-02T17:16:00+01:00"}
    shelf, refused = compile_definitions({"happy": until}, "EUR")
    assert refused == []
    asked = trip(BEGUN)
    # 17:13:20 when the trip began; the payment is asked for two minutes later, and answered after the end of the hour.
    assert price_trip(asked, shelf).total == 225
    assert price_trip(trip(BEGUN, ended("approved"), FINISHED), shelf).total == 225
    assert price_trip(trip(BEGUN, ended("declined"), HelpRequested()), shelf).total == 250
