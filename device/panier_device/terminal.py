"""One terminal from start to end: journal, shop, drivers, session and screen, opened in order and closed in reverse."""

from __future__ import annotations

import asyncio
import gc
import signal
import sqlite3
import sys
import time
from contextlib import AsyncExitStack, closing
from dataclasses import replace
from functools import partial
from importlib.metadata import PackageNotFoundError, version

from panier.member import Capsule
from panier.message import LeaseMessage, Notice, PriceMessage
from panier.topic import DeviceTopics
from panier_device.agent import Agent
from panier_device.checkout import Checkout
from panier_device.disk import PRICES_DAMAGED, disk_trouble
from panier_device.driver.port import Reading, Scanner
from panier_device.fitting import fit_payment_terminal, fit_printer, fit_scale, fit_scanner, load_numbering, load_rules
from panier_device.hardware import amiss, scanner_trouble
from panier_device.lock import locked
from panier_device.payer import PayingAgent
from panier_device.printing import Press, PrinterState
from panier_device.screen.handheld import Handheld
from panier_device.screen.view import Link, price_mark
from panier_device.screen.word import LANGUAGES
from panier_device.settings import DeviceSettings, address_of
from panier_device.shop import Shop
from panier_device.situation import Message
from panier_device.sync import Sync
from panier_device.tally import Tally
from panier_device.weighing import WeighStation
from panier_io import exposition, log
from panier_io.hangup import end_with_terminal
from panier_io.journal import Journal
from panier_io.memory import frugal_heap
from panier_io.supervisor import Supervisor
from panier_io.vitals import Vitals, room

_TICK = 2.0


