"""What is asked again, and when: the line loses parts, and the gateway may hold what does not fit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest
from tests.device.conftest import MILK, PROMOTIONS, Desk, changes, spoil, total_of, whole
from tests.waiting import until

from panier.message import Ask, Manifest, SnapshotPart
from panier.snapshot import Change, canonical
from panier_device.supply import Supply

AGAIN = 0.05


@dataclass
class Gateway:
    """Answers each question with what `answer` gives, or not at all."""

    answer: Callable[[Ask], SnapshotPart | None] = lambda _: None
    asks: list[Ask] = field(default_factory=list)
    supply: Supply | None = None

    async def ask(self, wanted: Ask) -> None:
        self.asks.append(wanted)
        if self.supply is not None and (part := self.answer(wanted)) is not None:
            self.supply.arrived(part.pack())


@pytest.fixture
async def line(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Gateway, Supply]]:
    monkeypatch.setattr("panier_device.supply._ASK_AGAIN", AGAIN)
    gateway = Gateway()
    supply = Supply(desk.shop, ask=gateway.ask, adopted=lambda: None, tally=desk.tally, clock=desk.clock)
    gateway.supply = supply
    task = asyncio.create_task(supply.run())
    yield gateway, supply
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def newest(version: int = 8, fingerprint: str = "1" * 64, boot: str = "boot-1") -> Manifest:
    return Manifest(version=version, fingerprint=fingerprint, boot=boot, at=1, currency="USD", timezone="America/New_York")


async def test_a_part_that_was_lost_is_asked_for_again_however_much_else_the_gateway_says(line: tuple[Gateway, Supply]):
    gateway, supply = line
    supply.announced(newest())

    def asked_again() -> bool:
        supply.heard()
        return len(gateway.asks) >= 3

    await until(asked_again)
    assert set(gateway.asks) == {Ask(have=7)}


async def test_a_copy_of_everything_that_never_fits_is_fetched_with_growing_patience(line: tuple[Gateway, Supply]):
    gateway, supply = line
    gateway.answer = lambda _: whole(8)[0].model_copy(update={"fingerprint": "1" * 64})

    def announced_again() -> bool:
        supply.announced(newest())
        return len(gateway.asks) >= 6

    await until(announced_again)
    # At once from the delta to everything, then after 1, 2, 4 and 8 times the first patience.
    assert supply._patience == AGAIN * 16
    gateway.answer = lambda _: whole(9)[0]
    supply.announced(newest(9, total_of(changes())))
    await until(lambda: supply.is_newest and supply._patience == AGAIN)
    assert len(gateway.asks) == 7


async def test_a_gateway_that_began_anew_is_asked_at_once(line: tuple[Gateway, Supply]):
    gateway, supply = line
    supply._patience = 1000.0
    supply.announced(newest())
    await until(lambda: len(gateway.asks) == 1)
    supply.announced(newest(boot="boot-2"))
    await until(lambda: len(gateway.asks) == 2)
    supply.ask_now()
    await until(lambda: len(gateway.asks) == 3)


async def test_a_clock_that_was_ahead_leaves_no_confirmation_in_the_future(desk: Desk, line: tuple[Gateway, Supply]):
    _, supply = line
    held, true = supply.held, desk.clock.now
    desk.clock.now = true + 3 * 86_400_000
    supply.announced(newest(held.version, held.fingerprint))
    await until(lambda: supply.held.confirmed_at == true + 3 * 86_400_000)
    desk.clock.now = true + 60_000
    supply.heard()
    await until(lambda: supply.held.confirmed_at == true + 60_000)


async def test_damage_that_only_writing_meets_is_mended_too(desk: Desk, line: tuple[Gateway, Supply]):
    gateway, supply = line
    spoil(desk.shop._path, "promotion")
    # The first answer is a change, which the spoilt page takes no more; the second is everything.
    change = Change(version=8, kind="promotion", key="two", body=canonical(PROMOTIONS["two"] | {"price": "21.00"}))
    delta = SnapshotPart(version=8, fingerprint=total_of([]), since=7, part=0, parts=1, changes=[change])
    gateway.answer = lambda wanted: delta if wanted.have == 7 else whole(8)[0]

    def announced_again() -> bool:
        supply.announced(newest(8, total_of(changes()), boot=f"boot-{len(gateway.asks)}"))
        return supply.is_newest

    await until(announced_again)
    assert (desk.shop.trouble, desk.shop.held.currency) == ("", "USD")
    desk.scan(MILK)
    assert desk.said is None
