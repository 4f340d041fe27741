"""The receipt on paper."""

from __future__ import annotations

from dataclasses import replace

import pytest

from panier.payment import Payment, PaymentBegun, PaymentEnded
from panier.receipt import OfferUse, Receipt, form_receipt, vat_of, with_true_times
from panier.slip import WIDTH, SlipCode, SlipPart, SlipRow, lay_out, masked, slip
from panier.till import compile_definitions, price_trip
from panier.trip import Line, Trip, TripFinished
from panier.weighed import Weighing


def line(sku: str, unit_price: int, quantity: int, tax_rate: str | None, deposit: int = 0, *bags: Weighing) -> Line:
    return Line(
        sku=sku, name=sku.title(), unit_price=unit_price, category="", tax_rate=tax_rate, snapshot=3, quantity=quantity,
        deposit=deposit, weighings=bags,
    )  # fmt: skip


TRIP = Trip(
    trip="till-1.aaaaaa.1", store="north", currency="EUR", timezone="Europe/Paris", snapshot=3, started_at=1_772_468_000_000,
    last_at=1_772_469_000_000, first_sequence=1, last_sequence=9, coupons=frozenset({"TEA"}),
    lines=(
        line("oolong from the high mountains of the north", 400, 2, "5.5"),
        line("cola", 150, 6, "20", 25),
        line("figs", 212, 1, "5.5", 0, Weighing(grams=552, tare=20, price_per_kg=399)),
        replace(line("stamps", 100, 1, None), mark_down=30),
        line("odd", 100, 1, "as agreed"),
        line("wrong", 100, 1, "900"),
    ),
)  # fmt: skip

TEA = {"kind": "amount", "amount": "1.50", "coupon": "TEA", "target": {"skus": [TRIP.lines[0].sku]}, "title": "1.50 off tea"}
MINE = {"kind": "amount", "amount": "0.50", "target": {"skus": ["cola"]}, "title": "0.50 off cola"}


def test_a_slip_shows_weights_deposits_savings_and_the_vat_in_the_total_by_rate() -> None:
    shelf, _ = compile_definitions({"tea": TEA}, "EUR")
    priced = price_trip(TRIP, shelf)
    assert (priced.gross, priced.discount, priced.deposit, priced.total, priced.units) == (2212, 150, 150, 2212, 12)
    done = replace(TRIP, finished=TripFinished(units=12, discount=150, total=2212))
    receipt = form_receipt(done, priced, "0" * 64, "till-1", "aaaaaa")
    assert [(row.rate, row.net, row.tax, row.gross) for row in receipt.vat] == [("5.5", 817, 45, 862), ("20", 875, 175, 1050)]
    assert receipt.vat == vat_of(receipt.lines)
    assert slip(receipt).splitlines() == [
        "north till-1              2026-03-02 17:30",
        "",
        "Oolong From The High Mountains Of The",
        "  North",
        "  2 x 4.00                            8.00",
        "  saved                              -1.50",
        "Cola 6 x 1.50                         9.00",
        "  deposit 6 x 0.25                    1.50",
        "Figs                                  2.12",
        "  0.532 kg x 3.99/kg",
        "Stamps                                1.00",
        "  30 % off for its date",
        "Odd                                   1.00",
        "Wrong                                 1.00",
        "-" * WIDTH,
        "12 items",
        "TOTAL EUR                            22.12",
        "of it deposit                         1.50",
        "you saved: 1.50 off tea               1.50",
        "VAT 5.5 % in 8.62, net 8.17           0.45",
        "VAT 20 % in 10.50, net 8.75           1.75",
        "without a VAT rate                    3.00",
        "coupon TEA",
        "",
        "             till-1.aaaaaa.1",
    ]


def test_a_plain_slip_says_no_more_than_there_is() -> None:
    bare = replace(TRIP, coupons=frozenset(), lines=(line("stamps", 100, 1, None),))
    shelf, _ = compile_definitions({}, "EUR")
    done = replace(bare, finished=TripFinished(units=1, discount=0, total=100))
    text = slip(form_receipt(done, price_trip(done, shelf), "0" * 64, "till-1", "aaaaaa"))
    assert [row.split()[0] for row in text.splitlines() if row] == [
        "north",
        "Stamps",
        "-" * WIDTH,
        "1",
        "TOTAL",
        "till-1.aaaaaa.1",
    ]


def receipt(**changes: object) -> Receipt:
    shelf, _ = compile_definitions({"tea": TEA, "mine": MINE}, "EUR")
    done = replace(TRIP, finished=TripFinished(units=12, discount=150, total=2212))
    formed = form_receipt(done, price_trip(done, shelf), "0" * 64, "till-1", "aaaaaa")
    return formed.model_copy(update=changes)


def texts(parts: tuple[SlipPart, ...]) -> list[str]:
    return [part.text(WIDTH).strip() if isinstance(part, SlipRow) else f"[{part.content}]" for part in parts]


def test_the_members_own_offer_is_told_from_what_everybody_saved_and_both_are_added_up() -> None:
    told = texts(lay_out(receipt(offers=[OfferUse(offer="mine", revision=1)])))
    assert {" ".join(row.split()[:2]) for row in told if row.startswith("you")} == {"you saved:", "your offer:", "you saved"}
    assert "you saved in all                      2.00" in told


def test_a_card_is_masked_and_stands_before_the_member_whose_number_is_masked_too() -> None:
    member = receipt(member="m-2179")
    assert "member ***179" in texts(lay_out(member))
    told = texts(lay_out(member, card=masked("2900000000179")))
    assert "card *********0179" in told
    assert not any("m-2179" in row or "179" in row.replace("*********0179", "") for row in told)


