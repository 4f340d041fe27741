"""EAN and UPC with all that may stand in or beside them: add-ons, in-house numbers by template, coupons, our own codes."""

from __future__ import annotations

from pathlib import Path

import pytest

from panier.barcode import (
    BadNumbering,
    BarcodeRefused,
    CardCode,
    Carrier,
    CouponCode,
    DepositCode,
    HouseCode,
    LoyaltyRules,
    Numbering,
    PluCode,
    ProductCode,
    Template,
    parse_numbering,
    parse_rules,
    read,
)
from panier.barcode.gtin import check_digit
from panier.barcode.house import BadHouseCode
from panier.barcode.numbering import guard_digit

NO_CARDS = LoyaltyRules()
FILES = sorted((Path(__file__).parents[2] / "firmware-config" / "numbering").glob("*.toml"))
SHOP = Numbering((
    Template(pattern="22IIIIKVVVVVC", measure="price", decimals=2),
    Template(pattern="23IIIIIIVVVVC", measure="weight", decimals=3),
    Template(pattern="25IIIIIIVVVVC", measure="weight", decimals=1),
    Template(pattern="26IIIIKVVVVVC", measure="count"),
    Template(pattern="20IIIIIKVVVVC", measure="price", decimals=2),
    Template(pattern="29IIIIIIIIIIC"),
    Template(pattern="299IIIIVVVVVC", measure="price", decimals=2, meaning="deposit"),
    Template(pattern="981IIIIIVVVVC", measure="price", decimals=2, meaning="coupon"),
))  # fmt: skip


def whole(body: str) -> str:
    return body + check_digit(body)


def test_a_weight_in_the_number_becomes_grams_and_the_catalogue_is_asked_without_it() -> None:
    assert read("]E0" + whole("238806011234"), NO_CARDS, SHOP) == ProductCode(
        "0" + whole("238806010000"), Carrier.EAN_13, printed="0" + whole("238806011234"), grams=1234
    )
    tenths = read(whole("258806011234"), NO_CARDS, SHOP)
    assert isinstance(tenths, ProductCode)
    assert tenths.grams == 123_400


@pytest.mark.parametrize(
    ("number", "listed", "field", "value"),
    [
        # biip tests/rcn/test_rules.py, Germany; and one of four digits, worked out by the General Specifications, 7.9.3
        ("2211114002394", "221111000000", "price", 239),
        ("2630719000121", "263071000000", "count", 12),
        (whole("201112291234"), "201112200000", "price", 1234),
    ],
)
def test_a_price_or_count_in_the_number_is_guarded_by_a_digit(number: str, listed: str, field: str, value: int) -> None:
    found = read("]E0" + number, NO_CARDS, SHOP)
    assert isinstance(found, ProductCode)
    assert getattr(found, field) == value
    assert found.gtin14 == "0" + whole(listed[:12])
    wrong = number[:6] + str((int(number[6]) + 1) % 10) + number[7:12]
    if number[:2] == "20":
        wrong = number[:7] + str((int(number[7]) + 1) % 10) + number[8:12]
    with pytest.raises(BarcodeRefused) as refused:
        read(whole(wrong), NO_CARDS, SHOP)
    assert refused.value.code == "wrong_measure_digit"


@pytest.mark.parametrize(
    ("value", "digit"),
    # General Specifications, 7.9.3 (28.75) and 7.9.4 (14.685 in five digits), and what the German examples above have
    [("2875", "9"), ("1234", "9"), ("14685", "6"), ("00239", "4"), ("00012", "9"), ("00000", "0"), ("0000", "0")],
)
def test_the_guarding_digit_is_that_of_the_general_specifications(value: str, digit: str) -> None:
    assert guard_digit(value) == digit


LABELS = [
    # Country, label without its check digit, what the catalogue lists, and the price (minor units) or weight (grams): the layouts
    # of the Summary of GS1 MO Prefixes 20-29, release 5.1.4; pages in the files of firmware-config/numbering.
    ("be", "281234501250", "281234500000", "grams", 1250),
    ("be", "021234901599", "021234000000", "price", 1599),
    ("be", "295123450250", "295123450000", "price", 250),
    ("be", "296123412550", "296123400000", "price", 12550),
    ("ch", "211234700475", "211234000000", "price", 475),
    ("ch", "291234500842", "291234500000", "grams", 842),
    ("de", "241111400239", "241111000000", "price", 239),
    ("dk", "251234001500", "251234000000", "grams", 1500),
    ("es", "021234500399", "021234500000", "price", 399),
    ("es", "241234512345", "241234500000", "price", 12345),
    ("fi", "280123400599", "280123400000", "price", 599),
    ("fr", "211234500842", "211234500000", "grams", 842),
    ("it", "201234500599", "201234500000", "price", 599),
    ("lv", "210123401234", "210123400000", "price", 1234),
    ("nl", "231234560475", "231234500000", "price", 475),
    ("nl", "281234601250", "281234000000", "grams", 1250),
    ("no", "271234560123", "271234560000", "price", 123),
    ("pl", "291234700842", "291234000000", "grams", 842),
    ("pl", "241234900842", "241234000000", "price", 842),
]


