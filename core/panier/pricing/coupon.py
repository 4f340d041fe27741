"""What a coupon brings, told when it is scanned: accepted with what it saves now, or refused with what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from panier.pricing.basket import BasketLine, NearMiss, Shopper
from panier.pricing.gate import admits, read_clock
from panier.pricing.pricer import Pricer
from panier.pricing.rule import PromotionSet, compile_promotions
from panier.promotion import Promotion

Refusal = Literal["unknown", "already_shown", "not_now", "not_this_member", "used_up", "lacks_goods", "another_saves_more"]


@dataclass(frozen=True, slots=True)
class CouponAnswer:
    """`saving` is what the basket costs less with the coupon, in minor units; above 0 it is accepted.

    Refused, `reason` says why and `lacking` what the basket would have to hold, where it is near.
    """

    code: str
    saving: int
    reason: Refusal | None = None
    lacking: NearMiss | None = None


def answer_coupon(lines: Sequence[BasketLine], promotions: PromotionSet, shopper: Shopper, code: str) -> CouponAnswer:
    """What the coupon `code` brings to this basket as it now is; what it brings in the end never depends on when it was shown."""
    mine = [rule.promotion for book in promotions.books for rule in book.rules if rule.promotion.coupon == code]
    if not mine:
        return CouponAnswer(code, 0, "unknown")
    if code in shopper.coupons:
        return CouponAnswer(code, 0, "already_shown")
    shown = replace(shopper, coupons=shopper.coupons | {code})
    reasons: list[Refusal | None] = [_shut(promotion, shown) for promotion in mine]
    if all(reason is not None for reason in reasons):
        return CouponAnswer(code, 0, reasons[0])
    names = {promotion.id for promotion in mine}
    pricer = Pricer(promotions)
    before = pricer.price(lines, shopper)
    after = pricer.price(lines, shown, prompts=len(promotions))
    saving = before.total - after.total
    if saving > 0 or names & set(after.applied):
        return CouponAnswer(code, saving)
    alone = compile_promotions(mine, currency=promotions.currency, settings=promotions.settings)
    would = Pricer(alone).price(lines, shown, prompts=len(mine))
    # Among many near misses the coupon's own may not be looked at; alone, it is.
    lacking = next((miss for miss in (*after.near_misses, *would.near_misses) if miss.promotion in names), None)
    reason: Refusal = "another_saves_more" if would.applied else "lacks_goods"
    return CouponAnswer(code, 0, reason, lacking)


def _shut(promotion: Promotion, shopper: Shopper) -> Refusal | None:
    """Why this shopper cannot have it whatever the basket holds."""
    if admits(promotion, shopper, read_clock(shopper)):
        return None
    timeless = replace(promotion, valid_from=None, valid_to=None, schedule=None)
    if admits(timeless, shopper, None):
        return "not_now"
    if admits(replace(timeless, per_member_limit=None), shopper, None):
        return "used_up"
    return "not_this_member"
