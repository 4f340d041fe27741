"""Runs the whole store under a plan of faults, lets it come to rest, and has the proof made."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from panier.topic import StoreTopics
from panier_simulators.chaos.corner import CornerShop
from panier_simulators.chaos.fault import DISK_FAULTS, GATEWAY_BROKER, GATEWAY_OFFICE, MONITOR_BROKER, OFFICE_DATABASE, Fault
from panier_simulators.chaos.hand import Hand
from panier_simulators.chaos.link import Address, Link
from panier_simulators.chaos.market import trade
from panier_simulators.chaos.monitor import NAME as MONITOR
from panier_simulators.chaos.monitor import contradictions, monitor_on, truth
from panier_simulators.chaos.proof import Ask, Books, Verdict, in_file, prove
from panier_simulators.chaos.reader import ClumsyReader, clumsy
from panier_simulators.chaos.report import ChaosReport
from panier_simulators.chaos.trouble import Trouble
from panier_simulators.chaos.witness import ScreenWitness, WireWitness
from panier_simulators.demo.premises import STORE, Detour, Premises, free_port, open_premises
from panier_simulators.fleet import Place, Post, Store
from panier_simulators.postgresql import USER, PostgresqlServer
from panier_simulators.sample.shop import TIMEZONE, SampleTrip
from panier_simulators.screen import SimulatedTerminal
from panier_simulators.shopper import Manner, ShopperLost, Shopping

Say = Callable[[str], None]

_HOME = "127.0.0.1"
_BROKER_LINK, _OFFICE_LINK, _MONITOR_LINK, _DATABASE_LINK = "127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5"
"""Linux takes all of 127/8 for itself: a proxy listens at another address and the same port, and nothing has to know."""
_SHOP_PATIENCE, _REST_PATIENCE = 120.0, 60.0
"""Seconds without any progress after which a run is over: while people shop, and while the rest is handed on."""
_MOST_TOLD = 20
_DATABASE = "panier"
"""On a server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to run."""

    seed: int
    devices: int
    speed: float
    faults: tuple[Fault, ...]


@dataclass(slots=True)
class Day:
    """How far the day is: trips that ended, and shoppers who gave up."""

    done: list[Shopping] = field(default_factory=list[Shopping])
    gave_up: list[str] = field(default_factory=list[str])


def device_names(devices: int) -> list[str]:
    """The terminals of a store, as `open_premises` enrols them."""
    return [f"till-{number:02}" for number in range(1, devices + 1)]


async def run(
    shop: CornerShop, plan: Plan, directory: Path, say: Say, trouble: Trouble | None, server: PostgresqlServer | None = None
) -> ChaosReport:
    """Shops every basket of `shop` while the plan's faults befall the store in `directory`. Raises RoleFailed, NotSeen.

    With a `server`, which listens at a port, the back office keeps its books there.
    """
    began = time.monotonic()
    wire, day = WireWitness(StoreTopics(STORE)), Day()
    async with AsyncExitStack() as stack:
        if trouble:
            stack.enter_context(trouble.reaches())
        links = await stack.enter_async_context(_open_links(plan, wire, server))
        database, office = _books(directory, server)
        premises = await stack.enter_async_context(
            open_premises(directory, shop, plan.devices, say, detour=_detour(links), database=database)
        )
        for settings in premises.terminals:
            _lead_over(settings, links[f"{settings.stem}-broker"])
        monitor = await _switch_on(stack, premises, links[MONITOR_BROKER], plan.devices)
        say(f"switching {plan.devices} terminals on")
        posts = [Post.read(file) for file in premises.terminals]
        manner = Manner(speed=plan.speed, offers_chance=0.1, patience=2.0, tries=8)
        store = await stack.enter_async_context(Store(posts, manner=manner, seed=plan.seed, in_hand=clumsy))
        await store.wait_until_ready()
        witnesses = [ScreenWitness(place.terminal) for place in store.places]
        for witness in witnesses:
            witness.begin()
            stack.callback(witness.end)
        places = {place.post.device: place for place in store.places}
        hand = Hand(premises, places, links, _readers(store.places), trouble, monitor, server)
        await _spend_the_day(shop, plan, store, hand, day, say)
        say("waiting until all have said all they have to say")
        ledger = directory / "gateway" / "ledger.db"
        await _come_to_rest(in_file(ledger), office, wire, day, say)
        verdict = prove(
            Books.read(office),
            planned=shop.baskets,
            done=day.done,
            painted=[farewell for witness in witnesses for farewell in witness.farewells.values()],
            wire=wire,
            explained=_explained(plan.faults),
        )
        for what, words in await contradictions(monitor, lambda: truth(store.places, ledger, TIMEZONE)):
            verdict.mismatched.note(what, words)
        _look_around(verdict, in_file(ledger), hand, day, witnesses, store.places)
        return _report(shop, plan, day, hand, verdict, wire, witnesses, trouble, time.monotonic() - began)


async def _spend_the_day(shop: CornerShop, plan: Plan, store: Store, hand: Hand, day: Day, say: Say) -> None:
    """Every basket at the next free terminal; each fault when as many trips as it says are over."""
    coming, waiting = list(plan.faults), iter(shop.baskets)
    market = asyncio.create_task(trade(hand.premises, list(shop.products()), plan.seed))
    falling: list[asyncio.Task[None]] = []

    def ended() -> None:
        while coming and coming[0].after <= len(day.done):
            say(str(coming[0]))
            falling.append(asyncio.create_task(hand.do(coming.pop(0))))

    shoppers = [
        asyncio.create_task(_shop_at(place, waiting, day, ended, len(shop.baskets), say), name=place.post.device)
        for place in store.places
    ]
    try:
        await _until_home(shoppers, day)
        await asyncio.gather(*falling)
    finally:
        for task in (market, *shoppers, *falling):
            task.cancel()
        await asyncio.gather(market, *shoppers, *falling, return_exceptions=True)
    for task in shoppers:
        if not task.cancelled() and (failure := task.exception()):
            raise failure


async def _until_home(shoppers: Sequence[asyncio.Task[None]], day: Day) -> None:
    """Waits until all have shopped; sends those home before whose terminals nothing has gone on for too long."""
    before, since = -1, time.monotonic()
    while any(not task.done() for task in shoppers):
        await asyncio.wait(shoppers, timeout=1)
        if len(day.done) != before:
            before, since = len(day.done), time.monotonic()
        if time.monotonic() - since > _SHOP_PATIENCE:
            day.gave_up += [
                f"{task.get_name()}: no trip has ended for {_SHOP_PATIENCE:g} s" for task in shoppers if not task.done()
            ]
            return


async def _shop_at(
    place: Place, waiting: Iterator[SampleTrip], day: Day, ended: Callable[[], None], trips: int, say: Say
) -> None:
    for trip in waiting:
        try:
            day.done.append(await place.shopper.shop(trip))
        except ShopperLost as error:
            day.gave_up.append(str(error))
            return
        say(f"trips finished: {len(day.done)} of {trips}")
        ended()


async def _come_to_rest(gateway: Ask, office: Ask, wire: WireWitness, day: Day, say: Say) -> None:
    """Waits until every event that was sent is acknowledged and every receipt handed on; or nothing moves any more."""
    wanted = sum(1 for shopping in day.done if shopping.units)
    before, since = (-1, -1, -1), time.monotonic()
    while time.monotonic() - since < _REST_PATIENCE:
        unacknowledged = sum(max(journal.events, default=0) - journal.acknowledged for journal in wire.journals.values())
        outbox, receipts = _count(gateway, "outbox"), _count(office, "receipt")
        if unacknowledged == 0 and outbox == 0 and receipts >= wanted:
            return
        if (unacknowledged, outbox, receipts) != before:
            before, since = (unacknowledged, outbox, receipts), time.monotonic()
            say(f"coming to rest: {unacknowledged} events under way, {outbox} in the outbox, {receipts} of {wanted} receipts")
        await asyncio.sleep(0.3)


def _look_around(
    verdict: Verdict, gateway: Ask, hand: Hand, day: Day, witnesses: Sequence[ScreenWitness], places: Sequence[Place]
) -> None:
    """What else should not be: dead letters, processes that died by themselves, screens that forgot, shoppers who gave up."""
    unexplained = verdict.unexplained
    for letter in gateway("SELECT * FROM dead_letter"):
        name = f"{letter['device']}.{letter['journal']}.{letter['sequence']}"
        unexplained.note(name, f"the gateway refused it: {letter['reason']}")
    for what, words in (told for witness in witnesses for told in witness.contradictions):
        verdict.lost.note(what, words)
    lives = {"gateway": hand.premises.gateway.ends, "backoffice": hand.premises.backoffice.ends}
    lives |= {MONITOR: hand.monitor.ends} | {place.post.device: place.terminal.ends for place in places}
    for name, ends in lives.items():
        for pid, how in ends.items():
            is_refused_at_start = pid in hand.refused[name] and how.startswith("status 1,")
            if pid not in hand.kills[name] and not is_refused_at_start:
                unexplained.note(f"{name}, process {pid}", f"ended by itself: {how}")
    for number, why in enumerate(day.gave_up, start=1):
        unexplained.note(f"shopper {number}", f"gave up: {why}")
    for shopping in day.done:
        for code in shopping.skipped:
            unexplained.note(f"basket {shopping.basket}", f"{code} was never counted")


def _restarts(hand: Hand, places: Sequence[Place]) -> dict[str, int]:
    premises = hand.premises
    roles = {"gateway": premises.gateway.restarts, "backoffice": premises.backoffice.restarts}
    return {**roles, **{place.post.device: place.terminal.restarts for place in places}}


def _report(
    shop: CornerShop, plan: Plan, day: Day, hand: Hand, verdict: Verdict, wire: WireWitness,
    witnesses: Sequence[ScreenWitness], trouble: Trouble | None, seconds: float,
) -> ChaosReport:  # fmt: skip
    left = len(shop.baskets) - len(day.done)
    restarts = _restarts(hand, list(hand.places.values()))
    told = [
        f"{kind}: {one}"
        for kind, found in (
            ("lost", verdict.lost), ("one too many", verdict.duplicated), ("mismatched", verdict.mismatched),
            ("unexplained", verdict.unexplained),
        )
        for one in found.told()
    ]  # fmt: skip
    return ChaosReport(
        trips=len(day.done), faults=dict(sorted(hand.done.items())), lost=len(verdict.lost), duplicated=len(verdict.duplicated),
        mismatched=len(verdict.mismatched), unexplained=len(verdict.unexplained) + left, seconds=round(seconds, 1),
        seed=plan.seed, devices=plan.devices, units=sum(one.units for one in day.done),
        rescans=sum(one.rescans for one in day.done),
        restarts={
            "device": sum(restarts[name] for name in hand.places), "gateway": restarts["gateway"],
            "broker": len(hand.kills["broker"]), "backoffice": restarts["backoffice"], "monitor": hand.monitor.restarts,
        },
        refused_calls=trouble.refusals if trouble else 0,
        acknowledged=sum(journal.acknowledged for journal in wire.journals.values()),
        painted=sum(len(witness.farewells) for witness in witnesses), details=tuple(told[:_MOST_TOLD]),
    )  # fmt: skip


def _explained(faults: Sequence[Fault]) -> frozenset[str]:
    """Incidents that are right to be there: a gateway tells whose clock is wrong, by its own, and that its disk refused."""
    befell = {(fault.kind, fault.target) for fault in faults}
    found: set[str] = set()
    if any(kind in DISK_FAULTS and target == "gateway" for kind, target in befell):
        found.add("disk_refused")
    if any(kind == "clock_jump" and target != "backoffice" for kind, target in befell):
        found.add("clock_wrong")
    return frozenset(found)


@asynccontextmanager
async def _open_links(plan: Plan, wire: WireWitness, server: PostgresqlServer | None) -> AsyncGenerator[dict[str, Link]]:
    broker, office = free_port(), free_port()
    links = {
        GATEWAY_BROKER: Link(
            GATEWAY_BROKER, Address(_BROKER_LINK, broker), Address(_HOME, broker), hear=wire.hear_gateway, seed=plan.seed
        ),
        MONITOR_BROKER: Link(MONITOR_BROKER, Address(_MONITOR_LINK, broker), Address(_HOME, broker), seed=plan.seed),
        GATEWAY_OFFICE: Link(GATEWAY_OFFICE, Address(_OFFICE_LINK, office), Address(_HOME, office), seed=plan.seed),
    }
    if server:
        here, there = Address(_DATABASE_LINK, server.port), Address(_HOME, server.port)
        links[OFFICE_DATABASE] = Link(OFFICE_DATABASE, here, there, seed=plan.seed)
    for number, device in enumerate(device_names(plan.devices), start=1):
        name = f"{device}-broker"
        links[name] = Link(
            name, Address(f"127.0.1.{number}", broker), Address(_HOME, broker), hear=wire.hear_device, seed=plan.seed
        )
    async with AsyncExitStack() as stack:
        for link in links.values():
            await link.open()
            stack.push_async_callback(link.close)
        yield links


async def _switch_on(stack: AsyncExitStack, premises: Premises, link: Link, devices: int) -> SimulatedTerminal:
    """A staff monitor that reaches the broker by a link of its own."""
    assert premises.monitor
    _lead_over(premises.monitor, link)
    monitor = monitor_on(premises.monitor, devices)
    await monitor.start()
    stack.push_async_callback(monitor.stop)
    return monitor


def _detour(links: dict[str, Link]) -> Detour:
    broker, office = links[GATEWAY_BROKER].here, links[GATEWAY_OFFICE].here
    return Detour(office_port=office.port, office_host=office.host, broker_port=broker.port, broker_host=broker.host)


def _lead_over(settings: Path, link: Link) -> None:
    """Has a terminal reach the broker by a link of its own."""
    told = settings.read_text(encoding="utf-8")
    settings.write_text(told.replace(f'host = "{_BROKER_LINK}"', f'host = "{link.here.host}"'), encoding="utf-8")


def _readers(places: Sequence[Place]) -> dict[str, ClumsyReader]:
    return {place.post.device: reader for place in places for reader in place.readers if isinstance(reader, ClumsyReader)}


def _books(directory: Path, server: PostgresqlServer | None) -> tuple[str | None, Ask]:
    """The URL of the back office's database, where that is not the file in `directory`; and how it is asked past all links."""
    if server is None:
        return None, in_file(directory / "backoffice.db")
    server.run(f"CREATE DATABASE {_DATABASE}")
    return f"postgresql://{USER}@{_DATABASE_LINK}:{server.port}/{_DATABASE}", lambda query: server.rows(query, _DATABASE)


def _count(database: Ask, table: str) -> int:
    """-1 where the database cannot be asked now."""
    try:
        return int(database(f"SELECT count(*) AS held FROM {table}")[0]["held"])  # noqa: S608 (names of our own)
    except Exception:  # of whichever driver it is
        return -1
