"""Loose goods on a scale through the whole store: from the plate to the receipt in the back office."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.journeys.handheld import little_shop, on, ready, received, see

from panier.catalogue import Product
from panier_simulators.demo.premises import open_premises
from panier_simulators.fleet import Post, device_command
from panier_simulators.glance import read
from panier_simulators.sample.label import weight_number
from panier_simulators.scale import SimulatedScale
from panier_simulators.scanner import SimulatedScanner
from panier_simulators.screen import ENTER, SimulatedTerminal

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200), pytest.mark.xdist_group("demo")]

FIGS = Product(sku="figs", gtins=(weight_number(4),), name="Figs", unit_price=399, unit="kg", tax_rate="5.5", tare=45)


async def test_what_the_scale_said_is_on_the_receipt_net_of_its_tare(tmp_path: Path):
    async with open_premises(tmp_path, little_shop(FIGS), 0, lambda _: None, with_handheld=True) as premises:
        assert premises.handheld is not None
        assert premises.scale is not None
        post = Post.read(premises.handheld)
        terminal = SimulatedTerminal(device_command(post.settings), name=post.device)
        with SimulatedScanner(*post.serial[0]) as scanner, SimulatedScale(premises.scale, settle=0.2) as scale:
            await terminal.start()
            try:
                await ready(terminal, post.settings, "scanner", "scale")
                await asyncio.to_thread(scanner.scan, FIGS.gtins[0])
                await terminal.wait_for(on("Put it on the scale."), 20, "the question")
                scale.put(545)
                await see(terminal, lambda seen: (seen.units, seen.total) == (1, 200), "the first bag")
                scale.take()
                terminal.send("lfig" + ENTER)
                await terminal.wait_for(on("Put it on the scale."), 20, "the question")
                scale.put(1_045)
                await see(terminal, lambda seen: (seen.units, seen.total) == (2, 599), "the second bag")
                terminal.send("f")
                await terminal.wait_for(on("Finish and pay"), 20, "the last question")
                terminal.send("y")
                await see(terminal, lambda seen: seen.is_end and seen.trip is not None, "the farewell")
                trip = read(terminal.rows).trip
            finally:
                await terminal.stop()
        assert trip is not None
        receipt = await received(premises, trip)
        told = await premises.office.get(f"/api/v1/receipts/{trip}/text")
        product = await premises.get("/products/figs")
        assert await premises.get("/incidents", limit=10) == []
    assert (receipt["total"], receipt["device_total"], receipt["units"]) == (599, 599, 2)
    weighed = [(one["grams"], one["tare"]) for line in receipt["lines"] for one in line["weighings"]]
    assert weighed == [(545, 45), (1_045, 45)]
    assert "0.500 kg x 3.99/kg" in told.text
    assert "1.000 kg x 3.99/kg" in told.text
    assert product["tare"] == 45
