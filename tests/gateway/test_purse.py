"""Limits over all shoppers: devices that are offline, wiped, slow or repeat themselves never overspend one together."""

from __future__ import annotations

import json
import random
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from tests.gateway.conftest import stored
from tests.sending import record
from tests.waiting import until

from panier.lease import HeldLease, Lease
from panier.member import Standing
from panier.message import EventBatch, LeaseMessage, decode
from panier.receipt import form_receipt
from panier.till import compile_definitions, counted_uses, in_force, price_trip, used_leases
from panier.trip import (
    CapsuleReceived,
    CardScanned,
    Event,
    Happening,
    ItemAdded,
    LeasesHeld,
    Trip,
    TripAbandoned,
    TripFinished,
    TripStarted,
    start,
)
from panier_gateway.batch import Batch
from panier_gateway.clerk import Clerk
from panier_gateway.closing import Settled
from panier_gateway.intake import Intake
from panier_gateway.ledger import Ledger
from panier_gateway.purse import NotStranded, TripUse, free_stranded
from panier_io.store import StoreUnusable

USES, SPEND = 4, 60
PRICES = {"a": 400, "b": 8}
SHELF, _ = compile_definitions(
    {
        "uses": {"kind": "amount", "amount": "1.00", "usage_limit": USES, "target": {"skus": ["a"]}},
        "spend": {
            "kind": "percent", "percent": "50", "budget": {"type": "spend", "limit": "0.60"}, "target": {"skus": ["b"]},
        },
    },
    "EUR",
)  # fmt: skip
LIMITS = {("uses", False): USES, ("spend", True): SPEND}


def settle(trip: Trip) -> Settled:
    priced = price_trip(trip, SHELF)
    device, journal, _ = trip.trip.split(".")
    receipt = form_receipt(trip, priced, "0" * 64, device, journal)
    used = TripUse(leases=used_leases(trip, priced), member="m", uses=counted_uses(in_force(trip, SHELF), priced))
    return Settled(receipt, used=used)


def item(sku: str, quantity: int = 1, snapshot: int = 0) -> ItemAdded:
    return ItemAdded(
        sku=sku, name=sku, unit_price=PRICES[sku], category="", tax_rate=None, snapshot=snapshot, entry="scan", quantity=quantity
    )  # fmt: skip


