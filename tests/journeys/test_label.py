"""Labels, bottles and a coupon through the whole store: from the scanner's bytes to the receipt in the back office."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.journeys.handheld import little_shop, on, ready, received, see

from panier.catalogue import Product
from panier_simulators.demo.premises import open_premises
from panier_simulators.fleet import Post, device_command
from panier_simulators.glance import read
from panier_simulators.sample.label import price_number, print_label, weighed_grams, weight_number
from panier_simulators.scanner import SimulatedScanner
from panier_simulators.screen import ENTER, SimulatedTerminal

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200), pytest.mark.xdist_group("demo")]

COUPON, COLA = "9900000854256", "2000000000053"
FIGS = Product(sku="figs", gtins=(weight_number(4),), name="Figs", unit_price=399, unit="kg", tax_rate="5.5")
HAM = Product(sku="ham", gtins=(price_number(17),), name="Ham", unit_price=712, unit="kg", tax_rate="5.5")
BOTTLE = Product(sku="cola", gtins=(f"0{COLA}",), name="Cola 1 l", unit_price=150, deposit=25, tax_rate="20")
QUARTER = {
    "id": "quarter", "title": "25% off figs", "kind": "percent", "percent": "25", "coupon": COUPON, "target": {"skus": ["figs"]},
}  # fmt: skip
BAG, SLICES = print_label(FIGS.gtins[0], 399, "a bag"), print_label(HAM.gtins[0], 712, "slices")
GRAMS = weighed_grams(BAG) or 0
FIGS_COST, HAM_COST = (GRAMS * 399 + 500) // 1000, int(SLICES[8:12])
SAVED = (FIGS_COST * 25 + 50) // 100
TOTAL = FIGS_COST - SAVED + HAM_COST + 2 * (150 + 25)


async def test_labels_deposit_and_coupon_reach_the_receipt_whichever_comes_first(tmp_path: Path):
    async with open_premises(
        tmp_path, little_shop(FIGS, HAM, BOTTLE, coupons=[QUARTER]), 0, lambda _: None, with_handheld=True
    ) as premises:
        assert premises.handheld is not None
        post = Post.read(premises.handheld)
        terminal = SimulatedTerminal(device_command(post.settings), name=post.device)
        with SimulatedScanner(*post.serial[0]) as scanner:
            await terminal.start()
            try:
                await ready(terminal, post.settings, "scanner")
                trips = [
                    await shop(terminal, scanner, COUPON, BAG, SLICES, COLA, COLA),
                    await shop(terminal, scanner, BAG, SLICES, COLA, COLA, COUPON),
                ]
            finally:
                await terminal.stop()
        receipts = [await received(premises, trip) for trip in trips]
        told = await premises.office.get(f"/api/v1/receipts/{trips[0]}/text")
        assert await premises.get("/incidents", limit=10) == []
    for receipt in receipts:
        assert (receipt["total"], receipt["device_total"], receipt["discount"]) == (TOTAL, TOTAL, SAVED)
        assert (receipt["deposit"], receipt["coupons"], receipt["units"]) == (50, [COUPON], 4)
        lines = {line["sku"]: line for line in receipt["lines"]}
        assert [weighing["grams"] for weighing in lines["figs"]["weighings"]] == [GRAMS]
        assert (lines["ham"]["unit_price"], lines["ham"]["is_labelled"]) == (HAM_COST, True)
        assert {vat["rate"]: vat["gross"] for vat in receipt["vat"]} == {"5.5": FIGS_COST - SAVED + HAM_COST, "20": 350}
    for words in (f"  {GRAMS / 1000:.3f} kg x 3.99/kg", "25% off figs", "eposit", "VAT 20 % in 3.50", "VAT 5.5 % in"):
        assert words in told.text


async def shop(terminal: SimulatedTerminal, scanner: SimulatedScanner, *codes: str) -> str:
    """Scans all, looks at each, and pays; the trip's id."""
    units = 0
    for code in codes:
        await asyncio.to_thread(scanner.scan, code)
        is_coupon = code == COUPON
        units += not is_coupon
        await see(terminal, lambda seen, wanted=(units, is_coupon): (seen.units, seen.is_coupon_told) == wanted, f"{code} taken")
    await see(terminal, lambda seen: (seen.total, seen.saved) == (TOTAL, SAVED), "the total")
    terminal.send("f")
    await terminal.wait_for(on("Finish and pay"), 20, "the question")
    terminal.send("y")
    await see(terminal, lambda seen: seen.is_end and seen.trip is not None, "the farewell")
    trip = read(terminal.rows).trip
    terminal.send(ENTER)
    await see(terminal, lambda seen: seen.is_start, "the start screen")
    assert trip is not None
    return trip