@pytest.mark.parametrize(("country", "label", "listed", "field", "value"), LABELS)
def test_labels_of_many_countries_say_what_their_layouts_say(
    country: str, label: str, listed: str, field: str, value: int
) -> None:
    numbering = parse_numbering(next(file for file in FILES if file.stem == country).read_text("utf-8"))
    found = read("]E0" + whole(label), NO_CARDS, numbering)
    assert isinstance(found, ProductCode)
    assert (found.gtin14, getattr(found, field)) == ("0" + whole(listed), value)


def test_a_number_without_a_measure_is_only_a_number_and_the_longest_prefix_decides() -> None:
    assert read(whole("291111111111"), NO_CARDS, SHOP) == ProductCode("0" + whole("291111111111"), Carrier.EAN_13)
    assert read(whole("299000100250"), NO_CARDS, SHOP) == DepositCode(
        number=whole("299000100250"), carrier=Carrier.EAN_13, value=250
    )


def test_coupons_and_refund_receipts_are_no_products() -> None:
    assert read(whole("981000010150"), NO_CARDS, SHOP) == CouponCode(
        scheme="ean", number=whole("981000010150"), carrier=Carrier.EAN_13, value=150
    )
    for body in ("982000000001", "990000000001"):
        assert read(whole(body), NO_CARDS) == CouponCode(scheme="ean", number=whole(body), carrier=Carrier.EAN_13)
    assert read(whole("980000000001"), NO_CARDS) == DepositCode(number=whole("980000000001"), carrier=Carrier.EAN_13)
    assert read("]E0" + whole("51234567890"), NO_CARDS) == CouponCode(
        scheme="upc", number=whole("51234567890"), carrier=Carrier.UPC_A
    )


def test_a_card_comes_before_a_template() -> None:
    cards = parse_rules('[[card]]\nname = "a"\ncarriers = ["ean13"]\nprefix = "23"\nlength = 13\ncheck = "gs1"\n')
    assert read(whole("238806011234"), cards, SHOP) == CardCode(whole("238806011234"), "a")


@pytest.mark.parametrize(
    ("text", "gtin14", "carrier", "addon"),
    [
        ("]E3978073520044951299", "09780735200449", Carrier.EAN_13, "51299"),
        ("]E3002454313653800", "00024543136538", Carrier.EAN_13, "00"),
        ("]E303600029145251234", "00036000291452", Carrier.UPC_A, "51234"),
        ("]E303600029145212", "00036000291452", Carrier.UPC_A, "12"),
        ("]E30639712612", "00063200009716", Carrier.UPC_E, "12"),
        ("]E39638507451234", "00000096385074", Carrier.EAN_8, "51234"),
        ("]E09780735200449]E251299", "09780735200449", Carrier.EAN_13, "51299"),
        ("]E09780735200449]E112", "09780735200449", Carrier.EAN_13, "12"),
        ("]E2978073520044951299", "09780735200449", Carrier.EAN_13, "51299"),
    ],
)
def test_an_add_on_stands_beside_the_number(text: str, gtin14: str, carrier: Carrier, addon: str) -> None:
    assert read(text, NO_CARDS) == ProductCode(gtin14, carrier, addon=addon)


def test_a_composite_part_says_more_of_the_same_product() -> None:
    found = read("]E05901234123457|]e01726113010A7", NO_CARDS)
    assert isinstance(found, ProductCode)
    assert (found.gtin14, found.expiry, found.lot) == ("05901234123457", "2026-11-30", "A7")
    small = read("]E496385074|]e010A7", NO_CARDS)
    assert isinstance(small, ProductCode)
    assert (small.gtin14, small.composite) == ("00000096385074", (("10", "A7"),))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("]E112", "addon_alone"),
        ("]E251299", "addon_alone"),
        ("]E3123456", "identifier_mismatch"),
        ("]E39780735200449X", "wrong_character"),
        ("]E05901234123457]E1123", "identifier_mismatch"),
        ("]E05901234123457]E1", "empty"),
        ("]E05901234123457|]e0", "empty"),
        ("]E05901234123457|]e004", "unknown_ai"),
        ("]E496385074]E11X", "wrong_character"),
    ],
)
def test_an_add_on_or_composite_part_that_is_torn_is_refused(text: str, code: str) -> None:
    with pytest.raises(BarcodeRefused) as refused:
        read(text, NO_CARDS)
    assert refused.value.code == code