class Device:
    """A terminal that prices with what it holds, and tells of it when it can."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.wipes = 0
        self.heard: list[list[Lease]] = []
        self.forget()

    def forget(self) -> None:
        self.journal = f"j{self.wipes}"
        self.events: list[Event] = []
        self.leases: dict[tuple[str, bool, str], Lease] = {}
        self.trip: Trip | None = None

    @property
    def holder(self) -> str:
        return f"{self.name}.{self.journal}"

    def add(self, what: Happening) -> None:
        sequence = len(self.events) + 1
        trip = self.trip.trip if self.trip else f"{self.holder}.{sequence}"
        event = Event(sequence=sequence, at=sequence, trip=trip, what=what)
        self.events.append(event)
        self.trip = self.trip.after(event) if self.trip else start(event)

    def hold(self) -> None:
        assert self.trip is not None
        own = [lease.held for lease in self.leases.values() if lease.left and lease.holder in (self.holder, self.trip.trip)]
        held = tuple(sorted(own, key=lambda lease: (lease.promotion, lease.holder)))
        if held != self.trip.leases:
            self.add(LeasesHeld(leases=held))

    def hear(self, leases: list[Lease]) -> None:
        for lease in leases:
            if lease.holder in (self.holder, self.trip and self.trip.trip):
                key = (lease.promotion, lease.is_spend, lease.holder)
                self.leases[key] = self.leases.get(key, lease).merged(lease)
        if self.trip:
            self.hold()

    def finish(self) -> list[tuple[HeldLease, int]]:
        assert self.trip is not None
        priced, trip = price_trip(self.trip, SHELF, at=len(self.events) + 1), self.trip
        self.add(TripFinished(units=priced.units, discount=priced.discount, total=priced.total))
        used = used_leases(trip, priced)
        for held, amount in used:
            key = (held.promotion, held.is_spend, held.holder)
            self.leases[key] = self.leases[key].merged(
                Lease(**{name: getattr(self.leases[key], name) for name in ("promotion", "is_spend", "holder", "granted")},
                      used=self.leases[key].used + amount)
            )  # fmt: skip
        self.trip = None
        return used


DEVICES = st.integers(0, 2)


class Shop(RuleBasedStateMachine):
    """One gateway and three devices, whatever happens between them."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.devices = [Device(f"till-{number}") for number in range(3)]
        self.given = {"uses": 0, "spend": 0}
        self.open()

    def open(self) -> None:
        self.ledger = Ledger(Path(self.directory.name) / "ledger.db")
        self.intake = Intake("shop", self.ledger, settle, lambda trip: trip.member)

    @rule(which=DEVICES, a=st.integers(0, 2), b=st.integers(0, 3), ends=st.booleans())
    def shop(self, which: int, a: int, b: int, ends: bool) -> None:
        device = self.devices[which]
        if device.trip is None:
            device.add(TripStarted(store="shop", currency="EUR", timezone="UTC", snapshot=0))
            device.hold()
        for sku, quantity in (("a", a), ("b", b)):
            if quantity:
                device.add(item(sku, quantity))
        if ends:
            for held, amount in device.finish():
                self.given[held.promotion] += amount

    @rule(which=DEVICES)
    def give_up(self, which: int) -> None:
        device = self.devices[which]
        if device.trip:
            device.add(TripAbandoned())
            device.trip = None

    @rule(which=DEVICES, since=st.integers(0, 5), leaves=st.integers(0, 3))
    def send(self, which: int, since: int, leaves: int) -> None:
        """Some of the newest events stay behind; some that were sent before come again."""
        device = self.devices[which]
        upto = self.intake.upto(device.name, device.journal) or 0
        batch = device.events[max(0, upto - since) : len(device.events) - leaves]
        if batch:
            message = EventBatch(journal=device.journal, events=[record(event) for event in batch])
            (taken,) = self.intake.take_in([Batch(device.name, message)], now=1)
            assert taken.wrong is None
            assert not taken.refused

    @rule(which=DEVICES, is_heard=st.booleans())
    def lend(self, which: int, is_heard: bool) -> None:
        device = self.devices[which]
        journal = (device.name, device.journal)
        if not self.intake.is_alive(journal):
            return
        trip = device.trip.trip if device.trip and self.intake.is_open(journal, device.trip.trip) else None
        with self.ledger.transaction():
            # Told a wrong number of devices, it may lend badly, but never too much.
            leases = self.intake.purses.lend(device.holder, trip, LIMITS, {}, 1)
        device.heard.append(leases)
        if is_heard:
            device.hear(leases)

    @rule(which=DEVICES, a=st.integers(0, 2), b=st.integers(0, 3))
    def shop_online(self, which: int, a: int, b: int) -> None:
        self.shop(which, 0, 0, ends=False)
        self.send(which, since=0, leaves=0)
        self.lend(which, is_heard=True)
        self.shop(which, a, b, ends=True)

    @rule(which=DEVICES, chance=st.randoms(use_true_random=False))
    def hear_late(self, which: int, chance: random.Random) -> None:
        """A message that was said once comes now, perhaps again, and perhaps after later ones."""
        if self.devices[which].heard:
            self.devices[which].hear(chance.choice(self.devices[which].heard))

    @rule(which=DEVICES)
    def wipe(self, which: int) -> None:
        device = self.devices[which]
        device.wipes += 1
        device.forget()

    @rule()
    def restart(self) -> None:
        self.ledger.close()
        self.open()

    @invariant()
    def nothing_is_overspent(self) -> None:
        assert self.given["uses"] <= USES
        assert self.given["spend"] <= SPEND
        for key, limit in LIMITS.items():
            purse = self.intake.purses.purse(*key, limit)
            noted = self.ledger.connection.execute(
                "SELECT coalesce(sum(amount), 0) FROM lease_use WHERE promotion = ? AND is_spend = ?", key
            ).fetchone()[0]
            assert purse.used == noted <= self.given[key[0]]
            assert purse.used + purse.out + purse.free == limit

    @invariant()
    def every_receipt_is_what_the_screen_showed(self) -> None:
        parcels = self.ledger.parcels(10_000)
        assert not [parcel for parcel in parcels if parcel.kind == "incident" and json.loads(parcel.body)["kind"] != "left_open"]
        receipts = [json.loads(parcel.body) for parcel in parcels if parcel.kind == "receipt"]
        assert all(receipt["total"] == receipt["device_total"] for receipt in receipts)

    def teardown(self) -> None:
        self.ledger.close()
        self.directory.cleanup()


Shop.TestCase.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
TestDevicesNeverOverspend = Shop.TestCase


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(tmp_path / "ledger.db")
    yield opened
    opened.close()


