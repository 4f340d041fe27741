"""`panier bench pricing --sample`: every real basket of the sample's year once more, with its household's offers of that day."""

from __future__ import annotations

import atexit
import gc
import multiprocessing
import os
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from rich.box import SIMPLE_HEAD
from rich.console import RenderableType
from rich.table import Table

from panier.member import EVERY_MEMBER
from panier.money import format_minor
from panier.offer import Offer
from panier.pricing import BasketLine, Pricer, PromotionSet, Shopper
from panier.till import compile_definitions, compile_offers
from panier_simulators.sample.numbering import member_id
from panier_simulators.sample.shop import CURRENCY, SampleShop, SampleTrip, open_sample

CHUNK = 1_000
"""Baskets that a process is given at a time."""


class Repriced(NamedTuple):
    """What one basket came to; money in minor units, `us` of a processor, `offers` how many campaigns its capsule held."""

    offers: int
    lines: int
    gross: int
    discount: int
    gained: int
    proven: bool
    us: float


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign with the days on which it ran and the members whom it was sent to."""

    offer: Offer
    first_day: date
    last_day: date
    members: frozenset[str]


class Resale:
    """The sample's shop as a till knows it: prices, public promotions, and who was offered what on which day."""

    def __init__(self, shop: SampleShop) -> None:
        self._goods = {
            product.sku: BasketLine(product.sku, product.unit_price, 1, product.category) for product in shop.products()
        }
        self.shelf, refused = compile_definitions({str(one["id"]): one for one in shop.promotions()}, CURRENCY)
        self._segments = {member.member: frozenset({EVERY_MEMBER, *member.segments}) for member in shop.members()}
        self._campaigns = [
            Campaign(
                Offer(
                    offer=one.record.campaign, revision=one.record.revision, title=one.record.title, reason=one.record.reason,
                    promotion=one.record.promotion,
                ),
                one.first_day, one.last_day, frozenset(one.record.members or ()),
            )
            for one in shop.campaigns()
        ]  # fmt: skip
        self._with = cache(self._compile)
        assert not refused

    def price(self, trip: SampleTrip) -> Repriced:
        """Prices one trip as the store would have: by best_basket, which also says what priority alone would have saved."""
        member, day = member_id(trip.household), trip.at.date()
        # Whom the gateway's capsule would bring what: the running campaigns that list the member.
        running = tuple(
            number
            for number, campaign in enumerate(self._campaigns)
            if campaign.first_day <= day <= campaign.last_day and member in campaign.members
        )
        pricer = Pricer(self._with(running))
        shopper = Shopper(segments=self._segments[member])
        lines = [replace(self._goods[line.sku], quantity=line.quantity) for line in trip.lines]
        # Processor time: every core is busy with this run, and a basket does not cost more for having to wait for one.
        started = time.thread_time_ns()
        priced = pricer.price(lines, shopper)
        us = (time.thread_time_ns() - started) / 1000
        return Repriced(len(running), len(lines), priced.gross, priced.discount, priced.gained, priced.proven, us)

    def _compile(self, running: tuple[int, ...]) -> PromotionSet:
        if not running:
            return self.shelf
        offers, refused = compile_offers([self._campaigns[number].offer for number in running], CURRENCY)
        assert not refused
        return self.shelf.with_more(offers)


def price_all(data: Path | None, limit: int | None, note: Callable[[str], None]) -> dict[str, Any]:
    """Prices every trip of the sample, or `limit` of them, on all processors."""
    from panier_simulators.command import build_sample

    started = time.perf_counter()
    shop = open_sample(build_sample(None, data).directory)
    workers = os.cpu_count() or 1
    baskets: list[Repriced] = []
    # Started afresh: a forked copy of a process that runs threads of DuckDB's may hang.
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, spawn, initializer=_open, initargs=(shop.directory,)) as pool:
        for chunk in _in_order(pool, shop.trips(limit), workers + 2):
            baskets += chunk
            if len(baskets) % (10 * CHUNK) == 0:
                note(f"{len(baskets):,} baskets priced, {time.perf_counter() - started:.0f} s")
    return {"processes": workers, "seconds": round(time.perf_counter() - started, 1), **summarize(baskets)}


_resale: Resale | None = None
"""Of a process of the pool, which prices chunk after chunk with it."""


