from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panier.member import EVERY_MEMBER
from panier.offer import Offer
from panier.trip import (
    MOST_UNKNOWN,
    CapsuleReceived,
    CardScanned,
    CodeRefused,
    CouponShown,
    Event,
    Happening,
    HelpEnded,
    HelpRequested,
    ItemAdded,
    ItemRemoved,
    OfferAccepted,
    OfferRefused,
    OfferShown,
    SnapshotAdopted,
    Trip,
    TripAbandoned,
    TripFinished,
    TripOrder,
    TripStarted,
    fold,
    start,
)
from panier.weighed import Weighing

TRIP = "handheld-07.k3xq7a.41"
STARTED = TripStarted(store="s-1", currency="USD", timezone="America/New_York", snapshot=7)
OFFER = Offer(offer="c-1", revision=2, title="20 % off granola", reason="You buy it monthly", promotion={"kind": "percent"})
FINISHED = TripFinished(units=2, discount=0, total=250)


def item(sku: str = "beans", unit_price: int = 125, quantity: int = 1) -> ItemAdded:
    return ItemAdded(
        sku=sku, name=sku.title(), unit_price=unit_price, category="", tax_rate=None, snapshot=7, entry="scan", quantity=quantity
    )


def back(sku: str = "beans", unit_price: int = 125, quantity: int = 1) -> ItemRemoved:
    return ItemRemoved(sku=sku, unit_price=unit_price, quantity=quantity)


def events(*happenings: Happening, first: int = 41) -> list[Event]:
    return [Event(sequence=first + i, at=1000 + i, trip=TRIP, what=what) for i, what in enumerate(happenings)]


def trip_of(*happenings: Happening) -> Trip:
    return fold(events(STARTED, *happenings))


def basket(trip: Trip) -> list[tuple[str, int, int]]:
    return [(line.sku, line.unit_price, line.quantity) for line in trip.lines]


def test_a_trip_starts_empty_and_open() -> None:
    trip = trip_of()
    assert (trip.trip, trip.store, trip.currency, trip.timezone, trip.snapshot) == (TRIP, "s-1", "USD", "America/New_York", 7)
    assert (trip.started_at, trip.last_at, trip.first_sequence, trip.last_sequence) == (1000, 1000, 41, 41)
    assert (trip.lines, trip.units, trip.last_line, trip.is_open) == ((), 0, None, True)


def test_equal_units_share_a_line_and_the_last_one_is_marked() -> None:
    trip = trip_of(item("beans"), item("milk", 179), item("beans", quantity=2))
    assert basket(trip) == [("beans", 125, 3), ("milk", 179, 1)]
    assert (trip.last_line, trip.units) == (0, 4)
    assert trip_of(item("beans"), item("milk", 179)).last_line == 1


def test_coupons_are_held_to_the_end_of_the_trip_and_one_shown_twice_is_one() -> None:
    trip = trip_of(CouponShown(coupon="TEA"), item(), CouponShown(coupon="9912345678909"), CouponShown(coupon="TEA"))
    assert trip.coupons == {"TEA", "9912345678909"}


def bag(grams: int, price_per_kg: int = 100) -> ItemAdded:
    weighing = Weighing(grams=grams, price_per_kg=price_per_kg)
    return replace(item("figs", weighing.price), weighing=weighing)


def test_two_weighings_are_two_lines_unless_they_cost_the_same() -> None:
    trip = trip_of(bag(500), bag(900), bag(501))
    assert basket(trip) == [("figs", 50, 2), ("figs", 90, 1)]
    assert [[weighing.grams for weighing in line.weighings] for line in trip.lines] == [[500, 501], [900]]
    less = trip_of(bag(500), bag(900), bag(501), back("figs", 50), back("figs", 90))
    assert [[weighing.grams for weighing in line.weighings] for line in less.lines] == [[500]]


def test_a_piece_with_a_serial_is_known_until_one_of_its_product_goes_back() -> None:
    held = trip_of(item("ham", 433), replace(item("ham", 433), serial="S-1"), replace(item("cola", 150), serial="S-1"))
    assert held.pieces == {("ham", "S-1"), ("cola", "S-1")}
    returned = trip_of(replace(item("ham", 433), serial="S-1"), replace(item("cola", 150), serial="S-1"), back("ham", 433))
    assert returned.pieces == {("cola", "S-1")}


def test_pieces_reduced_for_their_date_are_a_line_of_their_own() -> None:
    short = replace(item("ham", 303), mark_down=30)
    trip = trip_of(item("ham", 433), short, short)
    assert [(line.unit_price, line.quantity, line.mark_down) for line in trip.lines] == [(433, 1, 0), (303, 2, 30)]