@pytest.fixture
def intake(ledger: Ledger) -> Intake:
    return Intake("shop", ledger, settle, lambda trip: trip.member)


def sent(intake: Intake, device: Device, since: int = 0) -> None:
    events = [record(event) for event in device.events[since:]]
    intake.take_in([Batch(device.name, EventBatch(journal=device.journal, events=events))], now=1)


def begun(intake: Intake, name: str = "till-0") -> Device:
    device = Device(name)
    device.add(TripStarted(store="shop", currency="EUR", timezone="UTC", snapshot=0))
    sent(intake, device)
    return device


def lend(intake: Intake, ledger: Ledger, device: Device) -> None:
    with ledger.transaction():
        device.hear(intake.purses.lend(device.holder, device.trip and device.trip.trip, LIMITS, {}, 1))


def incidents(ledger: Ledger) -> list[str]:
    return [json.loads(parcel.body)["text"] for parcel in ledger.parcels(100) if parcel.kind == "incident"]


def test_what_was_never_granted_buys_nothing_and_is_told(ledger: Ledger, intake: Intake) -> None:
    device = begun(intake)
    device.add(LeasesHeld(leases=(HeldLease(promotion="uses", is_spend=False, holder="till-9.jx", left=5),)))
    device.add(item("a"))
    device.add(TripFinished(units=1, discount=100, total=300))
    sent(intake, device, since=1)
    assert any("it held 5 of uses as till-9.jx, who was granted 0" in text for text in incidents(ledger))
    receipt = next(json.loads(parcel.body) for parcel in ledger.parcels(9) if parcel.kind == "receipt")
    assert (receipt["total"], receipt["device_total"], receipt["leases"]) == (400, 300, [])


def test_a_lease_that_is_stated_again_after_it_was_used_is_counted_and_told(ledger: Ledger, intake: Intake) -> None:
    device = begun(intake)
    lend(intake, ledger, device)
    lease = next(lease for lease in device.leases.values() if lease.promotion == "uses")
    assert (lease.holder, lease.left) == (device.holder, 1)
    for _ in range(2):
        device.leases[lease.promotion, lease.is_spend, lease.holder] = lease
        if device.trip is None:
            device.add(TripStarted(store="shop", currency="EUR", timezone="UTC", snapshot=0))
            device.hold()
        device.add(item("a"))
        device.finish()
    sent(intake, device)
    assert intake.purses.purse("uses", False, USES).used == 2
    assert any("used 2 of uses, but was granted 1" in text for text in incidents(ledger))


def test_what_a_wiped_device_held_counts_as_used_until_staff_free_it(ledger: Ledger, intake: Intake) -> None:
    device = begun(intake)
    lend(intake, ledger, device)
    (row,) = [row for row in intake.purses.rows(LIMITS) if row.promotion == "uses"]
    assert (row.out, row.free, row.stranded) == (1, USES - 1, 0)
    old = device.holder
    device.wipes += 1
    device.forget()
    device.add(TripStarted(store="shop", currency="EUR", timezone="UTC", snapshot=0))
    sent(intake, device)
    assert old in intake.purses.stranded()
    (row,) = [row for row in intake.purses.rows(LIMITS) if row.promotion == "uses"]
    assert (row.out, row.free, row.stranded) == (1, USES - 1, 1)
    file = Path(ledger.connection.execute("PRAGMA database_list").fetchone()[2])
    with pytest.raises(NotStranded, match=f"{device.holder} is not thought dead; those who are: {old}"):
        free_stranded(file, [old, device.holder])
    assert free_stranded(file, []) == [old]
    assert free_stranded(file, [old]) == [old]
    assert intake.purses.purse("uses", False, USES).free == USES


def test_a_trip_that_was_left_open_keeps_its_lease_because_it_may_be_revived(ledger: Ledger, intake: Intake) -> None:
    device = begun(intake)
    first = device.trip
    assert first is not None
    with ledger.transaction():
        leases = intake.purses.lend(device.holder, first.trip, {}, LIMITS, 1)
    assert {(lease.promotion, lease.holder, lease.left) for lease in leases} == {
        ("uses", first.trip, 1),
        ("spend", first.trip, 6),
    }
    device.trip = None
    device.add(TripStarted(store="shop", currency="EUR", timezone="UTC", snapshot=0))
    sent(intake, device)
    assert first.trip in intake.purses.stranded()
    assert device.holder not in intake.purses.stranded()


