"""The store gateway: one process a store, its whole life on one screen."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import sqlite3
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from typing import Protocol, TypeVar

import httpx

from panier.message import Manifest
from panier.topic import StoreTopics
from panier.trip import Trip
from panier_gateway import metrics, ready
from panier_gateway.broker import EmbeddedBroker
from panier_gateway.clerk import Clerk
from panier_gateway.closing import Settled
from panier_gateway.credential import Credential
from panier_gateway.disk import Disk
from panier_gateway.distribution import Distribution
from panier_gateway.floor import Floor
from panier_gateway.following import Following
from panier_gateway.forwarding import BackOffice, Forwarding, LiveReport
from panier_gateway.greeting import Greeting
from panier_gateway.incident import CLIENTS_TOLD
from panier_gateway.intake import Intake
from panier_gateway.ledger import Ledger
from panier_gateway.lending import Lending
from panier_gateway.patience import Patience
from panier_gateway.pricing import Pricing
from panier_gateway.publication import Publication
from panier_gateway.reception import Reception
from panier_gateway.registry import GATEWAY, Identity, Registry, hash_password, new_password
from panier_gateway.replica import Applied, Replica
from panier_gateway.settings import BackOfficeSettings, GatewaySettings
from panier_gateway.settlement import Settlement
from panier_gateway.violation import Violation, Violations
from panier_gateway.wire import Wire
from panier_io import exposition
from panier_io.log import logger
from panier_io.memory import frugal_heap, spare_collector
from panier_io.session import Address, Session
from panier_io.supervisor import Supervisor
from panier_io.vitals import Vitals

_TIDY_EVERY = 3600.0
_MANIFEST_EVERY = 30.0
_RIGHTS_POLL = 1.0
_REGISTRY_POLL = 0.5
"""Seconds until an enrolment is noticed."""


_THREADS = 3
"""For what would hold up the event loop, which waits for the disk most of the time; each keeps 250 kB that it freed."""


def now_ms() -> int:
    """Milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000


async def run(settings: GatewaySettings, on_ready: Callable[[ready.Ready], None] = lambda _: None) -> None:
    """Runs a store's gateway until SIGTERM or SIGINT; then takes in what has arrived and stops in order.

    Raises PanierError where it cannot start. A kill -9 at any moment loses nothing: devices keep what is not acknowledged.
    """
    frugal_heap()
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(_THREADS, thread_name_prefix="helper"))
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with AsyncExitStack() as shop:
        shop.enter_context(ready.lock(settings.data_dir))
        ready.withdraw(settings.data_dir)
        gateway = Gateway(settings, shop)
        # Searching what was loaded for garbage would hold up every device's answer now and then for nothing.
        spare_collector()
        await gateway.run(stop, on_ready)


class _Closable(Protocol):
    def close(self) -> None: ...


class _Part(Protocol):
    async def run(self) -> None: ...


_C = TypeVar("_C", bound=_Closable)