@pytest.mark.parametrize("text", ["]I105901234123457", "]I005901234123457", "05901234123457"])
def test_a_case_code_is_a_gtin_of_fourteen_digits(text: str) -> None:
    found = read(text, NO_CARDS)
    assert isinstance(found, ProductCode)
    assert found.gtin14 == "05901234123457"


def test_a_card_may_be_an_itf_code() -> None:
    cards = parse_rules('[[card]]\nname = "a"\ncarriers = ["itf"]\nprefix = "05"\nlength = 14\ncheck = "gs1"\n')
    assert read("]I105901234123457", cards) == CardCode("05901234123457", "a")


def test_fresh_produce_is_known_by_its_plu() -> None:
    assert read("4011", NO_CARDS) == PluCode("4011")
    organic = read("94011", NO_CARDS)
    assert isinstance(organic, PluCode)
    assert (organic.is_organic, organic.gtin14) == (True, "00000000094011")
    assert not PluCode("4011").is_organic
    for text in ("2999", "5000", "74011", "401"):
        with pytest.raises(BarcodeRefused, match="length"):
            read(text, NO_CARDS)


@pytest.mark.parametrize(
    ("text", "code"),
    [("PANIER:T:B-17CQ", HouseCode("transfer", "B-17")), ("PANIER:S:OPEN/GATE.3LX", HouseCode("service", "OPEN/GATE.3"))],
)
def test_a_code_of_our_own_says_its_kind_and_what_is_asked_for(text: str, code: HouseCode) -> None:
    assert [read(identifier + text, NO_CARDS) for identifier in ("]Q1", "]C0", "")] == [code] * 3


@pytest.mark.parametrize("text", ["PANIER:T:", "PANIER:X:B-17CQ", "PANIER:T:B-18CQ", "PANIER:T:b-17CQ"])
def test_a_code_of_our_own_that_is_torn_is_refused(text: str) -> None:
    with pytest.raises(BadHouseCode):
        read(text, NO_CARDS)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_numbering_files_of_the_project_hold(file: Path) -> None:
    assert isinstance(parse_numbering(file.read_text("utf-8")), Numbering)


HEAD = 'title = "T"\nsource = "S"\n'
TEMPLATE = '[[template]]\npattern = "23IIIIIIVVVVC"\nmeasure = "weight"\ndecimals = 3\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("title = ", "no TOML"),
        ('title = "T"\n', "'source' is wanted at the top"),
        (HEAD + "templates = 1", "'templates' is not known at the top; did you mean 'template'?"),
        (HEAD + "colour = 1", "'colour' is not known at the top; known: checked"),
        (HEAD + "template = 1", "write [[template]] above each"),
        (HEAD + TEMPLATE + 'mesure = "x"', "did you mean 'measure'?"),
        (HEAD + "[[template]]\n", "has a 'pattern' in quotes"),
        (HEAD + TEMPLATE.replace("= 3", "= true"), "'decimals' as a whole number"),
        (HEAD + TEMPLATE.replace("= 3", "= 4"), "decimals are 0 to 3"),
        (HEAD + TEMPLATE.replace("weight", "length"), "measure is one of weight"),
        (HEAD + TEMPLATE.replace("23III", "23IY"), "digits first, then I, V, K and X"),
        (HEAD + TEMPLATE.replace("23III", "23II"), "13 characters are wanted"),
        (HEAD + TEMPLATE.replace("23IIIIIIVVVVC", "IIIIIIIIVVVVC"), "13 characters are wanted"),
        (HEAD + TEMPLATE.replace("23IIIIIIVVVVC", "23IIIIIIIIIIC"), "V is wanted where there is a measure"),
        (HEAD + TEMPLATE.replace("23IIIIIIVVVVC", "23IIVIIIVVVVC"), "V stands in one piece"),
        (HEAD + TEMPLATE.replace("23IIIIIIVVVVC", "23IIKIIIIVVVC"), "K guards 4 or 5 digits"),
        (HEAD + TEMPLATE + TEMPLATE, "two templates begin with the same digits"),
    ],
)
def test_a_fault_in_a_numbering_file_is_named(text: str, words: str) -> None:
    with pytest.raises(BadNumbering) as refused:
        parse_numbering(text)
    assert words in str(refused.value)
