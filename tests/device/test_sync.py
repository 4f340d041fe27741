"""The device's side of the protocol against a real broker and a gateway that speaks the messages by itself."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import subprocess
import sysconfig
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiomqtt
import pytest
from tests.device.conftest import Clock, Desk, changes, open_desk, total_of, whole
from tests.waiting import until

from panier.member import Capsule
from panier.message import Acknowledgement, CapsuleMessage, Manifest, Message, Notice, PriceMessage, SnapshotPart
from panier.snapshot import Change
from panier.topic import DeviceTopics, StoreTopics
from panier.trip import HelpEnded, HelpRequested, ItemAdded, TripStarted
from panier_device.sync import Sync
from panier_io.journal import Journal
from panier_io.session import Address
from panier_io.store import row_sum

TOPICS = DeviceTopics("north", "hand-1")
STORE = StoreTopics("north")


class Broker:
    """nats-server with MQTT on a port that stays, with accounts for one device and one gateway."""

    def __init__(self, directory: Path, port: int) -> None:
        self._directory = directory
        self.port = port
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        self._spawn()
        await until(self._answers)

    def _spawn(self) -> None:
        configuration = self._directory / "nats.conf"
        configuration.write_text(
            f'server_name: "test"\nlisten: "127.0.0.1:-1"\njetstream {{\n  store_dir: "{self._directory / "store"}"\n}}\n'
            f'mqtt {{\n  listen: "127.0.0.1:{self.port}"\n}}\n'
            'authorization { users: [{user: "hand-1", password: "secret"}, {user: "gateway", password: "secret"}] }\n'
        )
        binary = Path(sysconfig.get_path("scripts")) / "nats-server"
        self._process = subprocess.Popen([binary, "-c", configuration], stderr=subprocess.DEVNULL)

    def _answers(self) -> bool:
        with socket.socket() as attempt:
            return attempt.connect_ex(("127.0.0.1", self.port)) == 0

    def kill(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None
            # It may come back without anything that it held: nothing rests on the broker's memory.
            shutil.rmtree(self._directory / "store", ignore_errors=True)


@dataclass
class Gateway:
    """Stores events without a gap and acknowledges, or keeps silent; hands out what it is told to."""

    client: aiomqtt.Client
    stored: list[int] = field(default_factory=list)
    batches: int = 0
    statuses: list[str] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    hardware: list[str] = field(default_factory=list)
    asks: list[dict[str, int]] = field(default_factory=list)
    parts: Callable[[dict[str, int]], SnapshotPart | None] = lambda _: None
    silent: bool = False

    async def run(self) -> None:
        async for message in self.client.messages:
            held = json.loads(message.payload)
            match message.topic.value.rsplit("/", 1)[1]:
                case "events":
                    self.batches += 1
                    for event in held["events"]:
                        if event["sequence"] == len(self.stored) + 1:
                            self.stored.append(event["sequence"])
                    await self.acknowledge(held["journal"])
                case "status":
                    self.statuses.append(held["state"])
                    self.troubles.append(held.get("trouble", ""))
                    self.hardware.append(held.get("hardware", ""))
                    if held["state"] == "online":
                        await self.acknowledge(held["journal"])
                case _:
                    self.asks.append(held)
                    if part := self.parts(held):
                        await self.client.publish(TOPICS.snapshot, part.pack(), qos=1)

    async def acknowledge(self, journal: str, upto: int | None = None) -> None:
        if not self.silent or upto is not None:
            known = len(self.stored) if upto is None else upto
            await self.say(TOPICS.acknowledgement, Acknowledgement(journal=journal, upto=known))

    async def announce(self, version: int, fingerprint: str, *, boot: str = "boot-1") -> None:
        manifest = Manifest(
            version=version, fingerprint=fingerprint, boot=boot, at=1, currency="USD", timezone="America/New_York"
        )
        await self.client.publish(STORE.manifest, manifest.encode(), qos=1, retain=True)

    async def say(self, topic: str, message: Message) -> None:
        await self.client.publish(topic, message.encode(), qos=1)


@dataclass
class Ears:
    """What the agent would be told."""

    capsules: list[Capsule] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    prices: list[PriceMessage] = field(default_factory=list)
    snapshots: int = 0
    renewals: int = 0

    def line_changed(self) -> None: ...

    def capsule_arrived(self, capsule: Capsule) -> None:
        self.capsules.append(capsule)

    def notice_arrived(self, notice: Notice) -> None:
        self.notices.append(notice)

    def price_arrived(self, message: PriceMessage) -> None:
        self.prices.append(message)

    def snapshot_arrived(self) -> None:
        self.snapshots += 1

    def journal_renewed(self) -> None:
        self.renewals += 1


@dataclass
class Store:
    """One device, one broker, one gateway."""

    broker: Broker
    desk: Desk
    ears: Ears
    sync: Sync

    def refused(self, reason: str) -> float:
        return self.desk.tally.malformed.labels(reason)._value.get()

    async def connected(self) -> None:
        """From here on it hears what is said, whatever the broker makes of what it retains."""
        session = self.sync._session
        assert session is not None
        await until(lambda: session.connected)

    def append(self, events: int) -> None:
        trip = self.desk.journal.open_trip()
        if trip is None:
            started = TripStarted(store="north", currency="USD", timezone="UTC", snapshot=0)
            self.desk.journal.append(None, 1, started, *[HelpRequested()] * (events - 1))
        else:
            self.desk.journal.append(trip.trip, 1, *[HelpEnded()] * events)
        self.sync.poke()


@pytest.fixture
def broker(tmp_path: Path, port: int) -> Iterator[Broker]:
    broker = Broker(tmp_path, port)
    yield broker
    broker.kill()


@asynccontextmanager
async def trading(broker: Broker, directory: Path, *, stocked: bool = True) -> AsyncIterator[Store]:
    """The device's end, running."""
    desk, ears = open_desk(directory, Clock(), stocked=stocked), Ears()
    address = Address(host="127.0.0.1", port=broker.port, username="hand-1", password="secret")
    sync = Sync(
        ears,
        address=address,
        topics=TOPICS,
        journal=desk.journal,
        shop=desk.shop,
        tally=desk.tally,
        software="test",
        clock=desk.clock,
    )
    task = asyncio.create_task(sync.run())
    try:
        yield Store(broker, desk, ears, sync)
        assert not task.done(), task.exception()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        desk.close()


