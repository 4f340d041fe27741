"""Laws of pricing that hold for any basket and any promotions."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from panier.money import format_minor
from panier.pricing import BasketLine, PricedBasket, Pricer, PromotionSet, Settings, Shopper, compile_promotions, price
from panier.pricing.spread import spread
from panier.promotion import Promotion, parse_promotion

SKUS = ["a", "b", "c", "d"]
CATEGORIES = ["x", "y", ""]


def amounts(least: int = 0, most: int = 3000) -> st.SearchStrategy[str]:
    return st.integers(least, most).map(lambda minor: format_minor(minor, "EUR"))


def counts(most: int = 4) -> st.SearchStrategy[int]:
    return st.integers(1, most)


PERCENTS = st.integers(0, 200).map(lambda half: str(half / 2))
TARGETS = st.one_of(
    st.just({"all": True}),
    st.lists(st.sampled_from(SKUS), min_size=1, max_size=3).map(lambda skus: {"skus": skus}),
    st.sampled_from(CATEGORIES[:2]).map(lambda category: {"categories": [category]}),
    amounts().map(lambda amount: {"price_min": amount}),
)


def kind(
    name: str, optional: dict[str, st.SearchStrategy[Any]] | None = None, **needed: Any
) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"kind": st.just(name), **needed}, optional=optional or {})


PICKS = st.sampled_from(["cheapest", "most_expensive"])
MECHANICS = st.one_of(
    kind("percent", {"max_units": counts(), "max_units_per_line": counts(), "unit_order": PICKS}, percent=PERCENTS),
    kind("amount_per_unit", {"max_units_per_line": counts()}, amount=amounts()),
    kind("amount_per_line", {"max_units_per_line": counts()}, amount=amounts()),
    kind("amount", {"max_units": counts()}, amount=amounts()),
    kind("percent_order", {"max_discount": amounts()}, percent=PERCENTS),
    kind("cheapest_free"),
    kind("n_for_price", n=counts(), price=amounts()),
    kind("per_complete_group", group_size=counts(), amount=amounts()),
    kind("per_complete_group", group_size=counts(), base_percent=PERCENTS, tiers=st.just({"20": "30"})),
    kind("tiered_percent", tiers=st.just({"10": "10", "20": "25"})),
    kind("tiered_amount", {"tier_basis": st.just("qty")}, tiers=st.just({"2": "3", "4": "7"})),
    kind("first_additional", {"max_units": counts()}, first=amounts(), additional=amounts()),
    kind("buy_x_get_y", buy=st.fixed_dictionaries({"target": TARGETS, "qty": counts(3)}),
         get=st.fixed_dictionaries({"target": TARGETS, "qty": counts(3), "percent": PERCENTS, "pick": PICKS,
                                    "all_or_nothing": st.booleans()})),
    kind("free_gift", {"per": st.fixed_dictionaries({"qty": counts()})},
         gift=st.fixed_dictionaries({"sku": st.just("a"), "unit_price": amounts()})),
    kind("points_earn", points_per_currency=st.just("1.5")),
    kind("points_burn", {"multiple_of": counts(50)}, value_per_point=st.just("0.013")),
)  # fmt: skip
COMMON = st.fixed_dictionaries(
    {},
    optional={
        "target": TARGETS,
        "priority": st.integers(-2, 2),
        "max_applications": counts(),
        "exclusive": st.integers(0, 9).map(lambda roll: roll == 0),
        "exclusive_group": st.sampled_from(["g", "h"]),
        "layer": st.just("catalogue"),
        "only_undiscounted": st.booleans(),
        "segment": st.sampled_from(["s", "t"]),
        "coupon": st.sampled_from(["C", "D"]),
        "budget": amounts(1, 1000).map(lambda limit: {"type": "spend", "limit": limit}),
        "when": st.one_of(
            st.fixed_dictionaries(
                {"min_qty": st.integers(0, 4)}, optional={"min_amount": amounts(), "target": TARGETS, "contains": TARGETS}
            ),
            st.fixed_dictionaries(
                {"min_amount": amounts()}, optional={"basis": st.sampled_from(["original", "running"]), "target": TARGETS}
            ),
            st.fixed_dictionaries({"contains": TARGETS}),
        ),
    },
)  # fmt: skip
DEFINITIONS = st.lists(st.builds(lambda mechanic, common: mechanic | common, MECHANICS, COMMON), max_size=6)
LINES = st.lists(
    st.builds(
        BasketLine,
        st.sampled_from(SKUS), st.integers(0, 2500), st.integers(1, 5), st.sampled_from(CATEGORIES),
        st.sampled_from([0, 0, 0, 99, 800]), st.sampled_from([None, 0, 5_500_000]),
    ),
    max_size=7,
)  # fmt: skip
SETTINGS = st.builds(
    Settings,
    st.sampled_from(["half_up", "down"]), st.sampled_from(["line", "order"]), st.sampled_from(["last", "first"]),
    st.sampled_from(["running", "original"]), st.sampled_from(["priority", "best_single", "best_basket"]),
)  # fmt: skip
SHOPPER = Shopper(segments=frozenset({"s"}), coupons=frozenset({"C"}), points=700)


def promotions(definitions: list[dict[str, Any]], prefix: str = "p") -> list[Promotion]:
    return [parse_promotion(definition, "EUR", name=f"{prefix}{number}") for number, definition in enumerate(definitions)]


def compiled(definitions: list[dict[str, Any]], settings: Settings | None = None) -> PromotionSet:
    return compile_promotions(promotions(definitions), currency="EUR", settings=settings)


def content(priced: PricedBasket) -> tuple[PricedBasket, Counter[Any]]:
    """A result without the order of its lines."""
    return replace(priced, lines=()), Counter(priced.lines)


@given(LINES, DEFINITIONS, SETTINGS, st.randoms(use_true_random=False))
def test_the_result_depends_neither_on_the_order_of_scans_nor_on_their_batches(
    lines: list[BasketLine], definitions: list[dict[str, Any]], settings: Settings, chance: Any
) -> None:
    scans = [replace(line, quantity=1) for line in lines for _ in range(line.quantity)]
    chance.shuffle(scans)
    shelf = compiled(definitions, settings)
    assert content(price(scans, shelf, SHOPPER)) == content(price(lines, shelf, SHOPPER))


@given(LINES, DEFINITIONS, SETTINGS)
def test_discounts_sum_to_the_cent_and_no_line_goes_below_its_floor(
    lines: list[BasketLine], definitions: list[dict[str, Any]], settings: Settings
) -> None:
    priced = price(lines, compiled(definitions, settings), SHOPPER)
    assert priced.gross == sum(line.unit_price * line.quantity for line in lines) + sum(
        line.gross for line in priced.lines if line.is_gift
    )
    assert 0 <= priced.discount <= priced.gross
    assert priced.total == priced.gross - priced.discount + (priced.tax or 0)
    assert priced.discount == sum(line.discount for line in priced.lines) == sum(saving.amount for saving in priced.savings)
    assert 0 <= priced.points_burned <= SHOPPER.points
    floors = Counter[str]()
    for line in lines:
        floors[line.sku] += min(line.unit_price, line.min_price) * line.quantity
    nets = Counter[str]()
    for line in priced.lines:
        assert line.discount == sum(explanation.amount for explanation in line.explanations)
        assert all(explanation.amount >= 0 for explanation in line.explanations)
        assert 0 <= line.discount <= line.gross
        nets[line.sku] += line.gross - line.discount
    assert all(nets[sku] >= floors[sku] for sku in floors)


CHANGES = st.lists(st.tuples(LINES.map(lambda lines: lines[:2]), st.integers(0, 9), st.booleans()), max_size=5)


@given(LINES, DEFINITIONS, SETTINGS, CHANGES)
def test_pricing_after_each_change_equals_pricing_from_nothing(
    lines: list[BasketLine],
    definitions: list[dict[str, Any]],
    settings: Settings,
    changes: list[tuple[list[BasketLine], int, bool]],
) -> None:
    shelf = compiled(definitions, settings)
    pricer = Pricer(shelf)
    basket = list(lines)
    for added, place, is_guest in changes:
        shopper = replace(SHOPPER, coupons=frozenset()) if is_guest else SHOPPER
        assert pricer.price(basket, shopper, prompts=2) == price(basket, shelf, shopper, prompts=2)
        if place < len(basket):
            gone = basket.pop(place)
            if gone.quantity > 1:
                basket.insert(place, replace(gone, quantity=gone.quantity - 1))
        basket += added
    assert pricer.price(basket, SHOPPER) == price(basket, shelf, SHOPPER)


@given(LINES, DEFINITIONS, SETTINGS)
def test_the_index_leaves_out_nothing_that_could_act(
    lines: list[BasketLine], definitions: list[dict[str, Any]], settings: Settings
) -> None:
    shelf = compiled(definitions, settings)
    book = shelf.books[0]
    all_of_them = replace(shelf, books=(replace(book, always=tuple(range(len(book.rules)))),))
    assert price(lines, shelf, SHOPPER) == price(lines, all_of_them, SHOPPER)


@given(LINES, DEFINITIONS, DEFINITIONS, SETTINGS)
def test_offers_beside_the_shelf_price_as_if_all_were_compiled_together(
    lines: list[BasketLine], first: list[dict[str, Any]], second: list[dict[str, Any]], settings: Settings
) -> None:
    shelf, offers = promotions(first), promotions(second, "q")  # in order of ids too, as the best basket takes equal ones
    apart = compile_promotions(shelf, currency="EUR", settings=settings).with_more(compile_promotions(offers, currency="EUR"))
    together = compile_promotions(shelf + offers, currency="EUR", settings=settings)
    assert len(apart) == len(together)
    assert price(lines, apart, SHOPPER) == price(lines, together, SHOPPER)


@given(LINES, DEFINITIONS, SETTINGS)
def test_a_near_miss_keeps_its_promise(lines: list[BasketLine], definitions: list[dict[str, Any]], settings: Settings) -> None:
    shelf = compiled(definitions, settings)
    priced = price(lines, shelf, SHOPPER, prompts=3)
    assert len(priced.near_misses) <= 3
    savings = [miss.saving for miss in priced.near_misses]
    assert savings == sorted(savings, reverse=True)
    for miss in priced.near_misses:
        assert miss.saving > 0
        assert bool(miss.quantity) != bool(miss.amount)
        more = [[*lines, replace(line, quantity=miss.quantity)] for line in lines if miss.quantity and line.sku == miss.sku]
        saved = [price(basket, shelf, SHOPPER).discount - priced.discount for basket in more]
        assert not saved or max(saved) >= miss.saving
    assert replace(priced, near_misses=()) == price(lines, shelf, SHOPPER)


@given(LINES, DEFINITIONS, SETTINGS)
def test_units_and_amounts_stay_whole_whatever_acts_on_them(
    lines: list[BasketLine], definitions: list[dict[str, Any]], settings: Settings
) -> None:
    pricer = Pricer(compiled(definitions, settings))
    pricer.price(lines, SHOPPER)
    for component in pricer._in_order():
        ledger = component.ledger
        for number, units in enumerate(ledger.quantity):
            slices = ledger.slices(number)
            assert sum(count for count, _, _ in slices) == units
            assert sum(amount for _, amount, _ in slices) == ledger.running[number]
            assert all(count > 0 and amount >= 0 for count, amount, _ in slices)


WEIGHTED = st.lists(st.tuples(st.integers(1, 10_000), st.integers(0, 10_000)), max_size=8)


@given(st.integers(0, 50_000), WEIGHTED, st.booleans())
def test_a_spread_amount_arrives_whole_within_caps_and_a_cent_of_its_proportion(
    amount: int, weighted: list[tuple[int, int]], from_first: bool
) -> None:
    weights, caps = [weight for weight, _ in weighted], [min(weighted_) for weighted_ in weighted]
    shares = spread(amount, weights, caps, from_first=from_first)
    assert sum(shares) == min(amount, sum(caps))
    assert all(0 <= share <= cap for share, cap in zip(shares, caps, strict=True))
    below = [(share, weight) for share, weight, cap in zip(shares, weights, caps, strict=True) if share < cap]
    assert all(abs(one * weight - other * own) <= own + weight for one, own in below for other, weight in below)
