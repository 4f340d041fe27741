"""Labels of scales and makers, and codes that name no goods: from the simulated scanner's bytes to the basket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from tests.device.conftest import MILK, PRODUCTS, WEIGHED_AND_DEPOSIT, Desk, changes, open_desk
from tests.sending import events_in
from tests.waiting import until

from panier.barcode import BadNumbering, BarcodeRefused
from panier.barcode.gtin import check_digit
from panier.barcode.numbering import guard_digit
from panier.catalogue import Product
from panier.message import event_from_json
from panier.trip import CodeRefused, ItemAdded, TripFinished
from panier.weighed import Weighing
from panier_device.decision import Unweighed
from panier_device.driver.profile import load_profile
from panier_device.driver.serial_scanner import SerialScanner
from panier_device.fitting import load_numbering
from panier_device.outbox import Outbox
from panier_device.screen.word import ENGLISH
from panier_io.firmware import firmware_config
from panier_simulators.fleet import programming
from panier_simulators.scanner import SimulatedScanner

GS = "\x1d"


def checked(body: str) -> str:
    return body + check_digit(body)


def german(prefix: str, item: str, value: str) -> str:
    return checked(f"{prefix}{item}{guard_digit(value)}{value}")


VARIABLE = checked("9400638133393")
GOODS = PRODUCTS | {
    "4": replace(
        WEIGHED_AND_DEPOSIT["4"],
        gtins=("02000000000046", VARIABLE, "0" + german("28", "1234", "00000"), "0" + checked("201234560000")),
    ),
    "5": WEIGHED_AND_DEPOSIT["5"],
    "6": Product(sku="6", gtins=("0" + german("25", "1234", "00000"),), name="Rolls", unit_price=30),
}
TODAY, YESTERDAY = "261121", "261120"
"""By the desk's clock, in New York."""


@asynccontextmanager
async def scanning(
    directory: Path, numbering: str = "", goods: dict[str, Product] = GOODS
) -> AsyncIterator[Callable[..., Awaitable[Desk]]]:
    """A terminal with in-house numbers by `numbering`, and a scanner in hand: `await scan(code, symbology)`."""
    desk = open_desk(directory, numbering=numbering)
    desk.stock(changes(goods, {}))
    link, shown = directory / "scanner", asyncio.Event()
    desk.agent.show = shown.set
    with SimulatedScanner(link, programming("generic-aim")) as simulated:
        profile = load_profile("generic-aim", firmware_config() / "profiles")
        scanner = SerialScanner(str(link), profile)
        reading = asyncio.create_task(scanner.run(desk.agent.take))
        await until(lambda: scanner.present)

        async def scan(code: str, symbology: str | None = None) -> Desk:
            shown.clear()
            await asyncio.to_thread(simulated.scan, code, symbology)
            async with asyncio.timeout(10):
                await shown.wait()
            return desk

        try:
            yield scan
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            desk.close()


def last(desk: Desk) -> ItemAdded:
    happened = events_in(desk.journal)[-1].what
    assert isinstance(happened, ItemAdded)
    return happened


@pytest.mark.parametrize(
    ("numbering", "label", "symbology", "price", "grams", "quantity"),
    [
        ("DE", german("28", "1234", "00532"), "ean13", 212, 532, 1),
        ("DE", german("25", "1234", "00006"), "ean13", 30, None, 6),
        ("SE", checked("201234560433"), "ean13", 433, None, 1),
        ("", f"01{VARIABLE}3103000532", "gs1-128", 212, 532, 1),
        ("", f"01{VARIABLE}310300053217{TODAY}", "databar", 212, 532, 1),
        ("", f"01{VARIABLE}3922433{GS}10A7", "gs1-datamatrix", 433, None, 1),
        ("", f"01{VARIABLE}320300100010A7", "gs1-datamatrix", 181, 454, 1),
    ],
)
async def test_a_label_says_what_its_bag_costs(
    tmp_path: Path, numbering: str, label: str, symbology: str, price: int, grams: int | None, quantity: int
):
    async with scanning(tmp_path, numbering) as scan:
        item = last(await scan(label, symbology))
    assert (item.unit_price, item.weighing and item.weighing.grams, item.quantity) == (price, grams, quantity)
    assert item.is_labelled == (grams is None and quantity == 1)


