"""Draws the pictures of README and docs from the running programs: `make pictures`, or `draw.py receipt` for that one alone.

Opens a demo store, lets simulated shoppers in, and takes the handheld, the staff monitor and the marketing console as they are.
Needs Chromium from the distribution.
"""

from __future__ import annotations

import asyncio
import io
import shutil
import sys
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, async_playwright
from rich.console import Console
from rich.segment import Segment, Segments
from rich.style import Style
from rich.terminal_theme import MONOKAI

from panier.offer import Offer
from panier.payment import Payment, PaymentBegun, PaymentEnded
from panier.receipt import Receipt, form_receipt
from panier.slip import lay_out, masked
from panier.till import compile_definitions, compile_offers, price_trip
from panier.trip import Line, Trip, TripFinished
from panier.weighed import Weighing
from panier_device.driver.escpos_writer import compose
from panier_device.driver.printer_profile import load_printer
from panier_io.firmware import firmware_config
from panier_simulators.command import build_sample
from panier_simulators.demo.audit import drained
from panier_simulators.demo.goods import TODAY, shelf, wallet
from panier_simulators.demo.premises import ADMIN, HANDHELD, Premises, open_premises
from panier_simulators.demo.role import PANIER
from panier_simulators.fleet import Post, Store, device_command, is_ready
from panier_simulators.glance import read
from panier_simulators.printer.interpreter import Interpreter
from panier_simulators.printer.paper import sheets
from panier_simulators.printer.picture import draw
from panier_simulators.sample.numbering import product_code
from panier_simulators.sample.shop import SampleShop, open_sample
from panier_simulators.scanner import SimulatedScanner
from panier_simulators.screen import SimulatedTerminal
from panier_simulators.shopper import Manner

HERE = Path(__file__).parent
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
]
TERMINALS = 8
TRIPS = 30
"""So many trips are finished before the console is drawn, so that it has something to say."""
_TEMPLATE = """<!doctype html><meta charset="utf-8"><style>
body {{ margin: 0; padding: 14px; background: #1b1b1f; width: max-content }}
pre {{ margin: 0; font: 16px/18px "DejaVu Sans Mono", monospace; }}</style>{code}"""


def say(words: str) -> None:
    sys.stderr.write(f"{words}\n")


def draw_receipt() -> None:
    """Paper out of a simulated printer, from the bytes that the driver writes."""
    profile = load_printer("epson-tm-t88", firmware_config() / "printers")
    machine = Interpreter(profile.dots)
    for piece in compose(lay_out(specimen(), profile.columns, card=masked("2900000000179")), profile):
        machine.feed(piece)
    machine.run()
    draw(sheets(machine.items)[0], profile.dots).save(HERE / "receipt.png", optimize=True)


def specimen() -> Receipt:
    """A receipt with everything that one can say: weights, deposit, an offer, a coupon, a tender, tax at two rates."""

    def line(name: str, price: int, quantity: int = 1, rate: str = "5.5", deposit: int = 0, *bags: Weighing) -> Line:
        return Line(
            sku=name, name=name, unit_price=price, category="", tax_rate=rate, snapshot=7, quantity=quantity, deposit=deposit,
            weighings=bags,
        )  # fmt: skip

    figs = Weighing(grams=552, tare=20, price_per_kg=399)
    lines = (
        line("Crème brûlée à la vanille Bourbon de Madagascar", 240, 2), line("Grüner Tee", 1240),
        line("Cola 1 l", 150, 6, "20", 25), line("Figs", 212, 1, "5.5", 0, figs),
    )  # fmt: skip
    offer = Offer(
        offer="mine", revision=1, title="-20 % green tea", reason="you buy it monthly",
        promotion={"kind": "percent", "percent": "20", "target": {"skus": ["Grüner Tee"]}},
    )  # fmt: skip
    begun = PaymentBegun(reference="till-1.k3f9qa.130", amount=2634, units=10, discount=348)
    ended = PaymentEnded(reference=begun.reference, outcome="approved", trace="000123", terminal="52000001")
    trip = Trip(
        trip="till-1.k3f9qa.118", store="north", currency="EUR", timezone="Europe/Paris", snapshot=7,
        started_at=1_772_468_000_000, last_at=1_772_469_000_000,
        first_sequence=118, last_sequence=131, member="m-17", offers=(offer,), lines=lines,
        coupons=frozenset({"COLA-1"}), payment=Payment(begun=begun, at=1_772_468_900_000, ended=ended),
        finished=TripFinished(units=10, discount=348, total=2634),
    )  # fmt: skip
    coupon = {"kind": "amount", "amount": "1.00", "coupon": "COLA-1", "target": {"skus": ["Cola 1 l"]}, "title": "1.00 off cola"}
    shelf, _ = compile_definitions({"cola": coupon}, "EUR")
    offers, _ = compile_offers(trip.offers, "EUR")
    return form_receipt(trip, price_trip(trip, shelf, offers), "0" * 64, "till-1", "k3f9qa")