@asynccontextmanager
async def gateway_of(broker: Broker, **given: object) -> AsyncIterator[Gateway]:
    async with aiomqtt.Client("127.0.0.1", broker.port, username="gateway", password="secret", identifier="gateway") as client:
        gateway = Gateway(client, **given)  # type: ignore[arg-type]
        # Before anyone else speaks: what comes while a subscription is made may come twice, live and as what is retained.
        await client.subscribe(STORE.every_device, qos=1)
        task = asyncio.create_task(gateway.run())
        try:
            yield gateway
        finally:
            # Before Python 3.12, asyncio.wait_for in aiomqtt swallows a cancellation that comes together with an answer.
            while not task.done():
                task.cancel()
                await asyncio.wait({task}, timeout=0.1)


async def test_events_go_out_are_acknowledged_and_forgotten(broker: Broker, tmp_path: Path):
    await broker.start()
    async with gateway_of(broker) as gateway, trading(broker, tmp_path) as store:
        store.append(450)
        await until(lambda: store.desk.journal.waiting == 0)
        assert gateway.stored == list(range(1, 451))
        assert store.sync.online
        store.append(3)
        await until(lambda: store.desk.journal.waiting == 0)
        assert len(gateway.stored) == 453


async def test_what_happened_offline_goes_out_when_the_broker_comes(broker: Broker, tmp_path: Path):
    async with trading(broker, tmp_path) as store:
        store.append(5)
        assert not store.sync.online
        await broker.start()
        async with gateway_of(broker) as gateway:
            await until(lambda: store.desk.journal.waiting == 0)
            assert gateway.stored == [1, 2, 3, 4, 5]