def _open(directory: Path) -> None:
    global _resale  # noqa: PLW0603 (how a pool's processes keep what they share)
    _resale = Resale(open_sample(directory))
    gc.collect()
    gc.freeze()
    # What is still frozen when Python ends is never let go, which DuckDB's binding complains of.
    atexit.register(gc.unfreeze)


def _price(trips: Sequence[SampleTrip]) -> list[Repriced]:
    assert _resale is not None
    return [_resale.price(trip) for trip in trips]


def _in_order(pool: ProcessPoolExecutor, trips: Iterable[SampleTrip], ahead: int) -> Generator[list[Repriced]]:
    """Chunk after chunk, a few of them under way: a year of trips need not lie in memory."""
    remaining = iter(trips)
    pending: deque[Future[list[Repriced]]] = deque()
    while chunk := list(islice(remaining, CHUNK)):
        pending.append(pool.submit(_price, chunk))
        if len(pending) >= ahead:
            yield pending.popleft().result()
    for future in pending:
        yield future.result()


def summarize(baskets: Sequence[Repriced]) -> dict[str, Any]:
    """All baskets, and those of shoppers without and with offers of their own; what best_basket saves more than priority."""
    return {
        "all": _group(baskets),
        "without_offers": _group([basket for basket in baskets if not basket.offers]),
        "with_offers": _group([basket for basket in baskets if basket.offers]),
    }


def _group(baskets: Sequence[Repriced]) -> dict[str, Any]:
    gains = sorted(basket.gained for basket in baskets if basket.gained > 0)
    times = sorted(basket.us for basket in baskets)
    count = max(1, len(baskets))

    def money(minor: float) -> str:
        return format_minor(round(minor), CURRENCY)

    return {
        "baskets": len(baskets),
        "lines": sum(basket.lines for basket in baskets),
        "gross": money(sum(basket.gross for basket in baskets)),
        "discount": money(sum(basket.discount for basket in baskets)),
        "reduced": sum(basket.discount > 0 for basket in baskets),
        "proven": sum(basket.proven for basket in baskets),
        "proven_share": round(sum(basket.proven for basket in baskets) / count, 4),
        "worse_than_priority": sum(basket.gained < 0 for basket in baskets),
        "better_than_priority": len(gains),
        "better_share": round(len(gains) / count, 4),
        "gained": money(sum(gains)),
        "gained_when_better": {
            "mean": money(sum(gains) / max(1, len(gains))),
            **{name: money(_quantile(gains, percent)) for name, percent in (("p50", 50), ("p99", 99), ("max", 100))},
        },
        "us_a_basket": {name: round(_quantile(times, percent)) for name, percent in (("p50", 50), ("p99", 99), ("max", 100))},
        "pricing_seconds": round(sum(times) / 1e6, 1),
    }


def _quantile(ordered: Sequence[float], percent: int) -> float:
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] if ordered else 0


def render(result: dict[str, Any]) -> RenderableType:
    """The same for people."""
    groups = [result[name] for name in ("all", "without_offers", "with_offers")]
    table = Table(title=f"The sample's year once more, in {result['seconds']:.0f} s", box=SIMPLE_HEAD)
    for name in ("", "all baskets", "no own offers", "own offers"):
        table.add_column(name, justify="right" if name else "left")
    rows: list[tuple[str, Callable[[dict[str, Any]], str]]] = [
        ("baskets", lambda group: f"{group['baskets']:,}"),
        ("lines", lambda group: f"{group['lines']:,}"),
        (f"worth, {CURRENCY}", lambda group: group["gross"]),
        ("reduced by", lambda group: group["discount"]),
        ("baskets reduced", lambda group: f"{group['reduced']:,}"),
        ("proven the best price", lambda group: f"{group['proven_share']:.2%}"),
        ("better than by priority", lambda group: f"{group['better_than_priority']:,}"),
        ("  share of baskets", lambda group: f"{group['better_share']:.2%}"),
        ("worse than by priority", lambda group: f"{group['worse_than_priority']:,}"),
        ("saved more than by priority", lambda group: group["gained"]),
        *((f"  a better basket, {name}", _within("gained_when_better", name)) for name in ("mean", "p50", "p99", "max")),
        *((f"processor us a basket, {name}", _within("us_a_basket", name)) for name in ("p50", "p99", "max")),
    ]
    for name, figure in rows:
        table.add_row(name, *map(figure, groups))
    return table


def _within(field: str, name: str) -> Callable[[dict[str, Any]], str]:
    return lambda group: f"{group[field][name]:,}" if field == "us_a_basket" else group[field][name]
