"""The layout by itself: whatever is on the screen, it fits, and says what every shopper (and every simulator) relies on."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from panier.catalogue import Product
from panier_device.screen import digit
from panier_device.screen.dialogue import SHOPPING, Pose
from panier_device.screen.ink import INKS
from panier_device.screen.paint import Painting, paint
from panier_device.screen.view import LineView, Link, MessageView, OfferView, View, price_mark, spell_age
from panier_device.screen.word import ENGLISH

OFFERS = tuple(OfferView(f"c-{n}", f"-{n}0 % granola", f"reason {n}") for n in range(1, 8))
BASKET = View(
    phase="basket", greeting="Hello Claire", link=Link(online=True), items="14 items", saved="saved 2.00", total="38.25",
    lines=tuple(LineView(f"Product {n}", n, f"{n}.00", (("2 for 1", "-0.50"),), n == 3) for n in range(1, 9)),
    offers=OFFERS, near_misses=("1 more oat milk: save 1.20",), is_empty=False,
)  # fmt: skip
POSES = [
    SHOPPING,
    Pose("typed", "4006381"),
    Pose("confirm"),
    Pose("offers"),
    Pose("offer", offer="c-2"),
    Pose("shelf", "mil", tuple(Product(sku=str(n), gtins=(), name=f"Milk {n}", unit_price=100 + n) for n in range(40)), 30),
]


def texts(painting: Painting) -> list[str]:
    return ["".join(text for text, _ in row) for row in painting.rows]


def show(view: View, pose: Pose = SHOPPING, width: int = 40, height: int = 24) -> list[str]:
    return texts(paint(view, pose, ENGLISH, width, height, "USD"))


words = st.text(st.characters(exclude_categories=["C", "Z", "M"]), min_size=1, max_size=50) | st.sampled_from(
    ["牛乳 1 l", "Müsli", "Café ☕"]
)
savings = st.lists(st.tuples(words, st.just("-1.00")), max_size=3).map(tuple)
lines = st.builds(LineView, words, st.integers(1, 99_999), st.just("1234.50"), savings, st.booleans())
offers = st.builds(OfferView, words, words, words, st.sampled_from(["", "new"]), st.booleans())
views = st.builds(
    View,
    phase=st.sampled_from(["start", "basket", "thanks"]),
    greeting=words,
    link=st.builds(
        Link,
        st.booleans(),
        st.sampled_from(["", "prices 3 h old", "prices arriving, 40 %"]),
        st.sampled_from(["", "away", "garbled"]),
    ),
    lines=st.lists(lines, max_size=12).map(tuple),
    near_misses=st.lists(words, max_size=2).map(tuple),
    offers=st.lists(offers, max_size=7).map(tuple),
    items=st.just("14 items"),
    saved=st.just("saved 2.00"),
    total=st.sampled_from(["0.00", "38.25", "12345678.90"]),
    is_empty=st.booleans(),
    has_saved=st.booleans(),
    message=st.none() | st.builds(MessageView, words, words, st.sampled_from(["plain", "good", "attention"])),
    needs_help=st.booleans(),
    trip=st.just("hand-1.abc234.17"),
)


@settings(max_examples=60, deadline=None)
@given(view=views, pose=st.sampled_from(POSES), width=st.integers(40, 120), height=st.integers(24, 60))
def test_every_row_is_exactly_as_wide_as_the_terminal_and_there_are_as_many_as_it_has(
    view: View, pose: Pose, width: int, height: int
):
    painting = paint(view, pose, ENGLISH, width, height, "USD")
    assert [cell_len(text) for text in texts(painting)] == [width] * height
    assert {ink for row in painting.rows for _, ink in row} <= INKS.keys()


@settings(max_examples=20, deadline=None)
@given(view=views)
def test_a_terminal_that_is_too_small_is_no_crash(view: View):
    for width, height in ((1, 1), (10, 3), (39, 12)):
        paint(view, SHOPPING, ENGLISH, width, height, "USD")


@pytest.mark.parametrize("size", [(40, 24), (80, 24), (120, 40)])
def test_the_basket_states_items_saving_total_and_connection_in_plain_text(size: tuple[int, int]):
    rows = show(BASKET, SHOPPING, *size)
    everything = "\n".join(rows)
    assert "14 items" in everything
    assert "saved 2.00" in everything
    assert any("TOTAL  38.25" in row for row in rows)
    assert "● online" in rows[0]
    assert any(row.startswith("★ -10 % granola  reason 1") for row in rows)
    assert "○ offline" in show(replace(BASKET, link=Link(prices="prices 3 h old")))[0]


def test_a_scanner_that_does_not_serve_is_said_calmly_beside_the_age_of_the_prices():
    assert show(replace(BASKET, link=Link(online=True, scanner="away")))[1].rstrip() == "! scanner unplugged: type the digits"
    both = show(replace(BASKET, link=Link(prices="prices 3 h old", scanner="garbled")))[1]
    assert both.rstrip() == "! scanner garbled · prices 3 h old"
    called = show(replace(BASKET, needs_help=True, link=Link(online=True, scanner="away")))[1]
    assert called.rstrip() == "! Help called · scanner unplugged"


def test_a_call_for_help_stands_whole_beside_what_else_is_the_matter_on_forty_columns():
    calling = replace(BASKET, needs_help=True)
    assert show(calling)[1].startswith("! Help called (h ends) ")
    for prices in (ENGLISH.prices_none, ENGLISH.prices_unconfirmed, ENGLISH.prices_loading.format(percent=99)):
        said = show(replace(calling, link=Link(prices=prices)))[1]
        assert said.rstrip() == f"! Help called · {prices}"
    wide = show(replace(calling, link=Link(prices=ENGLISH.prices_none)), SHOPPING, 80, 24)[1]
    assert wide.startswith("! Help called (h ends) · prices not here yet ")


@pytest.mark.parametrize("message", [None, MessageView("Unknown.", "Ask staff.", "attention"), MessageView("Done.", "", "good")])
@pytest.mark.parametrize("pose", POSES, ids=lambda pose: pose.mode)
def test_a_pushed_offer_is_painted_whatever_the_shopper_is_doing_and_counts_as_shown(pose: Pose, message: MessageView | None):
    fresh = OfferView("c-9", "Half price croissants", "from the oven", "new", is_fresh=True)
    painting = paint(replace(BASKET, offers=(fresh, *OFFERS[:6]), message=message), pose, ENGLISH, 40, 24, "USD")
    assert any(row.startswith("★") and "Half price croissants" in row for row in texts(painting))
    assert "c-9" in painting.offers
    assert any("Unknown." in row for row in texts(painting)) == (
        pose is SHOPPING and message is not None and message.tone == "attention"
    )


@pytest.mark.parametrize("last", range(40))
def test_the_last_scan_is_always_in_view_with_its_saving(last: int):
    lines = tuple(LineView(f"Product {n}", 1, "1.00", (("less", "-0.50"),) * (n % 3), n == last) for n in range(40))
    rows = show(replace(BASKET, lines=lines))
    place = next(place for place, row in enumerate(rows) if row.startswith("▸ "))
    assert f"Product {last} " in rows[place]
    assert all("less" in row for row in rows[place + 1 : place + 1 + last % 3])
    shown = sum("Product" in row for row in rows)
    hidden = sum(int(word) for word in rows[1].replace("↑", "").replace("↓", "").replace("more", "").split())
    assert shown + hidden == 40


@pytest.mark.parametrize("count", [1, 8])
def test_the_keys_that_change_the_marked_line_stand_under_it_and_fit(count: int):
    basket = replace(BASKET, lines=BASKET.lines[:count])
    rows = show(basket, Pose(line=0))
    assert rows[2].startswith("▸ Product 1")
    assert rows[4].split()[:2] == ["+", "-"]
    assert " d remove" in rows[4]
    assert ("↑↓ choose" in rows[4]) == (count > 1)
    assert "…" not in rows[4]
    assert not any("remove" in row for row in show(basket, Pose("typed", "4")))


def test_a_weight_and_a_deposit_stand_below_their_line_before_its_savings():
    notes = (("0.532 kg x 3.99/kg", ""), ("Deposit 2 x 0.25", "0.50"))
    line = LineView("Figs", 2, "4.24", (("less", "-0.50"),), True, notes=notes)
    rows = show(replace(BASKET, lines=(line,)))
    first = next(place for place, text in enumerate(rows) if "Figs" in text)
    assert [text.split() for text in rows[first + 1 : first + 4]] == [
        ["0.532", "kg", "x", "3.99/kg"],
        ["Deposit", "2", "x", "0.25", "0.50"],
        ["less", "-0.50"],
    ]


def test_the_start_and_the_farewell_say_what_is_next():
    assert any("Scan your card or first item" in row for row in show(View(phase="start", greeting="Welcome", link=Link())))
    thanks = replace(BASKET, phase="thanks", greeting="Thank you, Claire", trip="hand-1.abc234.17")
    rows = show(thanks)
    assert any("Thank you" in row for row in rows)
    assert any("TOTAL  38.25" in row for row in rows)
    assert any(row.strip() == "Trip hand-1.abc234.17" for row in rows)
    assert any("any key" in row for row in rows)


def test_all_seven_offers_are_in_the_list_with_their_reasons_and_count_as_shown():
    painting = paint(BASKET, Pose("offers"), ENGLISH, 40, 24, "USD")
    rows = texts(painting)
    assert sum(row.startswith("★") for row in rows) == 7
    assert all(any(f"reason {n}" in row for row in rows) for n in range(1, 8))
    assert painting.offers == tuple(f"c-{n}" for n in range(1, 8))


def test_only_offers_that_can_be_read_count_as_shown():
    assert paint(BASKET, SHOPPING, ENGLISH, 40, 24, "USD").offers == ("c-1", "c-2")
    assert paint(BASKET, Pose("confirm"), ENGLISH, 40, 24, "USD").offers == ()


def test_the_price_age_mark_says_how_old_and_only_when_it_matters():
    def mark(age_s: int, *, newest: bool = False, version: int = 7, progress: float | None = None, confirmed: bool = True) -> str:
        now = 10**12
        return price_mark(
            ENGLISH, version=version, confirmed_at=now - age_s * 1000 if confirmed else 0, now=now, is_newest=newest, limit_s=600,
            progress=progress,
        )  # fmt: skip

    assert mark(0, version=0) == "prices not here yet"
    assert mark(0, version=0, progress=0.4) == "prices arriving, 40 %"
    assert mark(599) == mark(10**6, newest=True) == ""
    assert mark(3 * 3600 + 5) == "prices 3 h old"
    assert mark(0, confirmed=False) == "prices not confirmed yet"
    # The clock was three days ahead when they were confirmed, and was set right since; a few seconds are no news.
    assert mark(-3 * 86_400) == "prices not confirmed yet"
    assert mark(-5) == mark(-3 * 86_400, newest=True) == ""


@pytest.mark.parametrize(
    ("seconds", "age"), [(0, "1 min"), (240, "4 min"), (3600, "1 h"), (47 * 3600, "47 h"), (48 * 3600, "2 days")]
)
def test_ages_are_said_as_people_say_them(seconds: int, age: str):
    assert spell_age(ENGLISH, seconds * 1000) == age


def test_every_figure_is_drawn_three_rows_tall_and_no_two_alike():
    drawn = {figure: digit.draw(figure) for figure in "0123456789"}
    assert {len(rows) for rows in drawn.values()} == {digit.ROWS}
    assert len(set(drawn.values())) == 10
    assert len({len(row) for row in digit.draw("-1,234.50")}) == 1