def unknown(seen: str) -> CodeRefused:
    return CodeRefused(reason="unknown_product", seen=seen, entry="scan")


def test_an_unknown_code_waits_for_a_price_and_takes_one_once() -> None:
    jam = replace(item("code-77", 249), entry="staff", priced_by="monitor", answers=42)
    trip = trip_of(unknown("77"))
    assert [(code.sequence, code.seen) for code in trip.unknown] == [(42, "77")]
    priced = trip_of(unknown("77"), jam)
    assert (priced.unknown, priced.lines[0].priced_by, priced.lines[0].unit_price) == ((), "monitor", 249)
    with pytest.raises(TripOrder, match=r"code 42 of trip .* waits for no price"):
        trip_of(unknown("77"), jam, jam)
    with pytest.raises(TripOrder, match="waits for no price"):
        trip_of(CodeRefused(reason="wrong_length", seen="4006…(9)", entry="scan"), jam)


def test_an_unknown_code_that_is_scanned_again_waits_once_and_the_first_of_many_give_way() -> None:
    assert [code.sequence for code in trip_of(unknown("77"), unknown("78"), unknown("77")).unknown] == [43, 44]
    many = trip_of(*(unknown(str(number)) for number in range(MOST_UNKNOWN + 2)))
    assert [code.seen for code in many.unknown] == ["2", "3", "4", "5", "6"]


def test_a_label_s_price_is_marked_and_deposits_add_up_by_unit() -> None:
    labelled = replace(item("ham", 433), is_labelled=True)
    trip = trip_of(replace(item("cola", 150, 3), deposit=25), item("ham", 433), labelled, back("cola", 150))
    assert [line.is_labelled for line in trip.lines] == [False, True]
    assert trip.deposit == 2 * 25


def test_one_product_at_two_prices_has_two_lines() -> None:
    trip = trip_of(item("beans", 125), item("beans", 99), back("beans", 125))
    assert basket(trip) == [("beans", 99, 1)]


def test_units_go_back_and_an_empty_line_goes_away() -> None:
    trip = trip_of(item("beans", quantity=3), item("milk", 179), back("beans", quantity=2))
    assert (basket(trip), trip.last_line) == ([("beans", 125, 1), ("milk", 179, 1)], 0)
    emptied = trip_of(item("beans"), item("milk", 179), back("beans"))
    assert (basket(emptied), emptied.last_line) == ([("milk", 179, 1)], None)


@pytest.mark.parametrize(
    ("removed", "held"), [(back("milk"), 0), (back("beans", unit_price=99), 0), (back("beans", quantity=3), 2)]
)
def test_what_the_basket_does_not_hold_cannot_go_back(removed: ItemRemoved, held: int) -> None:
    with pytest.raises(TripOrder, match=f"the basket holds {held}"):
        trip_of(item("beans", quantity=2), removed)


def test_a_card_earns_member_prices_before_any_answer() -> None:
    trip = trip_of(CardScanned(card="2900000000018"), CardScanned(card="2900000000025"))
    assert (trip.card, trip.member, trip.segments) == ("2900000000025", None, (EVERY_MEMBER,))


def test_a_newer_capsule_replaces_the_one_before() -> None:
    first = CapsuleReceived(member="m-1", segments=("member", "grow"), offers=(OFFER,))
    newer = CapsuleReceived(member="m-1", segments=("member",), offers=())
    assert (trip_of(first).member, trip_of(first).offers) == ("m-1", (OFFER,))
    assert (trip_of(first, newer).segments, trip_of(first, newer).offers) == (("member",), ())
    assert trip_of(first, CardScanned(card="c")).segments == ("member", "grow")


def test_the_last_word_on_an_offer_counts() -> None:
    trip = trip_of(OfferShown(offer="a"), OfferShown(offer="b"), OfferShown(offer="a"), OfferAccepted(offer="a"))
    assert (trip.shown, trip.accepted, trip.refused) == ({"a", "b"}, {"a"}, set())
    trip = trip_of(OfferAccepted(offer="a"), OfferRefused(offer="a"), OfferRefused(offer="b"))
    assert (trip.accepted, trip.refused) == (set(), {"a", "b"})
    trip = trip_of(OfferRefused(offer="a"), OfferAccepted(offer="a"))
    assert (trip.accepted, trip.refused) == ({"a"}, set())


def test_newer_prices_leave_scanned_lines_alone() -> None:
    trip = trip_of(item(), SnapshotAdopted(snapshot=8))
    assert (trip.snapshot, trip.lines[0].snapshot, trip.lines[0].unit_price) == (8, 7, 125)


