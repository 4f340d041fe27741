"""Whether promotions that can be read make sense in a store: each by itself, and gifts together."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet

from panier.definition import PromotionInvalid
from panier.mechanic import BuyXGetY, FreeGift, Target
from panier.promotion import Promotion

_DAY_MS = 86_400_000
_THURSDAY = 4
"""1 January 1970 was one."""


class Sense:
    """Takes promotions one after the other and refuses what can be read but not be meant.

    Refused are a contradiction, a gift that earns itself, and a gift that closes a ring with gifts taken before: A earns B, B
    earns A. Who comes later is refused, so that a new promotion never ends one that runs.
    """

    def __init__(self) -> None:
        self._gifts: dict[str, list[tuple[str, str]]] = {}
        """What earns a gift → the gift, and by which promotion."""
        self._names: set[str] = set()

    def take_named(self, promotion: Promotion) -> None:
        """Takes one of a list, where each has a name of its own: two of one name would count twice. Raises PromotionInvalid."""
        if promotion.id in self._names:
            raise PromotionInvalid(
                promotion.id, "id", f"{promotion.id!r} is used twice, and the first one stands; give it another id"
            )
        self.take(promotion)
        self._names.add(promotion.id)

    def take(self, promotion: Promotion) -> None:
        """Raises PromotionInvalid."""
        if promotion.is_catalogue and promotion.only_undiscounted:
            reason = "contradicts layer catalogue, which is such a discount itself"
            raise PromotionInvalid(promotion.id, "only_undiscounted", reason)
        _check_hours(promotion)
        mechanic = promotion.mechanic
        if isinstance(mechanic, FreeGift) and mechanic.per is not None and mechanic.per.skus is not None:
            self._take_gift(promotion.id, mechanic.sku, mechanic.per.skus)

    def _take_gift(self, promotion: str, gift: str, earned_by: AbstractSet[str]) -> None:
        if gift in earned_by:
            raise PromotionInvalid(promotion, "gift.sku", f"{gift} earns itself as a gift, again and again")
        came: dict[str, tuple[str, str] | None] = {gift: None}
        ahead = [gift]
        while ahead:
            sku = ahead.pop()
            for earned, through in self._gifts.get(sku, ()):
                if earned in earned_by:
                    ring = ", ".join(_way(came, sku, (earned, through)))
                    raise PromotionInvalid(promotion, "gift.sku", f"closes a ring of gifts that earn each other: {ring}")
                if earned not in came:
                    came[earned] = (sku, through)
                    ahead.append(earned)
        for sku in earned_by:
            self._gifts.setdefault(sku, []).append((gift, promotion))


def _way(came: Mapping[str, tuple[str, str] | None], sku: str, last: tuple[str, str]) -> list[str]:
    """The steps of a ring in words, from the new gift to what earns it."""
    steps = [f"{sku} earns {last[0]} by {last[1]}"]
    while (before := came[sku]) is not None:
        steps.insert(0, f"{before[0]} earns {sku} by {before[1]}")
        sku = before[0]
    return steps


def _check_hours(promotion: Promotion) -> None:
    """Refuses weekdays none of which lies between the promotion's two ends."""
    start, end, schedule = promotion.valid_from, promotion.valid_to, promotion.schedule
    if start is None or end is None or schedule is None:
        return
    # A moment in UTC may be a day more or less on the store's clock.
    first = start.at // _DAY_MS - (not start.local)
    last = end.at // _DAY_MS + (not end.local)
    days = {(day + _THURSDAY - 1) % 7 + 1 for day in range(first, min(last, first + 6) + 1)}
    if not days & schedule.weekdays:
        raise PromotionInvalid(promotion.id, "schedule.weekdays", "none of these days lies between valid_from and valid_to")


def check_sold(promotion: Promotion, sold: Container[str], hint: Callable[[str], str] = lambda sku: "") -> None:
    """Refuses a target that names an SKU that is not sold; `hint` adds what may have been meant. Raises PromotionInvalid.

    A gift need not be on sale: many are made for the promotion.
    """
    for field, target in targets(promotion):
        strange = sorted(sku for sku in target.skus or () if sku not in sold)
        if strange:
            more = f", nor are {len(strange) - 1} others that it names" if len(strange) > 1 else ""
            raise PromotionInvalid(promotion.id, f"{field}.skus", f"{strange[0]} is not sold here{more}{hint(strange[0])}")


def separate(promotions: Iterable[Promotion]) -> tuple[list[Promotion], list[PromotionInvalid]]:
    """Those that make sense, and why each of the others does not."""
    sense = Sense()
    kept: list[Promotion] = []
    refused: list[PromotionInvalid] = []
    for promotion in promotions:
        try:
            sense.take_named(promotion)
            kept.append(promotion)
        except PromotionInvalid as error:
            refused.append(error)
    return kept, refused


def targets(promotion: Promotion) -> Iterator[tuple[str, Target]]:
    """Every target that decides what a promotion does, with its field."""
    mechanic, when = promotion.mechanic, promotion.when
    if isinstance(mechanic, BuyXGetY):
        yield "buy.target", mechanic.buy
        yield "get.target", mechanic.get
    elif isinstance(mechanic, FreeGift) and mechanic.per is not None:
        yield "per", mechanic.per
    yield "target", promotion.target
    if when.target is not None:
        yield "when.target", when.target
    if when.contains is not None:
        yield "when.contains", when.contains