async def main() -> None:
    draw_receipt()
    if sys.argv[1:] == ["receipt"]:
        return
    chromium = shutil.which("chromium") or sys.exit("make pictures needs Chromium: apt install chromium")
    sample = open_sample(build_sample(None, None).directory)
    with tempfile.TemporaryDirectory(prefix="panier-pictures-") as made:
        async with (
            async_playwright() as playwright,
            open_premises(Path(made), sample, TERMINALS, say, with_handheld=True) as premises,
        ):
            browser = await playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
            posts = [Post.read(file) for file in premises.terminals]
            async with Store(posts, manner=Manner(speed=8), seed=7) as store:
                await store.wait_until_ready()
                shopping = asyncio.create_task(store.replay(sample.trips(400, seed=7)))
                async with handheld(premises, sample) as terminal:
                    await save(terminal, browser, "handheld.png")
                    terminal.send("h")
                    await draw_monitor(premises, browser)
                await draw_console(premises, browser)
                shopping.cancel()
                await asyncio.gather(shopping, return_exceptions=True)


@asynccontextmanager
async def handheld(premises: Premises, sample: SampleShop) -> AsyncGenerator[SimulatedTerminal]:
    """A handheld in mid-trip: a member's card, and a basket of which some things are on offer for this member."""
    assert premises.handheld is not None
    post = Post.read(premises.handheld)
    port, programmed = post.serial[0]
    terminal = SimulatedTerminal(device_command(post.settings), name=HANDHELD)
    with SimulatedScanner(port, programmed) as scanner:
        await terminal.start()
        try:
            await terminal.wait_for(lambda rows: is_ready(rows) or None, 120, "the start screen")
            card = wallet(sample)[0].code
            await asyncio.to_thread(scanner.scan, card)
            await terminal.wait_for(lambda rows: read(rows).offers > 0 or None, 20, "offers")
            for units, code in enumerate(basket(sample, card), start=1):
                await asyncio.to_thread(scanner.scan, code)
                await terminal.wait_for(lambda rows, want=units: read(rows).units == want or None, 20, f"{units} units")
            yield terminal
        finally:
            await terminal.stop()


def basket(sample: SampleShop, card: str) -> list[str]:
    """Codes of popular things, the last one twice; every other is on offer for the card's holder."""
    member = next(one.member for one in sample.members() if one.card == card)
    offered = {
        product_code(int(sku))
        for campaign in sample.campaigns_on(TODAY)
        if member in (campaign.record.members or [])
        for sku in campaign.record.promotion["target"]["skus"]
    }
    popular = [goods.code for goods in shelf(sample)]
    wanted = [code for code in popular if code in offered][:2]
    plain = [code for code in popular if code not in offered][:3]
    return [plain[0], wanted[0], plain[1], plain[2], wanted[1], wanted[1]]


async def draw_monitor(premises: Premises, browser: Browser) -> None:
    assert premises.monitor is not None
    terminal = SimulatedTerminal((*PANIER, "monitor", "--settings", str(premises.monitor)), name="monitor", columns=120, lines=24)
    await terminal.start()
    await terminal.wait_for(lambda rows: sum("till-" in row for row in rows) >= TERMINALS or None, 30, "all terminals")
    await asyncio.sleep(2)  # the counters are told at most once a second
    await save(terminal, browser, "monitor.png")
    await terminal.stop()


async def draw_console(premises: Premises, browser: Browser) -> None:
    page = await browser.new_page(viewport={"width": 1180, "height": 820})
    await drained(premises, TRIPS, say)
    await page.goto(premises.url)
    await page.get_by_label("E-mail").fill(ADMIN)
    await page.get_by_label("Password").fill(premises.password)
    await page.get_by_role("button", name="Sign in").click()
    await page.get_by_text("till-01").first.wait_for()
    await page.screenshot(path=HERE / "console.png")
    await page.close()


async def save(terminal: SimulatedTerminal, browser: Browser, name: str) -> None:
    console = Console(record=True, width=terminal.columns, file=io.StringIO(), force_terminal=True)
    for y in range(terminal.lines):
        row = [
            Segment(cell.text, Style(color=cell.foreground, bgcolor=cell.background, bold=cell.bold, reverse=cell.reverse))
            for cell in terminal.cells(y)
        ]
        console.print(Segments([*row, Segment.line()]), end="", soft_wrap=True)
    code = "<pre>{code}</pre>"
    body = console.export_html(theme=MONOKAI, inline_styles=True, code_format=code)
    page = await browser.new_page(device_scale_factor=2)
    await page.set_content(_TEMPLATE.format(code=body))
    await page.locator("body").screenshot(path=HERE / name)
    await page.close()


if __name__ == "__main__":
    asyncio.run(main())