async def test_a_broker_that_dies_and_forgets_everything_loses_nothing(broker: Broker, tmp_path: Path):
    await broker.start()
    async with trading(broker, tmp_path) as store:
        async with gateway_of(broker, silent=True) as gateway:
            store.append(5)
            await until(lambda: len(gateway.stored) == 5)
        broker.kill()
        await until(lambda: not store.sync.online)
        store.append(2)
        assert store.desk.journal.waiting == 7
        await broker.start()
        async with gateway_of(broker, stored=list(gateway.stored)) as gateway:
            await until(lambda: store.desk.journal.waiting == 0)
            assert gateway.stored == [1, 2, 3, 4, 5, 6, 7]


async def test_a_silent_gateway_gets_events_again_until_it_answers(broker: Broker, tmp_path: Path):
    await broker.start()
    async with gateway_of(broker, silent=True) as gateway, trading(broker, tmp_path) as store:
        store.append(5)
        await until(lambda: gateway.batches >= 2)
        assert store.desk.journal.waiting == 5
        gateway.silent = False
        await until(lambda: store.desk.journal.waiting == 0)


async def test_what_nobody_here_can_read_goes_out_to_be_set_aside_and_holds_nothing_up(broker: Broker, tmp_path: Path):
    journal = Journal(tmp_path / "journal.db", "hand-1")
    trip = journal.append(None, 1, TripStarted(store="north", currency="USD", timezone="UTC", snapshot=0))[0].trip
    unread = '{"kind":"of_a_later_version"}'
    row = (2, trip, 1, unread, row_sum(journal.id, 2, trip, 1, unread))
    journal._conn.execute("INSERT INTO event(sequence, trip, at, what, sum) VALUES (?, ?, ?, ?, ?)", row)
    journal.close()
    await broker.start()
    async with trading(broker, tmp_path) as store, gateway_of(broker) as gateway:
        store.desk.journal.append(trip, 2, HelpRequested())
        store.sync.poke()
        await until(lambda: gateway.stored == [1, 2, 3])
        await until(lambda: store.desk.journal.waiting == 0)