COLA = checked("0590123412345")
CHEESE = checked("9590123412345")
PRICED = GOODS | {
    "7": Product(sku="7", gtins=(COLA,), name="Cola", unit_price=240),
    "8": Product(sku="8", gtins=(CHEESE, "0" + checked("209876540000")), name="Cheese", unit_price=900),
}


@pytest.mark.parametrize(
    ("label", "symbology", "price"),
    [
        (f"https://any.example/01/{COLA}?3922=000001", "qr", 240),
        (f"01{COLA}3922000001", "gs1-128", 240),
        (f"01{COLA}3922000001{GS}10A7", "gs1-datamatrix", 240),
        (f"https://any.example/01/{CHEESE}?3922=000733", "qr", 733),
        (f"01{CHEESE}3922000733", "gs1-128", 733),
        (checked("209876540733"), "ean13", 733),
    ],
)
async def test_a_price_beside_a_number_counts_only_where_pieces_differ(tmp_path: Path, label: str, symbology: str, price: int):
    async with scanning(tmp_path, "SE", PRICED) as scan:
        item = last(await scan(label, symbology))
    assert (item.unit_price, item.is_labelled) == (price, price == 733)


@pytest.mark.parametrize("price", ["3920" + "9" * 15, "3922" + "9" * 15, "3920" + "9" * 12 + "0"])
@pytest.mark.parametrize("carrier", ["qr", "gs1-128"])
async def test_a_price_beyond_anything_is_refused_and_all_else_goes_on_to_the_gateway(tmp_path: Path, price: str, carrier: str):
    label = f"01{VARIABLE}{price}" if carrier == "gs1-128" else f"https://any.example/01/{VARIABLE}?{price[:4]}={price[4:]}"
    async with scanning(tmp_path) as scan:
        await scan(MILK)
        desk = await scan(label, carrier)
        assert desk.said == "too_dear"
        desk.agent.finish()
        batch = Outbox(desk.journal).next_batch(0.0)
    assert batch is not None
    sent = [event_from_json(event).what.kind for event in batch.events]
    assert sent[-3:] == ["item_added", "code_refused", "trip_finished"]


def test_a_weight_that_makes_a_basket_too_dear_opens_no_trip(tmp_path: Path):
    desk = open_desk(tmp_path)
    dear = replace(WEIGHED_AND_DEPOSIT["4"], unit_price=10**10)
    desk.agent.add_weighed(Unweighed(product=dear, version=7, entry="scan"), Weighing(grams=1_000_000, price_per_kg=10**10))
    assert (desk.said, desk.kinds) == ("too_dear", [])
    desk.agent.call_help()
    assert desk.kinds == ["trip_started", "code_refused", "help_requested"], "staff hear of what was refused before"
    desk.close()


async def test_a_basket_is_worth_no_more_than_a_payment_terminal_can_take(tmp_path: Path):
    async with scanning(tmp_path) as scan:
        await scan(f"01{VARIABLE}3922{'9' * 12}", "gs1-128")
        desk = await scan(f"01{VARIABLE}3922000001", "gs1-128")
        assert desk.said == "too_dear"
        desk.agent.finish()
        done = events_in(desk.journal)[-1].what
    assert isinstance(done, TripFinished)
    assert done.total == 10**12 - 1


async def test_the_same_label_means_nothing_without_a_numbering_and_its_zeroed_number_sells_nothing(tmp_path: Path):
    async with scanning(tmp_path) as scan:
        assert (await scan(german("28", "1234", "00532"))).said == "unknown_product"
    (tmp_path / "de").mkdir()
    async with scanning(tmp_path / "de", "DE") as scan:
        assert (await scan(german("28", "1234", "00000"))).said == "needs_weight"
    (tmp_path / "se").mkdir()
    async with scanning(tmp_path / "se", "SE") as scan:
        assert (await scan(checked("201234560000"))).said == "needs_weight"


