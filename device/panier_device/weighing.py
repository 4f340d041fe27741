"""Weighing at the terminal: which weights may be sold, and how one product waits for its own."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from typing import Literal, Protocol

from panier.weighed import Weighing
from panier_device.decision import Unweighed
from panier_device.driver.scale.port import (
    Question,
    Scale,
    ScaleRefused,
    ScaleRepeated,
    ScaleTooLight,
    ScaleUnstable,
    ScaleWeight,
)
from panier_device.situation import OnScale, Situation
from panier_device.tally import Tally
from panier_io.log import logger

LOOK_S, AGAIN_S = 0.2, 0.5
"""Between two looks at the scale; and after it failed, so that what it says too late passes for no answer."""

TareBy = Literal["subtracted", "sent", "at_scale"]


class WeightRule:
    """The one place that says which weight may be sold.

    It is stable, at least what the scale may weigh for a sale (`least`, in grams), and not the one that was sold last: since
    then the scale was empty, or shows another by as much as `least`, below which no change is another bag. Where nothing in the
    answer proves it, two in a row say the same.
    """

    def __init__(self, least: int) -> None:
        self.least = least
        self._before: int | None = None
        self._sold: int | None = None

    def judge(self, weight: ScaleWeight) -> None:
        """Lets a weight pass that may be sold. Raises ScaleTooLight, ScaleRepeated and ScaleUnstable."""
        if weight.grams < self.least:
            raise ScaleTooLight(weight.grams)
        if self._sold is not None and abs(weight.grams - self._sold) < self.least:
            raise ScaleRepeated
        if not weight.is_checked and weight.grams != self._before:
            self._before = weight.grams
            raise ScaleUnstable(weight.grams)

    def missed(self, refused: ScaleRefused) -> None:
        """No weight to sell this time; where next to nothing lies there, what was sold has been taken off."""
        if isinstance(refused, ScaleTooLight):
            self._sold = None
        if not (isinstance(refused, ScaleUnstable) and refused.grams == self._before):
            self._before = None

    def sold(self, weight: ScaleWeight) -> None:
        """This one is in the basket."""
        self._sold, self._before = weight.grams, None

    def saw(self, weight: ScaleWeight) -> None:
        """Nobody wants to buy this one; but where next to nothing lies there, what was sold has been taken off."""
        if weight.grams < self.least:
            self._sold = None

    @property
    def is_clear(self) -> bool:
        """True where no weight is barred by the last sale."""
        return self._sold is None


class Basket(Protocol):
    """Where what was weighed goes: the agent."""

    now: Situation

    @property
    def currency(self) -> str:
        """That of the prices."""
        ...

    def show_scale(self, on_scale: OnScale | None) -> None:
        """Says what the scale shows, or that nothing is weighed any more."""
        ...

    def add_weighed(self, item: Unweighed, weighing: Weighing) -> bool:
        """Adds it; False where the disk refuses."""
        ...


class WeighStation:
    """Weighs one product at a time, for as long as the basket shows it; nothing is written down before its weight is there.

    `tare` in grams is that of the shop's bag, for products that state none; `tare_by` says who takes it off.
    """

    def __init__(self, scale: Scale, basket: Basket, tally: Tally, *, least: int, tare: int = 0, tare_by: TareBy) -> None:
        self.scale = scale
        self.rule = WeightRule(least)
        self._basket = basket
        self._tally = tally
        self._tare = tare
        self._tare_by: TareBy = tare_by
        self._item: Unweighed | None = None
        self._shown: OnScale | None = None
        self._wake = asyncio.Event()
        self._log = logger("scale").bind(port=scale.name)
        self._failing = ""

    def begin(self, item: Unweighed) -> None:
        """Asks for this product on the scale, in place of whatever was asked before."""
        product = item.product
        tare = 0 if self._tare_by == "at_scale" else product.tare or self._tare
        self._item = item
        currency = self._basket.currency
        self._show(OnScale(name=product.name, price_per_kg=product.unit_price, currency=currency, tare=tare, said="scale_put"))
        self._wake.set()

    def again(self) -> None:
        """The shopper wants the next look now."""
        self._wake.set()

    async def run(self) -> None:
        """Weighs whatever is asked for, until cancelled."""
        while True:
            if self._item is not None and self._is_wanted:
                await self._weigh(self._item)
            else:
                await self._wake.wait()
                self._wake.clear()

    @property
    def _is_wanted(self) -> bool:
        return self._shown is not None and self._basket.now.weighing is self._shown

    async def _weigh(self, item: Unweighed) -> None:
        while item is self._item and self._is_wanted:
            assert self._shown is not None
            tare = self._shown.tare
            question = Question(item.product.unit_price, tare if self._tare_by == "sent" else 0)
            try:
                weight = await self.scale.weigh(question)
                weighing = self._weighing(item, weight, tare)
                self.rule.judge(weight)
            except ScaleRefused as refused:
                self._note(refused)
                if item is self._item and self._is_wanted:
                    self._show(self._said(self._shown, refused))
                    await self._rest(AGAIN_S if refused.is_failure else LOOK_S)
                continue
            self._tally.scale_answers.labels("weight").inc()
            self._failing = ""
            if item is self._item and self._is_wanted:
                self._item = None
                if self._basket.add_weighed(item, weighing):
                    self.rule.sold(weight)
                    await self._watch()

    async def _watch(self) -> None:
        """Sees what was sold leave the scale, so that the next bag may weigh the same.

        Not where the scale is told prices: it bars a load by itself, and would count what nobody asked for as sold.
        """
        while self._tare_by != "sent" and self._item is None and not self.rule.is_clear:
            pause = LOOK_S
            try:
                self.rule.saw(await self.scale.weigh(Question()))
                self._failing = ""
            except ScaleRefused as refused:
                self._note(refused)
                pause = AGAIN_S if refused.is_failure else LOOK_S
            await self._rest(pause)

    def _weighing(self, item: Unweighed, weight: ScaleWeight, tare: int) -> Weighing:
        """Net and tare of this weight. Raises ScaleTooLight where the packing is all there is."""
        gross = weight.grams + tare if self._tare_by == "sent" else weight.grams
        if gross <= tare:
            raise ScaleTooLight(weight.grams)
        return Weighing(grams=gross, price_per_kg=item.product.unit_price, tare=tare)

    def _said(self, shown: OnScale, refused: ScaleRefused) -> OnScale:
        grams = getattr(refused, "grams", None)
        said = "scale_put" if isinstance(refused, ScaleTooLight) and not grams else refused.code
        net = None if grams is None else grams if self._tare_by == "sent" else grams - shown.tare
        return replace(shown, said=said, grams=net, is_failing=refused.is_failure)

    def _note(self, refused: ScaleRefused) -> None:
        self.rule.missed(refused)
        self._tally.scale_answers.labels(refused.code.removeprefix("scale_")).inc()
        # Once a reason, not five times a second for as long as the scale is switched off.
        if refused.is_failure and refused.code != self._failing:
            self._log.warning("scale_failed", reason=str(refused))
        self._failing = refused.code if refused.is_failure else ""

    async def _rest(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        self._wake.clear()

    def _show(self, on_scale: OnScale) -> None:
        if on_scale != self._shown or not self._is_wanted:
            self._shown = on_scale
            self._basket.show_scale(on_scale)