def test_where_trips_left_a_member_is_a_fold_that_erasure_empties(ledger: Ledger, intake: Intake) -> None:
    with ledger.transaction():
        for trip, points, uses in (("t1", 30, {"p": 1}), ("t2", -10, {"p": 1, "q": 1}), ("t1", 99, {"p": 9})):
            intake.purses.settle(trip, TripUse(member="m", points=points, uses=uses))
    assert intake.purses.standing(["m", "n"]) == {"m": Standing(points=20, uses={"p": 2, "q": 1}), "n": Standing()}
    with ledger.transaction():
        intake.purses.forget(["m"])
    assert intake.purses.standing(["m"]) == {"m": Standing()}


def rows(ledger: Ledger, table: str) -> int:
    return ledger.connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def test_what_trips_were_lent_and_used_leaves_the_disk_with_them_and_every_count_stays(ledger: Ledger, intake: Intake) -> None:
    device = begun(intake)
    with ledger.transaction():
        device.hear(intake.purses.lend(device.holder, device.trip and device.trip.trip, {}, LIMITS, 1))
    device.add(item("a"))
    assert device.finish()
    sent(intake, device)
    assert rows(ledger, "lease") == 0
    with ledger.transaction():
        for trip, points, uses in (("t1", 30, {"p": 1}), ("t2", -10, {"p": 1, "q": 1})):
            intake.purses.settle(trip, TripUse(member="m", points=points, uses=uses))
    counted, standing = intake.purses.rows(LIMITS), intake.purses.standing(["m"])
    assert standing == {"m": Standing(points=20, uses={"p": 2, "q": 1})}
    ledger.delivered(ledger.parcels(9))
    for day in (4, 5):
        intake.tidy(now=day * 86_400_000)
        assert (rows(ledger, "lease_use"), rows(ledger, "member_trip"), rows(ledger, "member_past")) == (0, 0, 1)
        assert (intake.purses.rows(LIMITS), intake.purses.standing(["m"])) == (counted, standing)
    with ledger.transaction():
        intake.purses.settle("t3", TripUse(member="m", points=5, uses={"q": 1}))
    assert intake.purses.standing(["m"]) == {"m": Standing(points=25, uses={"p": 2, "q": 2})}
    with ledger.transaction():
        intake.purses.forget(["m"])
    assert intake.purses.standing(["m"]) == {"m": Standing()}


def test_what_the_disk_spoiled_of_a_members_uses_counts_for_nothing_and_the_rest_counts(ledger: Ledger, intake: Intake) -> None:
    with ledger.transaction():
        for trip in ("t1", "t2"):
            intake.purses.settle(trip, TripUse(member="m", points=1, uses={"p": 1}))
        ledger.connection.execute("UPDATE member_trip SET uses = CAST(x'7bff' AS TEXT) WHERE trip = 't1'")
    assert intake.purses.standing(["m"]) == {"m": Standing(points=2, uses={"p": 1})}
    intake.tidy(now=1)
    assert intake.purses.standing(["m"]) == {"m": Standing(points=2, uses={"p": 1})}


def test_what_a_trip_was_lent_that_left_the_disk_open_can_still_be_freed(ledger: Ledger, intake: Intake) -> None:
    device = begun(intake)
    first = device.trip
    assert first is not None
    with ledger.transaction():
        intake.purses.lend(device.holder, first.trip, {}, LIMITS, 1)
    device.trip = None
    device.add(TripStarted(store="shop", currency="EUR", timezone="UTC", snapshot=0))
    sent(intake, device)
    intake.tidy(now=4 * 86_400_000)
    assert stored(ledger, device.name, device.journal) == [2]
    file = Path(ledger.connection.execute("PRAGMA database_list").fetchone()[2])
    assert free_stranded(file, [first.trip]) == [first.trip]
    assert intake.purses.purse("uses", False, USES).free == USES


def test_of_a_member_who_was_erased_no_byte_is_left_in_the_ledger(ledger: Ledger, intake: Intake, tmp_path: Path) -> None:
    with ledger.transaction():
        intake.purses.settle("till-1.j.1", TripUse(member="pseudonym", points=1, uses={"p": 1}))
    clerk = Clerk(ledger, intake, lambda: 0)
    clerk._forget(["pseudonym"])
    clerk.close()
    assert not any(b"pseudonym" in file.read_bytes() for file in tmp_path.iterdir())