def test_help_is_called_for_and_comes() -> None:
    assert trip_of(HelpRequested()).needs_help
    assert not trip_of(HelpRequested(), HelpEnded()).needs_help


def test_refused_codes_are_counted() -> None:
    assert trip_of(*[CodeRefused(reason="wrong_check_digit", seen="5901…(13)", entry="scan")] * 2).refused_codes == 2


def test_a_finished_trip_keeps_what_the_screen_showed() -> None:
    trip = trip_of(item(quantity=2), FINISHED)
    assert (trip.finished, trip.abandoned, trip.is_open, trip.last_sequence, trip.last_at) == (FINISHED, False, False, 43, 1002)
    assert not trip_of(TripAbandoned()).is_open


@pytest.mark.parametrize("end", [FINISHED, TripAbandoned()])
@pytest.mark.parametrize("more", [item(), STARTED, TripAbandoned(), FINISHED])
def test_nothing_follows_the_end(end: Happening, more: Happening) -> None:
    with pytest.raises(TripOrder, match=f"{more.kind} after the end of trip"):
        trip_of(end, more)


def test_a_trip_starts_once_and_first() -> None:
    with pytest.raises(TripOrder, match="already started"):
        trip_of(STARTED)
    with pytest.raises(TripOrder, match="begins with item_added, not with trip_started"):
        start(events(item())[0])
    with pytest.raises(TripOrder, match="no events"):
        fold([])


def test_an_event_of_another_trip_or_out_of_order_is_refused() -> None:
    trip = trip_of(item())
    with pytest.raises(TripOrder, match="is of trip other"):
        trip.after(Event(sequence=50, at=1, trip="other", what=item()))
    for sequence in (41, 42):
        with pytest.raises(TripOrder, match=f"event {sequence} comes after 42"):
            trip.after(Event(sequence=sequence, at=1, trip=TRIP, what=item()))
    assert trip.after(Event(sequence=50, at=1, trip=TRIP, what=item())).last_sequence == 50


skus = st.sampled_from(["beans", "milk", "oats"])
prices = st.sampled_from([99, 125])
offers = st.sampled_from(["a", "b"])
quantities = st.integers(1, 4)
happenings: st.SearchStrategy[Happening] = st.one_of(
    st.builds(item, skus, prices, quantities),
    st.builds(back, skus, prices, quantities),
    st.builds(CardScanned, card=st.just("2900000000018")),
    st.builds(CapsuleReceived, member=st.just("m"), segments=st.just(("member",)), offers=st.sampled_from([(), (OFFER,)])),
    st.builds(OfferShown, offer=offers),
    st.builds(OfferAccepted, offer=offers),
    st.builds(OfferRefused, offer=offers),
    st.builds(SnapshotAdopted, snapshot=st.integers(0, 9)),
    st.sampled_from([HelpRequested(), HelpEnded(), TripAbandoned(), FINISHED, STARTED]),
)
sequences = st.lists(happenings, max_size=30)


def replay(happenings: Sequence[Happening]) -> tuple[Trip, list[Event]]:
    """The trip event by event, as a device lives it, and the events that could follow."""
    first, *rest = events(STARTED, *happenings)
    trip, taken = start(first), [first]
    for event in rest:
        try:
            trip = trip.after(event)
        except TripOrder:
            continue
        taken.append(event)
    return trip, taken


@given(sequences)
def test_the_fold_of_the_journal_is_the_state_that_was_lived(happenings: list[Happening]) -> None:
    trip, taken = replay(happenings)
    assert fold(taken) == trip


@given(sequences)
def test_quantities_are_what_came_in_less_what_went_back(happenings: list[Happening]) -> None:
    trip, taken = replay(happenings)
    assert all(line.quantity > 0 for line in trip.lines)
    assert len({(line.sku, line.unit_price) for line in trip.lines}) == len(trip.lines)
    came = sum(event.what.quantity for event in taken if isinstance(event.what, ItemAdded))
    went = sum(event.what.quantity for event in taken if isinstance(event.what, ItemRemoved))
    assert trip.units == came - went
    assert trip.last_line is None or trip.last_line < len(trip.lines)


@given(sequences)
def test_an_event_that_arrives_twice_never_counts_twice(happenings: list[Happening]) -> None:
    trip, taken = replay(happenings)
    for event in taken:
        with pytest.raises(TripOrder):
            trip.after(event)


@given(sequences)
def test_at_most_one_end_and_one_word_on_an_offer(happenings: list[Happening]) -> None:
    trip, _ = replay(happenings)
    assert not (trip.finished and trip.abandoned)
    assert not trip.accepted & trip.refused