async def test_a_new_boot_of_the_gateway_gets_at_once_what_the_old_one_did_not_acknowledge(
    broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("panier_device.outbox.FIRST_WAIT", 3600.0)
    await broker.start()
    async with gateway_of(broker, silent=True) as gateway, trading(broker, tmp_path) as store:
        await store.connected()
        await gateway.announce(7, total_of(changes()), boot="boot-1")
        await until(lambda: store.sync.supply.manifest)
        store.append(5)
        await until(lambda: gateway.batches >= 1)
        gateway.stored.clear()
        gateway.silent = False
        await gateway.announce(7, total_of(changes()), boot="boot-2")
        await until(lambda: store.desk.journal.waiting == 0)


async def test_wrong_and_malformed_messages_are_counted_and_stop_nothing(broker: Broker, tmp_path: Path):
    await broker.start()
    async with gateway_of(broker, silent=True) as gateway, trading(broker, tmp_path) as store:
        store.append(2)
        await until(lambda: gateway.batches >= 1)
        await gateway.acknowledge("zzzzzz", 2)
        await gateway.acknowledge(store.desk.journal.id, 99)
        await gateway.client.publish(f"{TOPICS.root}/down/surprise", b"{}", qos=1)
        # Before the noise: of many parts at once, the last are as unwanted.
        await until(lambda: store.refused("unwanted_message") == 1)
        for topic in (TOPICS.acknowledgement, TOPICS.capsule, TOPICS.notice, TOPICS.price, STORE.manifest, TOPICS.snapshot):
            for payload in (b"", b"\xff\x00", b"[]", b'{"upto": -1}', b"9" * 2000):
                await gateway.client.publish(topic, payload, qos=1)
        await until(lambda: store.refused("malformed") >= 25)
        assert store.refused("wrong_acknowledgement") == 2
        assert store.desk.journal.acknowledged == 0
        gateway.silent = False
        await until(lambda: store.desk.journal.waiting == 0)


async def test_capsules_notices_and_prices_reach_the_agent(broker: Broker, tmp_path: Path):
    await broker.start()
    async with gateway_of(broker) as gateway, trading(broker, tmp_path) as store:
        await until(lambda: store.sync.online)
        capsule = Capsule(trip="t", member="m", first_name="Claire", segments=("member",), offers=())
        await gateway.say(TOPICS.capsule, CapsuleMessage(capsule=capsule))
        await gateway.say(TOPICS.notice, Notice(trip="t", code="unknown_card", text="?"))
        item = ItemAdded(
            sku="code-1", name="Jam", unit_price=249, category="", tax_rate=None, snapshot=0, entry="staff", answers=2
        )  # fmt: skip
        await gateway.say(TOPICS.price, PriceMessage(trip="t", item=item))
        await until(lambda: bool(store.ears.capsules and store.ears.notices and store.ears.prices))
        assert store.ears.prices[0].item == item
        assert store.ears.capsules == [capsule]


async def test_a_new_device_fetches_everything_part_by_part_then_deltas(broker: Broker, tmp_path: Path):
    await broker.start()
    everything = whole(7, size=2)
    async with (
        gateway_of(broker, parts=lambda ask: everything[ask["part"]]) as gateway,
        trading(broker, tmp_path, stocked=False) as store,
    ):
        await store.connected()
        await gateway.announce(7, total_of(changes()))
        await until(lambda: store.ears.snapshots == 1)
        assert [(ask["have"], ask["part"]) for ask in gateway.asks] == [(0, 0), (0, 1), (0, 2)]
        await until(lambda: store.sync.supply.held.currency == "USD" and store.sync.supply.held.confirmed_at > 0)
        assert store.sync.supply.is_newest
        item, after = Change(version=8, kind="product", key="2"), [one for one in changes() if one.key != "2"]
        delta = SnapshotPart(version=8, fingerprint=total_of(after), since=7, part=0, parts=1, changes=[item])
        gateway.parts = lambda _: delta
        await gateway.announce(8, total_of(after))
        await until(lambda: store.ears.snapshots == 2)
        assert gateway.asks[-1]["have"] == 7
        assert store.desk.shop.find("02000000000022") is None


async def test_a_copy_that_does_not_match_is_thrown_away_and_fetched_anew(broker: Broker, tmp_path: Path):
    await broker.start()
    after = [one for one in changes() if one.key != "2"]

    def answer(ask: dict[str, int]) -> SnapshotPart:
        if ask["have"]:
            return SnapshotPart(version=8, fingerprint=total_of(after), since=ask["have"], part=0, parts=1, changes=[])
        return whole(8, after)[0]

    async with gateway_of(broker, parts=answer) as gateway, trading(broker, tmp_path) as store:
        await store.connected()
        await gateway.announce(8, total_of(after))
        await until(lambda: store.ears.snapshots == 1)
        assert [ask["have"] for ask in gateway.asks] == [7, 0]
        assert store.desk.tally.mismatches._value.get() == 1
        assert store.sync.supply.held.version == 8


async def test_a_part_that_is_newer_than_the_manifest_is_no_reason_to_begin_again(broker: Broker, tmp_path: Path):
    await broker.start()
    after = [one for one in changes() if one.key != "2"]
    part = SnapshotPart(
        version=9, fingerprint=total_of(after), since=7, part=0, parts=1, changes=[Change(version=9, kind="product", key="2")]
    )
    async with gateway_of(broker, parts=lambda _: part) as gateway, trading(broker, tmp_path) as store:
        await store.connected()
        await gateway.announce(8, "1" * 64)
        await until(lambda: store.ears.snapshots == 1)
        await gateway.announce(9, total_of(after))
        store.append(1)
        await until(lambda: store.desk.journal.waiting == 0)
        assert len(gateway.asks) == 1
        assert store.sync.supply.is_newest


async def test_a_load_goes_on_where_it_was_when_the_line_was_cut(broker: Broker, tmp_path: Path):
    await broker.start()
    everything = whole(7, size=2)
    async with trading(broker, tmp_path, stocked=False) as store:
        async with gateway_of(broker, parts=lambda ask: everything[0] if ask["part"] == 0 else None) as gateway:
            await store.connected()
            await gateway.announce(7, total_of(changes()))
            await until(lambda: len(gateway.asks) >= 2)
        broker.kill()
        await until(lambda: not store.sync.online)
        await broker.start()
        async with gateway_of(broker, parts=lambda ask: everything[ask["part"]]) as gateway:
            await until(lambda: store.ears.snapshots == 1)
            assert gateway.asks[0]["part"] == 1


async def test_the_gateway_sees_birth_and_farewell(broker: Broker, tmp_path: Path):
    await broker.start()
    async with gateway_of(broker) as gateway:
        async with trading(broker, tmp_path) as store:
            await until(lambda: store.sync.online)
        await until(lambda: gateway.statuses == ["online", "offline"])


async def test_a_journal_that_staff_released_goes_on_in_a_new_one(broker: Broker, tmp_path: Path):
    await broker.start()
    async with gateway_of(broker, silent=True) as gateway, trading(broker, tmp_path) as store:
        store.append(5)
        await until(lambda: gateway.batches >= 1)
        before = store.desk.journal.id
        gateway.stored.clear()
        gateway.silent = False
        await gateway.say(TOPICS.acknowledgement, Acknowledgement(journal=before, upto=2, renew=True))
        await until(lambda: store.desk.journal.id != before and store.desk.journal.waiting == 0)
        assert store.ears.renewals == 1
        # The whole trip again, under new names, because part of it was in dispute.
        assert gateway.stored == [1, 2, 3, 4, 5]


async def test_a_disk_that_was_put_back_to_an_older_copy_is_told_to_staff(broker: Broker, tmp_path: Path):
    await broker.start()
    async with gateway_of(broker) as gateway, trading(broker, tmp_path) as store:
        store.append(5)
        await until(lambda: store.desk.journal.waiting == 0)
        gateway.stored.extend(range(6, 41))
        await gateway.acknowledge(store.desk.journal.id)
        await until(lambda: any("ends at 5 here, at 40 there" in trouble for trouble in gateway.troubles))
        assert store.refused("wrong_acknowledgement") >= 1


async def test_what_is_amiss_with_the_hardware_is_said_once_and_taken_back(broker: Broker, tmp_path: Path):
    await broker.start()
    async with gateway_of(broker) as gateway, trading(broker, tmp_path) as store:
        await until(lambda: gateway.hardware == [""])
        store.sync.report_hardware("scanner away")
        store.sync.report_hardware("scanner away")
        await until(lambda: gateway.hardware == ["", "scanner away"])
        store.sync.report_hardware("")
        await until(lambda: gateway.hardware == ["", "scanner away", ""])


async def test_a_time_zone_that_nobody_knows_is_not_taken_over(broker: Broker, tmp_path: Path):
    await broker.start()
    async with gateway_of(broker) as gateway, trading(broker, tmp_path) as store:
        await store.connected()
        manifest = Manifest(version=7, fingerprint=total_of(changes()), boot="b", at=1, currency="EUR", timezone="Mars/Olympus")
        await gateway.client.publish(STORE.manifest, manifest.encode(), qos=1, retain=True)
        await until(lambda: store.refused("unknown_timezone") >= 1)
        assert store.desk.shop.held.timezone == "America/New_York"