def test_who_looks_for_what_is_stranded_waits_for_no_turn_to_write_and_names_damage(ledger: Ledger, tmp_path: Path) -> None:
    file = tmp_path / "ledger.db"
    ledger.close()
    with closing(sqlite3.connect(file, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        assert free_stranded(file, []) == []
    file.write_bytes(b"no database at all" * 500)
    with pytest.raises(StoreUnusable, match=r"ledger.db: a file of the gateway is damaged: .*; restart the gateway"):
        free_stranded(file, [])


LIMITED = {"id": "uses", "kind": "amount", "amount": "1.00", "usage_limit": 2, "target": {"skus": ["a"]}}


async def told_leases(till) -> list[Lease]:
    return [lease for payload in till._of(till.topics.lease) for lease in decode(LeaseMessage, payload).leases]


async def test_over_the_wire_two_terminals_share_one_limit_and_settle_it(shop, started) -> None:
    """Through the real broker: each trip that begins gets its part; the third finds nothing left; what is used is shown."""
    await shop.office.say("promotion", "uses", LIMITED)
    await shop.office.say("product", "a", {"sku": "a", "gtins": [], "name": "A", "unit_price": 400})
    await until(lambda: shop.gateway._replica.position == 2)
    begun = replace(started, snapshot=2)
    tills = [await shop.till("till-1"), await shop.till("till-2"), await shop.till("till-3")]
    for number, till in enumerate(tills):
        till.add(begun)
        await till.send()
        await till.acknowledged(1)
        if number < 2:
            await until(lambda till=till: till._of(till.topics.lease), "a lease")
            (lease,) = (await told_leases(till))[:1]
            assert (lease.holder, lease.left) == (till.trip, 1), "little is left, so that it goes to trips under way"
            till.add(LeasesHeld(leases=(lease.held,)), item("a", snapshot=2), TripFinished(units=1, discount=100, total=300))
        else:
            till.add(item("a", snapshot=2), TripFinished(units=1, discount=0, total=400))
    for till in tills:
        await till.send()
        await till.send(till.events[1:])
    await until(lambda: len(shop.office.receipts) == 3)
    assert await told_leases(tills[2]) == []
    assert sorted(receipt["total"] for receipt in shop.office.receipts) == [300, 300, 400]
    assert shop.office.incidents == []
    assert shop.query("SELECT used FROM purse") == [(2,)]
    await until(
        lambda: [row["used"] for live in shop.office.live[-1:] for row in live["counters"]["limits"]] == [2], "the console"
    )
    await shop.close()
    await shop.open()
    assert shop.query("SELECT used FROM purse") == [(2,)]


async def test_over_the_wire_a_limited_offer_comes_with_its_lease_and_not_at_all_once_it_is_gone(shop, started) -> None:
    member = {"member": "m1", "first_name": "Claire", "cards": ["2900000000010"], "segments": []}
    await shop.office.say("member", "m1", member)
    campaign = {
        "campaign": "c1", "revision": 1, "title": "-1.00", "reason": "you buy it", "state": "running", "segment": "member",
        "promotion": {"id": "c1", "kind": "amount", "amount": "1.00", "usage_limit": 1, "per_member_limit": 3},
    }  # fmt: skip
    await shop.office.say("campaign", "c1", campaign)
    await shop.office.say("product", "a", {"sku": "a", "gtins": [], "name": "A", "unit_price": 400})
    await until(lambda: shop.gateway._replica.position == 3)
    await until(lambda: shop.gateway._greeting._audiences, "the campaign where capsules are made")
    first, second = await shop.till("till-1"), await shop.till("till-2")
    begun = replace(started, snapshot=3)
    for till in (first, second):
        till.add(begun, CardScanned(card="2900000000010"))
        await till.send()
        await until(lambda till=till: till.capsules)
    assert [[offer.offer for offer in till.capsules[0].capsule.offers] for till in (first, second)] == [["c1"], []]
    (lease,) = await told_leases(first)
    capsule = first.capsules[0].capsule
    first.add(
        LeasesHeld(leases=(lease.held,)),
        CapsuleReceived(member="m1", segments=capsule.segments, offers=capsule.offers, standing=capsule.standing),
        item("a", snapshot=3),
        TripFinished(units=1, discount=100, total=300),
    )
    await first.send()
    await until(lambda: len(shop.office.receipts) == 1)
    assert shop.office.incidents == []
    first.add(begun, CardScanned(card="2900000000010"))
    await first.send()
    await until(lambda: first.capsules[-1].capsule.trip == first.trip)
    assert first.capsules[-1].capsule.standing.uses == {"c1": 1}