def wall_clock() -> int:
    """Milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000


class Terminal:
    """The parts of one running terminal, wired to each other. Use `run`."""

    def __init__(self, settings: DeviceSettings, journal: Journal, shop: Shop) -> None:
        self.settings = settings
        self.words = LANGUAGES[settings.language]
        self.journal = journal
        self.shop = shop
        self.tally = Tally()
        self.scanners = [fit_scanner(scanner) for scanner in settings.scanners]
        self.agent = PayingAgent(
            store=settings.store, currency=settings.currency, timezone=settings.timezone, journal=journal, shop=shop,
            rules=load_rules(settings.loyalty), numbering=load_numbering(settings.numbering), tally=self.tally, clock=wall_clock,
        )  # fmt: skip
        self.sync = Sync(
            self, address=address_of(settings), topics=DeviceTopics(settings.store, settings.device), journal=journal, shop=shop,
            tally=self.tally, software=f"panier {_version()}", clock=wall_clock,
        )  # fmt: skip
        self.station = _station(settings, self.agent, self.tally)
        self.payment = settings.payment and fit_payment_terminal(settings.payment)
        self.checkout: Checkout | None = None
        if settings.payment is not None and self.payment is not None:
            self.checkout = Checkout(self.agent, self.payment, settings.payment, self.tally)
            self.agent.charge = self.checkout.begin
        self.screen = Handheld(self.agent, self.words, self.link, self.currency, self.tally, checkout=self.checkout)
        self.press = _press(settings, self.agent, journal, shop, self.tally)
        if self.press is not None:
            self.press.changed = self.line_changed
            self.screen.print_again = self.press.print_again
        self._shown: Link | None = None
        self._journal_says = ""
        self._metrics_refused = False
        self.vitals = Vitals(
            Supervisor(), vital={"the journal": self._try_journal},
            serving={
                "journal": lambda: self._journal_says, "disk": lambda: room(settings.data_dir / "journal.db"),
                "prices": lambda: shop.trouble,
            },
            noted={"gateway": lambda: "" if self.sync.online else "out of reach; the terminal works alone"},
        )  # fmt: skip
        self.screen.opened = self.vitals.begin
        self.agent.poke = self.sync.poke
        self.agent.restore()

    async def run(self) -> None:
        """Until the screen is closed or the process is told to end."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self.screen.exit)
        end_with_terminal(lambda: loop.call_soon_threadsafe(self.screen.exit))
        if self.settings.metrics_port:
            exposition.serve(self.settings.metrics_port, self.tally.registry, self.vitals)
        background = asyncio.create_task(self._background(), name="background")
        # A part that fails must not leave a screen that looks alive.
        background.add_done_callback(lambda task: self.screen.exit() if not task.cancelled() else None)
        try:
            await self.screen.run_async(mouse=False)
        finally:
            self.vitals.end()
            if not background.done():
                background.cancel()
            await asyncio.gather(background, return_exceptions=True)
        if not background.cancelled() and (failure := background.exception()):
            raise failure
        if self.screen.return_code:
            raise SystemExit(self.screen.return_code)

    async def _background(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for scanner in self.scanners:
                tasks.create_task(scanner.run(partial(self._read, scanner)))
            if self.station is not None:
                tasks.create_task(self.station.scale.run())
                tasks.create_task(self.station.run())
            if self.checkout is not None:
                tasks.create_task(self.checkout.run())
            if self.press is not None:
                tasks.create_task(self.press.run())
            tasks.create_task(self.sync.run())
            tasks.create_task(self._tick())
            tasks.create_task(self.vitals.run())

    async def _tick(self) -> None:
        while True:
            self.line_changed()
            self.sync.report_hardware(self._amiss())
            self.tally.waiting.set(self.journal.waiting)
            for scanner in self.scanners:
                self.tally.watch(scanner)
            if self.station is not None:
                self.tally.scale_noise.set(self.station.scale.noise)
            if self.payment is not None:
                self.tally.watch_payment(self.payment.trouble, self.payment.broken)
            if self.press is not None:
                self.tally.printer_noise.set(self.press.noise)
            self._write_metrics()
            await asyncio.sleep(_TICK)

    def _amiss(self) -> str:
        payment = "" if self.payment is None else self.payment.trouble
        disk = disk_trouble(self.journal, self.settings.data_dir) or (PRICES_DAMAGED if self.shop.trouble else "")
        return amiss(self.scanners, self.station and self.station.scale, self._printer, payment, disk)

    def _write_metrics(self) -> None:
        if self.settings.metrics_file is None:
            return
        try:
            self.tally.write(self.settings.metrics_file)
        except OSError as error:
            if not self._metrics_refused:
                log.logger("metrics").warning("metrics_refused", file=str(self.settings.metrics_file), reason=str(error))
            self._metrics_refused = True
        else:
            self._metrics_refused = False

    async def _try_journal(self) -> None:
        try:
            self.journal.try_writing()
        except sqlite3.Error as error:
            self._journal_says = str(error)
        else:
            self._journal_says = ""

    def _read(self, scanner: Scanner, reading: Reading) -> None:
        self.screen.scanned()
        try:
            accepted = self.agent.take(reading)
        except Exception:
            # The scanner's driver logs it and goes on; the shopper heard a beep and must not take the item for counted.
            self.agent.now = replace(self.agent.now, message=Message("scan_failed", "attention"))
            self.screen.repaint()
            raise
        scanner.tell(accepted=accepted)

    def link(self) -> Link:
        """How we stand with the gateway."""
        supply, online = self.sync.supply, self.sync.online
        mark = price_mark(
            self.words, version=supply.held.version, confirmed_at=supply.held.confirmed_at, now=wall_clock(),
            is_newest=online and supply.is_newest, limit_s=self.settings.price_age_s, progress=supply.progress,
        )  # fmt: skip
        return Link(online, mark, scanner_trouble(self.scanners), self._printer)

    @property
    def _printer(self) -> PrinterState | None:
        return None if self.press is None else self.press.state

    def currency(self) -> str:
        """The store's currency."""
        return self.sync.supply.held.currency or self.settings.currency

    # What the gateway says goes to the agent; what concerns the line only, to the screen.

    def line_changed(self) -> None:
        link = self.link()
        if link != self._shown:
            self._shown = link
            self.screen.repaint()

    def capsule_arrived(self, capsule: Capsule) -> None:
        self.agent.capsule_arrived(capsule)

    def leases_arrived(self, message: LeaseMessage) -> None:
        self.agent.leases_arrived(message)

    def notice_arrived(self, notice: Notice) -> None:
        self.agent.notice_arrived(notice)

    def price_arrived(self, message: PriceMessage) -> None:
        self.agent.price_arrived(message)

    def snapshot_arrived(self) -> None:
        self.agent.snapshot_arrived()
        set_aside(thoroughly=self.agent.now.trip is None)

    def journal_renewed(self) -> None:
        self.agent.restore()
        self.screen.repaint()


async def run(settings: DeviceSettings) -> None:
    """Runs a terminal until it is told to end. Raises AlreadyRunning, JournalUnusable and what a broken part raises."""
    # Threads load prices while codes are scanned: let the screen have the interpreter back sooner than after 5 ms.
    sys.setswitchinterval(0.001)
    frugal_heap()
    directory = settings.data_dir
    async with AsyncExitStack() as terminal:
        terminal.enter_context(locked(directory))
        log.setup(settings.log_level, file=directory / "device.log", as_json=True)
        journal = terminal.enter_context(closing(Journal(directory / "journal.db", settings.device)))
        if journal.damage:
            log.logger("journal").error("journal_damaged", reason=str(journal.damage))
        shop = terminal.enter_context(closing(Shop(directory / "shop.db")))
        if shop.damage:
            log.logger("shop").error("assortment_damaged", reason=shop.damage, now="begins empty, and is fetched again")
        running = Terminal(settings, journal, shop)
        set_aside()
        await running.run()


def set_aside(*, thoroughly: bool = False) -> None:
    """Keeps the garbage collector from what is loaded by now, which stays: a search of it would hold up a frame for nothing.

    Promotions that were set aside and are replaced go by their reference counts. What else was alive at that moment and ends in
    a cycle stays until a thorough call, which takes some 100 ms and therefore waits for a moment without a trip.
    """
    if thoroughly:
        gc.unfreeze()
    gc.collect()
    gc.freeze()


def _station(settings: DeviceSettings, agent: Agent, tally: Tally) -> WeighStation | None:
    if settings.scale is None:
        return None
    scale = fit_scale(settings.scale)
    profile = scale.profile
    station = WeighStation(scale, agent, tally, least=profile.least, tare=settings.scale.tare, tare_by=profile.tare)
    agent.weigh = station.begin
    agent.weigh_again = station.again
    return station


def _press(settings: DeviceSettings, agent: Agent, journal: Journal, shop: Shop, tally: Tally) -> Press | None:
    if settings.printer is None:
        return None
    press = Press(fit_printer(settings.printer), journal, tally, fingerprint=lambda: shop.held.fingerprint)
    agent.receipt = press.slip_of
    return press


def _version() -> str:
    try:
        return version("panier")
    except PackageNotFoundError:
        return "unknown"