class Gateway:
    """The parts of a store's gateway and how they are wired. `shop` closes what is opened here, in reverse."""

    def __init__(self, settings: GatewaySettings, shop: AsyncExitStack) -> None:
        data = settings.data_dir
        self._settings = settings
        self._shop = shop
        self._log = logger("gateway")
        self.boot = secrets.token_hex(8)
        self._topics = StoreTopics(settings.store)
        self._credential = Credential(settings.store)
        self._wire = Wire(self._topics)
        self._registry = _closing(shop, Registry(data / "registry.db"))
        self._replica = _closing(shop, Replica(data / "feed.db", settings.currency))
        ledger = _closing(shop, Ledger(data / "ledger.db"))
        self._settlement = Settlement(settings.store, self._replica)
        self._loop = asyncio.get_running_loop()
        intake = Intake(settings.store, ledger, self._settle, self._settlement.member_of)
        self._clerk = _closing(shop, Clerk(ledger, intake, now_ms))
        self._floor = Floor(settings.currency)
        self._floor.restore(intake.open_trips(), intake.quarantined())
        self._lending = Lending(
            self._replica, self._clerk, settings.currency, self._wire.greet, lambda: len(self._floor.terminals), now_ms
        )  # fmt: skip
        self._lending.restore(intake.open_trips())
        self._greeting = Greeting(
            self._replica, self._wire.greet, now_ms, self._lending.to_offer, self._clerk.standing, self._offers_left_out
        )  # fmt: skip
        self._greeting.restore(intake.open_trips())
        self._distribution = _closing(shop, Distribution(self._replica, self._wire.hand_out))
        self._publication = Publication(
            self._topics, settings.timezone, self._floor, self._clerk, self._wire.retain, now_ms,
            limits=lambda: self._lending.limits, total=self._settlement.total,
        )  # fmt: skip
        self._left_over, self._unsaid = asyncio.Event(), asyncio.Event()
        self._disk = Disk(self._floor, self._clerk, self._publication.wake, self._disk_is_back)
        self._reception = Reception(
            self._topics, clerk=self._clerk, floor=self._floor, greeting=self._greeting, lending=self._lending,
            pricing=Pricing(self._replica, self._floor, self._wire.greet, settings.vat_rate), distribution=self._distribution,
            send=self._wire.send, changed=self._publication.wake, posted=self._outbox_grew,
            disk_refused=self._disk.refused, clock=now_ms,
        )  # fmt: skip
        self._broker = EmbeddedBroker(settings.broker, settings.store, data) if settings.broker.kind == "embedded" else None
        self._violations = Violations(data / "broker" / "broker.log")
        self._untold: dict[str, Violation] = {}
        self._password = settings.broker.password.get_secret_value() if settings.broker.password else new_password()
        self._own = Identity(settings.broker.username, GATEWAY, hash_password(self._password))
        self._session = self._wire.session = self._new_session()
        self._forwarding: Forwarding | None = None
        self._patience: tuple[Patience, ...] = ()
        self._connected = asyncio.Event()
        self.vitals = Vitals(
            Supervisor(), vital={"the ledger": self._clerk.pulse},
            serving={"broker": self._why_no_broker, "disk": lambda: self._floor.disk or ""},
            noted={"back office": self._why_no_office},
        )  # fmt: skip

    async def run(self, stop: asyncio.Event, on_ready: Callable[[ready.Ready], None]) -> None:
        """Starts everything, tells when events are taken, and runs until `stop`."""
        self._reception.enrol(self._devices())
        if self._broker:
            self._shop.push_async_callback(self._broker.stop)
            await self._broker.start(self._identities())
        metrics_port = self._serve_metrics()
        parts: list[_Part] = [self._reception, self._distribution, self._publication, self._greeting]
        parts += await self._office_parts(self._settings.backoffice) if self._settings.backoffice else []
        async with asyncio.TaskGroup() as group:
            keep_at = self._disk.keep_at
            lines = [group.create_task(keep_at("session", self._session.run))]
            lines += (
                [group.create_task(self._broker.supervise()), group.create_task(self._broker.attend())] if self._broker else []
            )
            lines += [group.create_task(self.vitals.run())]
            work = [group.create_task(keep_at(type(part).__name__.lower(), part.run)) for part in parts]
            work += [group.create_task(keep_at("registry", self._watch_registry)), group.create_task(self._disk.run())]
            work += [group.create_task(keep_at("settlement", self._settle_what_is_left))]
            work += [group.create_task(keep_at("greeting", self._say_what_was_not_said))]
            work += [group.create_task(keep_at("decisions", self._do_what_is_decided))]
            work += [group.create_task(keep_at("tidying", self._tidy))]
            work += [group.create_task(keep_at("manifest", self._repeat_manifest))]
            work += [group.create_task(keep_at("violations", self._watch_rights))] if self._broker else []
            await _first_of(self._connected, stop)
            if self._connected.is_set():
                self._tell(on_ready, metrics_port)
            await stop.wait()
            self._log.info("stopping")
            self.vitals.end()
            await self._reception.finish()
            await _end(work)
            await _end(lines)
        self._log.info("stopped")

    def _new_session(self) -> Session:
        at = self._settings.broker
        port = self._broker.port if self._broker else at.port
        # NATS binds no client id to its user: with one that can be guessed, any device could cut the gateway off.
        client_id = f"gateway-{secrets.token_hex(8)}"
        return Session(
            Address(host=at.address, port=port, username=at.username, password=self._password, client_id=client_id),
            subscriptions=[self._topics.every_device, self._topics.act],
            on_connect=self._on_connect,
            on_message=self._reception.receive,
        )

    def _devices(self) -> list[str]:
        return [identity.name for identity in self._registry.identities() if identity.role == "device"]

    def _identities(self) -> list[Identity]:
        return [self._own, *self._registry.identities()]

    async def _on_connect(self) -> None:
        await self._announce()
        self._publication.repeat_all()
        self._connected.set()
        try:
            await self._greeting.reconnected()
        except sqlite3.Error as error:
            self._disk.refused("greeting", error)

    async def _announce(self) -> None:
        version, fingerprint = self._replica.newest
        manifest = Manifest(
            version=version, fingerprint=str(fingerprint), boot=self.boot, at=now_ms(),
            currency=self._settings.currency, timezone=self._settings.timezone,
        )  # fmt: skip
        await self._wire.announce(manifest)

    async def _repeat_manifest(self) -> None:
        """A device that missed it would sell at old prices as if they were today's."""
        while True:
            await asyncio.sleep(_MANIFEST_EVERY)
            await self._announce()

    async def _feed_changed(self, applied: Applied) -> None:
        if applied.another:
            self._settlement.forget()
            self._distribution.forget()
            await self._clerk.report_another_feed(applied.another)
            self._outbox_grew()
        if applied.whole:
            self._floor.changed.update(dict.fromkeys(self._floor.terminals))  # totals that could not be reckoned before
        self._left_over.set()
        if applied.snapshot:
            await self._announce()
        if applied.snapshot or applied.campaigns:
            await self._lending.feed_changed(snapshot=applied.snapshot, campaigns=applied.campaigns)
        await self._greeting.feed_changed(campaigns=applied.campaigns, members=applied.members)

    async def _offers_left_out(self, campaigns: Collection[str]) -> None:
        await self._clerk.report_left_out(campaigns)
        self._outbox_grew()

    def _settle(self, trip: Trip) -> Settled:
        """In the ledger's thread: where the feed's disk refuses, the trip stays unsettled, to be tried again when it is back."""
        try:
            return self._settlement.settle(trip)
        except sqlite3.Error as error:
            self._loop.call_soon_threadsafe(self._disk.refused, "settlement", error)
            raise

    async def _settle_what_is_left(self) -> None:
        """At the start, whenever the feed brought what may have been missing, and when the disk is back."""
        await self._clerk.report_damage([found for found in (self._registry.damage, self._replica.damage) if found])
        self._outbox_grew()
        while True:
            self._left_over.clear()
            settled, refused = await self._clerk.settle_what_is_left(), await asyncio.to_thread(self._replica.refused)
            if refused:
                # Forgotten only when the incident is on the disk; told twice, it is one incident.
                await self._clerk.report_refused_entries(refused)
                await asyncio.to_thread(self._replica.forget_refused, refused[-1].sequence)
            if gone := await asyncio.to_thread(self._replica.gone):
                await self._clerk.forget(gone)
                await asyncio.to_thread(self._replica.forget_gone, gone)
            if settled or refused:
                self._outbox_grew()
            await self._left_over.wait()

    async def _say_what_was_not_said(self) -> None:
        """Leases and capsules that a refusing disk kept from devices, when it is back."""
        while True:
            await self._unsaid.wait()
            self._unsaid.clear()
            await self._lending.repeat()
            await self._greeting.repeat()

    async def _do_what_is_decided(self) -> None:
        """What people decided with `panier replay`, at the start and within a moment of when they did."""
        while True:
            if await self._reception.do_what_is_decided():
                self._floor.restore_quarantine(await self._clerk.quarantined())
                self._floor.keep_refused(await self._clerk.refused())
                self._outbox_grew()
            await asyncio.sleep(_REGISTRY_POLL)

    async def _watch_rights(self) -> None:
        while True:
            for violation in self._violations.read():
                if violation.client not in self._untold and len(self._untold) <= CLIENTS_TOLD:
                    self._log.warning("rights_exceeded", text=str(violation))
                    self._untold[violation.client] = violation
            for client in list(self._untold):
                # Forgotten only when the incident is on the disk: the log is not read again.
                await self._clerk.report_violation(self._untold[client])
                del self._untold[client]
                self._outbox_grew()
            await asyncio.sleep(_RIGHTS_POLL)

    async def _tidy(self) -> None:
        while True:
            more = await self._clerk.tidy()
            await asyncio.sleep(1.0 if more else _TIDY_EVERY)

    def _outbox_grew(self) -> None:
        self._publication.wake()
        if self._forwarding:
            self._forwarding.wake()

    def _disk_is_back(self) -> None:
        self._left_over.set()
        self._unsaid.set()
        self._outbox_grew()

    async def _watch_registry(self) -> None:
        while True:
            await asyncio.sleep(_REGISTRY_POLL)
            if self._registry.changed():
                devices = self._devices()
                self._reception.enrol(devices)
                self._publication.wake()
                if self._broker:
                    self._broker.reload(self._identities())
                # Only now: where the disk refused the broker's configuration, the next round tries again.
                self._registry.seen()
                self._log.info("registry_changed", devices=len(devices))

    async def _office_parts(self, at: BackOfficeSettings) -> list[_Part]:
        headers = {"Authorization": f"Bearer {at.token.get_secret_value()}"}
        client = await self._shop.enter_async_context(
            httpx.AsyncClient(base_url=at.url, headers=headers, timeout=10, event_hooks={"response": [self._credential.look]})
        )
        store = self._settings.store
        office = BackOffice(client, store, self._reached)
        for_feed, for_outbox, for_live = self._patience = (Patience(), Patience(), Patience())
        self._forwarding = Forwarding(self._clerk, office, for_outbox)
        report = LiveReport(office, self._publication.live, for_live)
        self._publication.watch(report.wake)
        return [Following(client, store, self._replica, self._feed_changed, self._reached, for_feed), self._forwarding, report]

    def _reached(self, reached: bool) -> None:
        if reached and self._floor.backoffice != "connected":
            for patience in self._patience:
                patience.cut_short()
        self._floor.backoffice = "connected" if reached else "refused" if self._credential.refused else "unreachable"
        self._publication.wake()

    def _tell(self, on_ready: Callable[[ready.Ready], None], metrics_port: int | None) -> None:
        at, settings = self._settings.broker, self._settings
        told = ready.Ready(
            store=settings.store, broker_host=at.address, broker_port=self._broker.port if self._broker else at.port,
            boot=self.boot, pid=os.getpid(), broker_pid=self._broker.pid if self._broker else None, metrics_port=metrics_port,
        )  # fmt: skip
        told.write(settings.data_dir)
        on_ready(told)
        self.vitals.begin()
        self._log.info("ready", store=settings.store, broker=f"{told.broker_host}:{told.broker_port}")

    def _serve_metrics(self) -> int | None:
        if self._settings.metrics_port is None:
            return None
        server, port = exposition.serve(self._settings.metrics_port, metrics.registry(self._figures), self.vitals)
        self._shop.callback(server.shutdown)
        return port

    def _figures(self) -> dict[str, float]:
        counters = self._floor.counters()
        return {
            "events_stored_total": self._reception.events_stored,
            "batches_stored_total": self._reception.batches_stored,
            "messages_refused_total": self._reception.messages_refused,
            "capsules_sent_total": self._greeting.capsules_sent,
            "snapshot_parts_sent_total": self._distribution.parts_sent,
            "forwarded_total": self._forwarding.forwarded if self._forwarding else 0,
            "broker_restarts_total": self._broker.restarts if self._broker else 0,
            "waiting_for_backoffice": counters.waiting_for_backoffice,
            "backoffice_connected": counters.backoffice == "connected",
            "disk_refusals_total": self._disk.refusals,
            "dead_letters": counters.dead_letters,
            "incidents_today": counters.incidents,
            "trips_open": counters.trips_open,
            "promotions_refused_total": self._replica.promotions_refused,
            "snapshot_version": self._replica.newest[0],
        }

    def _why_no_broker(self) -> str:
        return "" if self._session.connected else "not connected"

    def _why_no_office(self) -> str:
        away = self._forwarding and self._floor.backoffice != "connected"
        return f"{self._credential.refused or 'out of reach'}; receipts wait here" if away else ""


def _closing(shop: AsyncExitStack, part: _C) -> _C:
    shop.callback(part.close)
    return part


async def _first_of(*events: asyncio.Event) -> None:
    waiting = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waiting:
            one.cancel()


async def _end(tasks: Collection[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
