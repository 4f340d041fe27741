"""best_basket against a brute-force oracle that tries every sequence of every choice, without a bound and without a thought."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations, permutations
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from panier.mechanic import BuyXGetY, FreeGift, NForPrice, PerCompleteGroup, PointsEarn, Target
from panier.pricing import BasketLine, PricedBasket, Settings, Shopper, compile_promotions, price
from panier.pricing.assign import FEW as FREELY
from panier.pricing.assign import assignments
from panier.pricing.effect import grouped, picks_units, propose
from panier.pricing.ledger import Chosen, Effect, Ledger
from panier.pricing.reach import Reach
from panier.pricing.rule import Rule
from panier.promotion import Promotion, parse_promotion

SHOPPER = Shopper(points=700)
SKUS = ["a", "b", "c"]


def amounts(most: int = 900) -> st.SearchStrategy[str]:
    return st.integers(1, most).map(lambda minor: f"{minor / 100:.2f}")


TARGETS = st.one_of(
    st.just({"all": True}),
    st.lists(st.sampled_from(SKUS), min_size=1, max_size=2, unique=True).map(lambda skus: {"skus": skus}),
    st.sampled_from(["x", "y"]).map(lambda category: {"categories": [category]}),
)
PERCENTS = st.sampled_from(["5", "12.5", "33", "50", "100"])
FEW = st.integers(1, 3)


def kind(name: str, optional: dict[str, Any] | None = None, **needed: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"kind": st.just(name), **needed}, optional=optional or {})


MECHANICS = st.one_of(
    kind("percent", {"max_units": FEW, "unit_order": st.sampled_from(["cheapest", "dearest"])}, percent=PERCENTS),
    kind("amount_per_unit", amount=amounts()),
    kind("amount_per_line", amount=amounts()),
    kind("amount", {"max_units": FEW}, amount=amounts()),
    kind("percent_order", {"max_discount": amounts()}, percent=PERCENTS),
    kind("cheapest_free", {"when": st.just({"min_qty": 2})}),
    kind("n_for_price", n=FEW, price=amounts()),
    kind("per_complete_group", group_size=FEW, amount=amounts()),
    kind("per_complete_group", group_size=FEW, base_percent=PERCENTS, tiers=st.just({"5": "10", "9": "25"})),
    kind("tiered_percent", tiers=st.just({"5": "10", "9": "25"})),
    kind("tiered_amount", {"tier_basis": st.just("qty")}, tiers=st.just({"2": "1.50", "4": "3.30"})),
    kind("first_additional", first=amounts(), additional=amounts()),
    kind("buy_x_get_y", buy=st.fixed_dictionaries({"target": TARGETS, "qty": FEW}),
         get=st.fixed_dictionaries({"target": TARGETS, "qty": FEW, "percent": PERCENTS,
                                    "pick": st.sampled_from(["cheapest", "dearest"])})),
    kind("free_gift", gift=st.just({"sku": "g", "unit_price": "3.00"})),
    kind("points_burn", {"multiple_of": st.sampled_from([1, 100])}, value_per_point=st.just("0.01")),
    kind("points_earn", points_per_currency=st.just("1")),
)  # fmt: skip
COMMON = st.fixed_dictionaries(
    {"target": TARGETS},
    optional={
        "priority": st.integers(-1, 1),
        "max_applications": FEW,
        "exclusive": st.integers(0, 7).map(lambda roll: roll == 0),
        "exclusive_group": st.sampled_from(["g", "h"]),
        "layer": st.integers(0, 3).map(lambda roll: "catalogue" if roll == 0 else "basket"),
        "only_undiscounted": st.booleans(),
        "budget": amounts(500).map(lambda limit: {"type": "spend", "limit": limit}),
        "when": st.one_of(
            st.fixed_dictionaries({"min_amount": amounts(2000), "basis": st.sampled_from(["running", "original"])}),
            st.fixed_dictionaries({"contains": TARGETS}),
        ),
    },
)  # fmt: skip
DEFINITIONS = st.lists(st.builds(lambda mechanic, common: common | mechanic, MECHANICS, COMMON), min_size=1, max_size=3)
LINES = st.lists(
    st.builds(
        BasketLine, st.sampled_from(SKUS), st.sampled_from([99, 150, 300, 333, 1000]), st.integers(1, 3),
        st.sampled_from(["x", "y"]), st.sampled_from([0, 0, 0, 120]), st.sampled_from([None, None, 5_500_000]),
    ),
    min_size=1, max_size=4,
)  # fmt: skip
RECKONING = st.builds(
    Settings, st.sampled_from(["half_up", "down"]), st.sampled_from(["line", "order"]), st.sampled_from(["last", "first"]),
    st.sampled_from(["running", "original"]), st.just("best_basket"),
)  # fmt: skip


def parsed(definitions: list[dict[str, Any]]) -> list[Promotion]:
    return [parse_promotion(definition, "EUR", name=f"p{number:02}") for number, definition in enumerate(definitions)]


def priced(lines: Sequence[BasketLine], promotions: Sequence[Promotion], reckoning: Settings) -> PricedBasket:
    return price(lines, compile_promotions(promotions, currency="EUR", settings=reckoning), SHOPPER)


class Oracle:
    """Every sequence of promotions, times and units, one after the other."""

    def __init__(self, lines: Sequence[BasketLine], promotions: Sequence[Promotion], reckoning: Settings) -> None:
        whole: dict[BasketLine, int] = {}
        for line in lines:
            whole[replace(line, quantity=1)] = whole.get(replace(line, quantity=1), 0) + line.quantity
        taxes = {line: -1 if line.tax_rate is None else line.tax_rate for line in whole}
        place = {line: (line.sku, line.unit_price, line.category, line.min_price, taxes[line]) for line in whole}
        self.lines = [replace(line, quantity=whole[line]) for line in sorted(whole, key=place.__getitem__)]
        rules = compile_promotions(promotions, currency="EUR").books[0].rules
        self.reaches = [self.reach(rule) for rule in rules if not isinstance(rule.promotion.mechanic, FreeGift | PointsEarn)]
        self.ledger = Ledger(self.lines, reckoning, SHOPPER.points)

    def meant(self, target: Target) -> list[int]:
        return [number for number, line in enumerate(self.lines) if target.accepts(line.sku, line.category, line.unit_price)]

    def reach(self, rule: Rule) -> Reach:
        promotion, when, mechanic = rule.promotion, rule.promotion.when, rule.promotion.mechanic
        counted = self.meant(when.target or promotion.target)
        units, gross = (
            sum(self.lines[i].quantity for i in counted),
            sum(self.lines[i].unit_price * self.lines[i].quantity for i in counted),
        )
        is_met = (
            (when.contains is None or bool(self.meant(when.contains)))
            and (when.min_qty is None or units >= when.min_qty)
            and (when.min_amount is None or gross >= when.min_amount)
        )
        is_pair = isinstance(mechanic, BuyXGetY)
        return Reach(
            rule, [] if is_pair else self.meant(promotion.target), self.meant(mechanic.buy) if is_pair else [],
            self.meant(mechanic.get) if is_pair else [],
            counted if when.min_amount is not None and when.basis == "running" else None, units, gross, is_met, 0,
        )  # fmt: skip

    def least(self) -> int:
        return min(self.totals(self.ledger, ()))

    @staticmethod
    def subsets(reach: Reach, ledger: Ledger, times: int) -> Iterator[Chosen]:
        """Of a few units every subset, whatever they cost and whoever picked them."""
        match reach.rule.promotion.mechanic:
            case NForPrice(n=n):
                lines, wanted = reach.lines, n * times
            case PerCompleteGroup() as mechanic:
                lines = [i for i in reach.lines if not reach.rule.promotion.only_undiscounted or i not in ledger.catalogue]
                wanted = grouped(mechanic, reach, ledger, lines)
            case _:
                return
        slices = [ledger.slices(i) if picks_units(reach.rule.promotion.mechanic) else [(ledger.quantity[i], 0, 0)] for i in lines]
        units = [
            (i, index) for i, parts in zip(lines, slices, strict=True) for index, part in enumerate(parts) for _ in range(part[0])
        ]
        if len(units) <= FREELY:
            yield from (dict(Counter(chosen)) for chosen in set(combinations(units, wanted)))

    def totals(self, ledger: Ledger, acted: tuple[Reach, ...]) -> Iterator[int]:
        yield sum(ledger.running) + sum(
            (2 * amount * (line.tax_rate or 0) + 10**8) // (2 * 10**8)
            for amount, line in zip(ledger.running, self.lines, strict=True)
        )
        for reach in self.reaches:
            if self.may_follow(reach, acted):
                for effect in self.effects(reach, ledger):
                    after = ledger.fork()
                    after.commit(effect, is_catalogue=reach.rule.promotion.is_catalogue)
                    yield from self.totals(after, (*acted, reach))

    @staticmethod
    def may_follow(reach: Reach, acted: tuple[Reach, ...]) -> bool:
        own = reach.rule.promotion
        for other in (one.rule.promotion for one in acted):
            if other is own or (own.is_catalogue and not other.is_catalogue):
                return False
            if own.exclusive_group is not None and own.exclusive_group == other.exclusive_group:
                return False
            if own.is_catalogue == other.is_catalogue and (own.exclusive or other.exclusive):
                return False
        return True

    @staticmethod
    def effects(reach: Reach, ledger: Ledger) -> Iterator[Effect]:
        picks = picks_units(reach.rule.promotion.mechanic)
        for is_apart in (False, True) if picks else (False,):
            for times in range(1, (reach.rule.promotion.max_applications or 1) + 1) if picks else (None,):
                way = replace(reach, times=times, is_apart=is_apart)
                for chosen in (None, *Oracle.subsets(way, ledger, times or 1), *assignments(way, ledger, times or 1)):
                    effect = propose(replace(way, chosen=chosen), ledger)
                    if effect is not None:
                        yield effect


@pytest.mark.timeout(600)  # half a minute alone, several on a busy machine
@settings(max_examples=2000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(LINES, DEFINITIONS, RECKONING)
def test_the_total_is_the_lowest_that_any_sequence_of_any_choice_comes_to(
    lines: list[BasketLine], definitions: list[dict[str, Any]], reckoning: Settings
) -> None:
    promotions = parsed(definitions)
    found = priced(lines, promotions, reckoning)
    assert found.proven
    assert found.total == Oracle(lines, promotions, reckoning).least()


@settings(max_examples=300, deadline=None)
@given(LINES, DEFINITIONS, RECKONING)
def test_no_order_of_priorities_is_cheaper_and_what_was_gained_is_over_the_stated_one(
    lines: list[BasketLine], definitions: list[dict[str, Any]], reckoning: Settings
) -> None:
    """Asks the plain engine, from outside."""
    promotions = parsed(definitions)
    found = priced(lines, promotions, reckoning)
    plain = replace(reckoning, selection="priority")
    assert found.gained == priced(lines, promotions, plain).total - found.total >= 0
    for order in permutations(promotions):
        ranked = [replace(promotion, priority=-rank) for rank, promotion in enumerate(order)]
        for count in range(len(ranked) + 1):
            assert found.total <= priced(lines, ranked[:count], plain).total


@settings(max_examples=300, deadline=None)
@given(LINES, DEFINITIONS, DEFINITIONS, RECKONING)
def test_one_more_promotion_never_raises_the_total(
    lines: list[BasketLine], definitions: list[dict[str, Any]], more: list[dict[str, Any]], reckoning: Settings
) -> None:
    before = priced(lines, parsed(definitions), reckoning)
    after = priced(lines, parsed([*definitions, more[0]]), reckoning)
    assert after.total <= before.total


MANY = st.lists(st.builds(lambda mechanic, common: common | mechanic, MECHANICS, COMMON), min_size=5, max_size=9)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(LINES, MANY, RECKONING)
def test_beyond_the_bound_it_is_never_worse_than_by_priority_and_the_same_each_time(
    lines: list[BasketLine], definitions: list[dict[str, Any]], reckoning: Settings
) -> None:
    promotions = parsed([definition | {"exclusive": False} for definition in definitions])
    found = priced(lines, promotions, reckoning)
    assert found.gained == priced(lines, promotions, replace(reckoning, selection="priority")).total - found.total >= 0
    assert found == priced(lines, promotions, reckoning)


def test_a_search_that_ends_at_its_bound_says_that_nothing_is_proven() -> None:
    lines = [BasketLine(sku, 100 + 37 * number, 3, "x") for number, sku in enumerate("abcdef")]
    rivals = [{"kind": "n_for_price", "n": 2, "price": f"1.{number}0", "max_applications": 3, "target": {"categories": ["x"]}}
              for number in range(8)]  # fmt: skip
    found = priced(lines, parsed(rivals), Settings(selection="best_basket"))
    assert not found.proven
    assert found.gained >= 0


ONE_SKU = st.sampled_from(SKUS).map(lambda sku: {"skus": [sku]})
GOODS = st.lists(
    st.builds(
        lambda mechanic, target, common: common | mechanic | {"target": target}, MECHANICS, st.one_of(ONE_SKU, ONE_SKU, TARGETS),
        st.fixed_dictionaries({}, optional={
            "priority": st.integers(-1, 1), "max_applications": st.integers(1, 2), "only_undiscounted": st.booleans(),
            "exclusive_group": st.sampled_from(["g", "h"]), "layer": st.just("catalogue"),
            "when": st.fixed_dictionaries({"min_amount": amounts(1500), "target": TARGETS}),
        }),
    ),
    min_size=2, max_size=4,
)  # fmt: skip
WHOLE = st.lists(
    st.builds(
        lambda mechanic, common: common | mechanic | {"target": {"all": True}},
        st.one_of(
            kind("amount", amount=amounts()), kind("percent_order", {"max_discount": amounts(60)}, percent=PERCENTS),
            kind("percent", percent=PERCENTS), kind("points_burn", value_per_point=st.just("0.01")),
            kind("tiered_amount", tiers=st.just({"4": "1.00", "12": "2.50"})), kind("cheapest_free"),
        ),
        st.fixed_dictionaries({}, optional={
            "priority": st.integers(-1, 1), "layer": st.just("catalogue"), "exclusive_group": st.just("g"),
            "when": st.fixed_dictionaries({"min_amount": amounts(3000)}),
        }),
    ),
    min_size=1, max_size=2,
)  # fmt: skip


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(LINES, GOODS, WHOLE, RECKONING)
def test_with_the_whole_basket_reduced_too_what_is_proven_is_the_lowest_and_nothing_else_is_lower(
    lines: list[BasketLine], goods: list[dict[str, Any]], whole: list[dict[str, Any]], reckoning: Settings
) -> None:
    promotions = parsed([*goods, *whole])
    found = priced(lines, promotions, reckoning)
    least = Oracle(lines, promotions, reckoning).least()
    assert found.total == least if found.proven else found.total >= least


@pytest.mark.parametrize("priority", [-1, 1])
def test_promotions_on_the_whole_basket_are_tried_in_stages(priority: int) -> None:
    """Ten percent of all first, then five amounts: 10.00 less 1.00 less five times 0.50."""
    lines = [BasketLine(sku, 200) for sku in "abcde"]
    amounts = [{"kind": "amount", "amount": "0.50", "target": {"skus": [sku]}} for sku in "abcde"]
    whole = {"kind": "percent_order", "percent": "10", "priority": priority}
    found = priced(lines, parsed([*amounts, whole]), Settings(selection="best_basket"))
    assert (found.discount, found.proven) == (350, True)
    assert found.gained == (25 if priority < 0 else 0)
    more = [*amounts, {"kind": "amount", "amount": "0.50", "target": {"skus": ["f"]}}]
    found = priced([*lines, BasketLine("f", 200)], parsed([*more, whole]), Settings(selection="best_basket"))
    assert (found.discount, found.proven) == (420, True)
    rivals = [{"kind": "percent", "percent": "10", "target": {"skus": ["a"]}},
              {"kind": "n_for_price", "n": 1, "price": "1.00", "target": {"skus": ["a"]}}]  # fmt: skip
    gained = priced(lines, parsed([*rivals, *amounts[1:], whole]), Settings(selection="best_basket")).gained
    assert gained > 0


TENS: list[dict[str, Any]] = [{"kind": "amount", "amount": "0.50", "target": {"skus": [sku]}} for sku in "abcdefgh"]
EIGHT = [BasketLine(sku, 200) for sku in "abcdefgh"]


@pytest.mark.parametrize(
    ("whole", "discount", "proven"),
    [
        ({"kind": "amount", "amount": "5.00", "when": {"min_amount": "12.00"}}, 900, True),
        ({"kind": "amount", "amount": "5.00", "when": {"min_amount": "12.01"}}, 900, True),
        ({"kind": "amount", "amount": "5.00", "when": {"min_amount": "12.01"}, "only_undiscounted": True}, 900, True),
        ({"kind": "percent_order", "percent": "50", "max_discount": "5.00"}, 900, True),
        ({"kind": "percent_order", "percent": "25"}, 800, True),
        ({"kind": "tiered_amount", "tiers": {"12.01": "5.00", "2.00": "1.00"}}, 900, True),
        ({"kind": "percent", "percent": "50", "max_units": 3}, 700, False),
    ],
)
def test_a_bound_proves_what_goods_and_whole_basket_save_together(whole: dict[str, Any], discount: int, proven: bool) -> None:
    """Eight tins at 2.00, each 0.50 off; the threshold is met after that, or only before."""
    found = best(EIGHT, *TENS, whole)
    assert (found.discount, found.proven) == (discount, proven)
    assert sum(line.discount for line in found.lines) == sum(saving.amount for saving in found.savings) == discount


FREE = {"kind": "cheapest_free", "target": {"skus": ["x", "y"]}}


@pytest.mark.parametrize(
    ("cheap", "first", "proven"),
    [
        (BasketLine("x", 150), {}, True),
        (BasketLine("x", 1), {}, False),
        (BasketLine("x", 150, min_price=20), {}, False),
        (BasketLine("x", 150, tax_rate=5_500_000), {}, False),
        (BasketLine("x", 150), {"layer": "catalogue"}, False),
    ],
)
def test_the_cheapest_of_two_stays_the_cheapest_where_all_lines_are_reduced_in_proportion(
    cheap: BasketLine, first: dict[str, Any], proven: bool
) -> None:
    whole = {"kind": "amount", "amount": "1.00", **first}
    found = best([*EIGHT, cheap, BasketLine("y", 300)], *TENS, FREE, whole)
    assert found.discount >= 400 + 100
    assert found.proven == proven


def test_a_percentage_of_the_whole_basket_over_many_percentages_is_not_said_to_be_proven() -> None:
    tens = [{"kind": "percent", "percent": "7", "target": {"skus": [sku]}} for sku in "abcdefgh"]
    found = best([BasketLine(sku, 199) for sku in "abcdefgh"], *tens, {"kind": "percent_order", "percent": "3"})
    assert (found.discount, found.proven) == (8 * 14 + 44, False)


def test_tax_on_top_counts_in_what_is_lowest() -> None:
    """Either promotion gives 1.00, and the group allows one: off the line with the tax it saves more."""
    lines = [BasketLine("a", 200), BasketLine("b", 200, tax_rate=20_000_000)]
    either = [{"kind": "amount", "amount": "1.00", "target": {"skus": [sku]}, "exclusive_group": "g"} for sku in "ab"]
    found = priced(lines, parsed(either), Settings(selection="best_basket"))
    assert (found.applied, found.total, found.gained) == (("p01",), 320, 20)


def best(lines: Sequence[BasketLine], *definitions: dict[str, Any]) -> PricedBasket:
    return priced(lines, parsed(list(definitions)), Settings(selection="best_basket"))


def test_percentages_that_overlap_are_proven_without_trying_all_their_orders() -> None:
    """Twelve promotions have 479 million orders; on each line only the order of unequal percentages can move a cent."""
    lines = [BasketLine(sku, 199 + 37 * number, 1 + number % 3) for number, sku in enumerate("abcdef")]
    overlapping = [
        {"kind": "percent", "percent": percent, "target": {"skus": [*skus]}}
        for percent, skus in zip(
            ("20", "25", "20", "15", "20", "20") * 2, ("abc", "bcd", "cde", "def", "efa", "fab") * 2, strict=True
        )
    ]
    found = best(lines, *overlapping)
    assert found.proven
    by_priority = priced(lines, parsed(overlapping), Settings())
    assert found.gained == by_priority.total - found.total >= 0


def test_more_different_cuts_of_one_line_than_are_followed_through_still_give_the_lowest_total() -> None:
    lines = [BasketLine("a", 777, 3)]
    cuts: list[dict[str, Any]] = [{"kind": "percent", "percent": percent} for percent in ("7", "11", "13", "17", "19")]
    cuts.append({"kind": "tiered_percent", "tier_basis": "qty", "tiers": {"3": "23"}})
    promotions = parsed(cuts)
    found = priced(lines, promotions, Settings(selection="best_basket"))
    assert found.total == min(
        priced(lines, [replace(one, priority=-rank) for rank, one in enumerate(order)], Settings()).total
        for order in permutations(promotions)
    )


PAIR: dict[str, Any] = {"kind": "n_for_price", "n": 2, "price": "5.50"}
ANY: dict[str, Any] = {"target": {"all": True}, "qty": 1}
ONE_FREE: dict[str, Any] = {"kind": "buy_x_get_y", "buy": ANY, "get": ANY | {"percent": "100"}}


@pytest.mark.parametrize(
    ("prices", "definition", "total"),
    [
        ([500, 400, 100], PAIR, 650),
        ([500, 400, 100, 100, 100, 100], PAIR, 950),
        ([1000, 600], ONE_FREE | {"get": {"target": {"skus": ["s0"]}, "qty": 1, "percent": "100"}}, 600),
        ([1000, 600], ONE_FREE, 1000),
        ([1000, 600], ONE_FREE | {"get": ANY | {"percent": "100", "pick": "cheapest"}}, 1000),
        ([35, 1337, 1337], {"kind": "per_complete_group", "group_size": 2, "percent": "25"}, 2041),
        ([35, 35, 35, 35, 35, 1337, 1337], {"kind": "per_complete_group", "group_size": 2, "amount": "1.00"}, 2509),
    ],
)
def test_units_are_assigned_to_the_shopper_s_best_whatever_they_are_called(
    prices: list[int], definition: dict[str, Any], total: int
) -> None:
    found = best([BasketLine(f"s{number}", amount) for number, amount in enumerate(prices)], definition)
    assert (found.total, found.proven) == (total, True)


def test_of_equal_priority_the_order_of_the_list_changes_nothing() -> None:
    lines = [BasketLine(sku, 100 + 37 * number, 3, "x") for number, sku in enumerate("abcdef")]
    rivals = parsed([{"kind": "n_for_price", "n": 2, "price": f"1.{number}0"} for number in range(8)])
    reckoning = Settings(selection="best_basket")
    assert priced(lines, rivals, reckoning) == priced(lines, rivals[::-1], reckoning)