def test_a_copy_says_so_on_top_and_the_trip_stands_below_as_a_barcode_and_in_letters() -> None:
    first, *_, code, name = lay_out(receipt(), is_copy=True)
    assert first == SlipRow("COPY", style="big", is_centred=True)
    assert (code, name) == (SlipCode("till-1.aaaaaa.1"), SlipRow("till-1.aaaaaa.1", is_centred=True))
    assert not any(isinstance(part, SlipRow) and part.left == "COPY" for part in lay_out(receipt()))


@pytest.mark.parametrize("width", [10, 24, 32, 42, 48])
def test_every_row_fits_the_paper_and_no_amount_is_cut(width: int) -> None:
    long = receipt(receipt="till-1." + "a" * 60 + ".1", coupons=["C" * 60])
    columns = max(24, width)
    for part in lay_out(long, width):
        if isinstance(part, SlipRow):
            room = columns // 2 if part.style == "big" else columns
            assert len(part.left) + bool(part.right) + len(part.right) <= room
            assert part.text(room).endswith(part.right)
    amounts = [part.right for part in lay_out(long, width) if isinstance(part, SlipRow)]
    assert "21.62" in amounts


@pytest.mark.parametrize("width", [24, 32, 42, 48])
@pytest.mark.parametrize("quantity", [1, 12])
def test_of_a_long_name_every_word_is_on_the_paper_and_the_amount_beside_its_end(width: int, quantity: int) -> None:
    name = "Extra virgin olive oil from the first cold pressing, Kalamata 750 ml"
    [named] = receipt().lines[:1]
    long = named.model_copy(
        update={"name": name, "quantity": quantity, "gross": 899 * quantity, "unit_price": 899, "discount": 0}
    )
    rows = [part for part in lay_out(receipt(lines=[long]), width) if isinstance(part, SlipRow)]
    goods = rows[rows.index(SlipRow("")) + 1 : rows.index(SlipRow("-" * width))]
    assert " ".join(word for row in goods for word in row.left.split()) == name + (" 12 x 8.99" if quantity > 1 else "")
    assert [row.right for row in goods if row.right] == [goods[-1].right] == ["8.99" if quantity == 1 else "107.88"]
    assert all(row.left.startswith("  ") for row in goods[1:])
    assert not goods[0].left.startswith(" ")


def test_where_the_end_of_a_name_leaves_no_room_for_the_amount_it_is_broken_earlier() -> None:
    [named] = receipt().lines[:1]
    long = named.model_copy(
        update={"name": "Olive oil from sunny Kalamata in the far south of the country", "quantity": 1, "discount": 0}
    )
    told = [part.text(32) for part in lay_out(receipt(lines=[long]), 32) if isinstance(part, SlipRow)]
    assert told[2:6] == ["Olive oil from sunny", "  Kalamata in the far south", "  of the country            8.00", "-" * 32]
    word = long.model_copy(update={"name": "O" * 23, "gross": 10**11, "unit_price": 10**11})
    told = [part.text(24) for part in lay_out(receipt(lines=[word]), 24) if isinstance(part, SlipRow)]
    assert told[3:5] == ["O" * 23, " " * 11 + "1000000000.00"]


def test_goods_without_a_name_go_by_their_number() -> None:
    [named] = receipt().lines[:1]
    assert f"{named.sku} 2 x 4.00" in " ".join(texts(lay_out(receipt(lines=[named.model_copy(update={"name": " "})]))))


def test_too_few_columns_cut_the_words_and_never_the_amount() -> None:
    assert SlipRow("TOTAL EUR", "123.45").text(10) == "TOT 123.45"
    assert SlipRow("TOTAL EUR", "123.45").text(3) == " 123.45"


@pytest.mark.parametrize(("number", "shown"), [("2900000000179", "*********0179"), ("abcd", "**cd"), ("a", "*"), ("", "")])
def test_never_more_than_half_of_a_number_is_shown(number: str, shown: str) -> None:
    assert masked(number) == shown


REFERENCE = "till-1.aaaaaa.8"
BEGUN = PaymentBegun(reference=REFERENCE, amount=100, units=1, discount=0)


@pytest.mark.parametrize(
    ("ended", "says"),
    [
        (
            PaymentEnded(reference=REFERENCE, outcome="approved", trace="000123", terminal="52000001"),
            "paid by card 52000001 000123 1.00",
        ),
        (PaymentEnded(reference=REFERENCE, outcome="approved", decided_by="staff"), "paid by card 1.00"),
        (PaymentEnded(reference=REFERENCE, outcome="unknown", decided_by="nobody"), "payment in doubt: see staff 1.00"),
        (PaymentEnded(reference=REFERENCE, outcome="declined"), ""),
        (None, ""),
    ],
)
def test_a_slip_says_what_it_was_paid_with(ended: PaymentEnded | None, says: str) -> None:
    payment = Payment(begun=BEGUN, at=TRIP.last_at - 60_000, ended=ended)
    paid = replace(TRIP, coupons=frozenset(), lines=(line("stamps", 100, 1, None),), payment=payment)
    done = replace(paid, finished=TripFinished(units=1, discount=0, total=100))
    priced = price_trip(done, compile_definitions({}, "EUR")[0])
    receipt = form_receipt(done, priced, "0" * 64, "till-1", "aaaaaa")
    rows = [" ".join(row.split()) for row in slip(receipt).splitlines()]
    assert rows[rows.index("TOTAL EUR 1.00") + 1] == says
    assert [tender.asked_at for tender in with_true_times(receipt, 5000).tenders] == [TRIP.last_at - 55_000] * bool(says)