async def test_what_is_past_its_date_is_stopped_and_told_and_holds_to_the_end_of_its_day(tmp_path: Path):
    async with scanning(tmp_path) as scan:
        desk = await scan(f"01{VARIABLE}310300053217{YESTERDAY}", "gs1-128")
        assert desk.said == "expired"
        stopped = events_in(desk.journal)[-1].what
        assert stopped == CodeRefused(reason="expired", seen="4", entry="scan")
        assert desk.tally.refused.labels("expired")._value.get() == 1
        assert (await scan(f"01{VARIABLE}31030005327003{TODAY}1159", "gs1-datamatrix")).said == "expired"
        await scan(f"01{VARIABLE}31030005327003{TODAY}1200", "gs1-datamatrix")
        await scan(f"01{VARIABLE}310300053217{TODAY}", "gs1-128")
    assert desk.agent.now.trip is not None
    assert desk.agent.now.trip.units == 2


async def test_one_piece_is_sold_once_and_may_come_back_after_it_was_put_back(tmp_path: Path):
    piece = f"01{VARIABLE}310300053221S-1"
    async with scanning(tmp_path) as scan:
        assert last(await scan(piece, "gs1-datamatrix")).serial == "S-1"
        assert (await scan(piece, "gs1-datamatrix")).said == "piece_again"
        desk = await scan(f"01{VARIABLE}310300053221S-2", "gs1-datamatrix")
        assert desk.agent.now.trip is not None
        assert desk.agent.now.trip.units == 2
        desk.agent.put_back(whole_line=True)
        assert last(await scan(piece, "gs1-datamatrix")).serial == "S-1"


@pytest.mark.parametrize(
    ("code", "symbology", "reason"),
    [
        (checked("980123456789"), "ean13", "deposit_slip"),
        ("00" + checked("34006381333931123"), "gs1-128", "whole_case"),
        ("PANIER:T:HAND-1.79Q", "qr", "transfer_code"),
        ("PANIER:S:OFFE3", "qr", "service_code"),
        (f"10A7{GS}17{TODAY}", "gs1-128", "label_without_product"),
        (f"255{checked('978020137962')}{GS}17{YESTERDAY}", "gs1-128", "coupon_expired"),
    ],
)
async def test_a_code_that_names_no_goods_says_what_it_is(tmp_path: Path, code: str, symbology: str, reason: str):
    async with scanning(tmp_path) as scan:
        await scan(MILK)
        desk = await scan(code, symbology)
        refused = events_in(desk.journal)[-1].what
    assert desk.said == reason
    assert isinstance(refused, CodeRefused)
    assert (refused.reason, code in refused.seen) == (reason, False)


def test_every_refusal_of_the_front_door_has_words():
    assert _codes(BarcodeRefused) - {"barcode_refused", "bad_brackets"} <= ENGLISH.messages.keys() | {
        # Of the scanner and its setting, or of what nobody scans in a shop: the general words say what helps.
        "identifier_mismatch", "unknown_identifier", "unknown_ai", "upce_number_system",
    }  # fmt: skip


def _codes(kind: type[BarcodeRefused]) -> set[str]:
    own = {kind.code} if kind.__module__.startswith("panier.barcode") else set[str]()
    return own.union(*(_codes(child) for child in kind.__subclasses__()))


def test_a_numbering_is_a_country_or_a_file(tmp_path: Path):
    own = tmp_path / "own.toml"
    own.write_text('title = "us"\nsource = "scale"\n[[template]]\npattern = "29IIIIIVVVVVC"\nmeasure = "weight"\ndecimals = 3\n')
    assert [template.prefix for template in load_numbering(str(own)).templates] == ["29"]
    assert load_numbering("").templates == ()
    assert load_numbering("de") == load_numbering("DE")
    with pytest.raises(BadNumbering, match="no numbering file"):
        load_numbering("nowhere.toml")
