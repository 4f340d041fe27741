"""The front door, case by case. Codes without a source of their own are worked out by hand from GS1's weights."""

from __future__ import annotations

import pytest

from panier.barcode import BarcodeRefused, CardCode, Carrier, LoyaltyRules, ProductCode, mask, parse_rules, read
from panier.barcode.frame import LONGEST
from panier.barcode.gtin import check_digit, read_gtin
from panier.barcode.upce import expand
from panier.error import PanierError

NO_CARDS = LoyaltyRules()
SHOP = parse_rules('[[card]]\nname = "household"\ncarriers = ["ean13"]\nprefix = "29"\nlength = 13\ncheck = "gs1"\n')
WALLET = parse_rules("""
[[card]]
name = "wallet"
carriers = ["code128", "qr"]
iin = "603571"
length = 16
check = "luhn"

[[card]]
name = "paper"
carriers = ["ean13"]
prefix = "04"
length = 13
check = "gs1"

[[card]]
name = "staff"
carriers = ["code39", "code128"]
prefix = "ST-"
length = 8
check = "none"

[[card]]
name = "token"
carriers = ["ean8"]
prefix = "29"
length = 8
check = "gs1"

[[card]]
name = "voucher"
carriers = ["qr"]
prefix = "https://cards.example/"
length = 26
check = "none"
""")


@pytest.mark.parametrize(
    ("text", "gtin14", "carrier"),
    [
        # zxing-cpp test/samples ean13-1, ean8-1, upca-1 and upce-1; biip tests/test_parse.py and tests/test_gtin.py
        ("]E08480010001136", "08480010001136", Carrier.EAN_13),
        ("]E09780201310054", "09780201310054", Carrier.EAN_13),
        ("5901234123457", "05901234123457", Carrier.EAN_13),
        ("]E448512343", "00000048512343", Carrier.EAN_8),
        ("96385074", "00000096385074", Carrier.EAN_8),
        ("]E00036602301467", "00036602301467", Carrier.EAN_13),
        ("]E0036602301467", "00036602301467", Carrier.UPC_A),
        ("614141000036", "00614141000036", Carrier.UPC_A),
        ("]E006397126", "00063200009716", Carrier.UPC_E),
        ("14252611", "00142100005261", Carrier.UPC_E),
        ("08679339", "00086700000939", Carrier.UPC_E),
        # in-house numbers are products until a card rule says otherwise
        ("]E02900000000018", "02900000000018", Carrier.EAN_13),
        ("2000000000015", "02000000000015", Carrier.EAN_13),
    ],
)
def test_a_product_code_becomes_its_gtin14(text: str, gtin14: str, carrier: Carrier) -> None:
    assert read(text, NO_CARDS) == ProductCode(gtin14, carrier)


def test_eight_digits_that_fit_both_are_an_ean_8_unless_the_scanner_says_upc() -> None:
    # 0 1000000 9 is what UPC-E 01000009 (UPC-A 010000000009) and EAN-8 check digits happen to agree on.
    both = next(
        f"0{n:06}{check_digit(f'0{n:06}')}" for n in range(1, 1_000_000) if fits_upce(f"0{n:06}{check_digit(f'0{n:06}')}")
    )
    assert read(both, NO_CARDS) == ProductCode("000000" + both, Carrier.EAN_8)
    assert read("]E4" + both, NO_CARDS) == ProductCode("000000" + both, Carrier.EAN_8)
    assert read("]E0" + both, NO_CARDS) == ProductCode("00" + expand(both), Carrier.UPC_E)


def fits_upce(digits: str) -> bool:
    try:
        return bool(expand(digits))
    except BarcodeRefused:
        return False


@pytest.mark.parametrize("frame", ["{}\r", "{}\r\n", "{}\n", "\x02{}\x03", "\x02{}\x03\r", "{}\t", "  {} "])
def test_what_the_line_added_at_the_ends_is_taken_off(frame: str) -> None:
    assert read(frame.format("]E05901234123457"), NO_CARDS) == ProductCode("05901234123457", Carrier.EAN_13)


@pytest.mark.parametrize(
    ("text", "in_house"),
    [
        ("2000000000015", True),
        ("2912345678906", True),
        ("0412345678903", True),
        ("212345678909", True),
        ("20000004", True),
        ("00000017", True),
        ("5901234123457", False),
        ("0036602301467", False),
        ("96385074", False),
    ],
)
def test_numbers_of_the_shops_own_are_told_from_gs1s(text: str, in_house: bool) -> None:
    code = read(text, NO_CARDS)
    assert isinstance(code, ProductCode)
    assert code.is_in_house is in_house


@pytest.mark.parametrize(
    ("text", "number", "rule"),
    [
        ("]E00412345678903", "0412345678903", "paper"),
        ("]E0412345678903", "0412345678903", "paper"),
        ("412345678903", "0412345678903", "paper"),
        ("]C06035710000000000", "6035710000000000", "wallet"),
        ("]Q16035710000000000", "6035710000000000", "wallet"),
        ("6035710000000000", "6035710000000000", "wallet"),
        ("]A0ST-00a_7", "ST-00a_7", "staff"),
        ("ST-00a_7", "ST-00a_7", "staff"),
        ("]E429000005", "29000005", "token"),
        ("29000005", "29000005", "token"),
        ("]Q1https://cards.example/0042", "https://cards.example/0042", "voucher"),
    ],
)
def test_a_card_that_a_rule_knows_comes_before_any_product(text: str, number: str, rule: str) -> None:
    assert read(text, WALLET) == CardCode(number, rule)


def test_a_card_keeps_one_number_with_and_without_its_leading_zero() -> None:
    assert read("]E0412345678903", WALLET) == read("]E00412345678903", WALLET) == read("412345678903", WALLET)


def test_a_card_rule_of_one_carrier_leaves_the_others_alone() -> None:
    assert read("]E02900000000018", SHOP) == CardCode("2900000000018", "household")
    with pytest.raises(BarcodeRefused) as refused:
        read("]C02900000000018", SHOP)
    assert refused.value.code == "no_card_rule"


REFUSED = [
    # text, code, words that must be in the message
    ("", "empty", "scan again"),
    ("\x02\x03\r\n", "empty", "nothing was read"),
    ("]E0", "empty", "EAN-13"),
    ("]Q3\r", "empty", "GS1 QR"),
    ("]", "unknown_identifier", "']'"),
    ("]X", "unknown_identifier", "']X'"),
    ("]X05901234123457", "unknown_identifier", "']X0'"),
    ("]\x00\u0660123", "unknown_identifier", "'\\u0660'"[1:-1]),
    ("9" * (LONGEST + 1), "too_long", "stuck"),
    # identifier and content disagree, or half of the code is missing
    ("]E012345678901234", "identifier_mismatch", "14 digits"),
    ("]E0590123", "identifier_mismatch", "6 digits"),
    ("]E45901234123457", "identifier_mismatch", "EAN-8"),
    ("]E0590123412X", "wrong_character", "'X'"),
    ("]E412ABC678", "wrong_character", "'A'"),
    ("]E4590X", "wrong_character", "'X'"),
    ("]E096385074", "upce_number_system", "9"),
    # check digits
    ("]E05901234123450", "wrong_check_digit", "0, but 7"),
    ("5901234123458", "wrong_check_digit", "8, but 7"),
    ("]E0036602301468", "wrong_check_digit", "8, but 7"),
    ("]E496385075", "wrong_check_digit", "5, but 4"),
    ("96385075", "wrong_check_digit", "5, but 4"),
    ("]E006397125", "wrong_check_digit", "5, but 6"),
    ("06397125", "wrong_check_digit", "5, but 8"),
    # lengths and characters
    ("5", "wrong_length", "length 1 "),
    ("59012341234", "wrong_length", "8, 12 or 13"),
    ("ABC", "wrong_character", "'A'"),
    ("590123412345", "wrong_check_digit", "5, but 2"),
    ("５９０１２３４１２３４５７", "foreign_digit", "0 to 9"),
    ("٥٩٠١٢٣٤١٢٣٤٥٧", "foreign_digit", "0 to 9"),
    ("590123412345²", "foreign_digit", "13 of 13"),
    ("59012\x0034123457", "control_character", "'\\x00'"),
    ("590\x1d1234", "control_character", "scan again"),
    ("590\ud8001234", "control_character", "'\\ud800'"),
    ("5901234\r5901234123457", "control_character", "ran into each other"),
    ("59012341 23457", "wrong_character", "' '"),
    # carriers of cards, with a number that no rule knows: 01 in Code 128 is no GTIN
    ("]C00105901234123457", "no_card_rule", "a Code 128"),
    ("]A0HELLO", "no_card_rule", "a Code 39"),
    ("]Q1hello", "no_card_rule", "a QR code"),
    ("]I1059012341234", "no_card_rule", "an ITF"),
]


@pytest.mark.parametrize(("text", "code", "words"), REFUSED)
def test_everything_else_is_refused_with_a_reason(text: str, code: str, words: str) -> None:
    with pytest.raises(BarcodeRefused) as refused:
        read(text, NO_CARDS)
    assert (refused.value.code, words in str(refused.value)) == (code, True), str(refused.value)


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("]C06035710000000001", "wrong_check_digit", "1, but 0"),
        ("6035710000000001", "wrong_check_digit", "1, but 0"),
        ("]C060357100000000", "wrong_length", "'wallet' has 16 characters and 14"),
        ("603571000", "wrong_length", "'wallet' has 16 characters and 9"),
        ("]C0603571000000000X", "wrong_character", "the digits 0 to 9"),
        ("]A0ST-0 a_7", "wrong_character", "without spaces"),
        ("]A0ST-00a_\u0667", "foreign_digit", "'\\u0667'"),
        ("]E00412345678904", "wrong_check_digit", "4, but 3"),
        ("]C07035710000000000", "no_card_rule", "a Code 128"),
    ],
)
def test_a_card_that_a_rule_almost_knows_is_told_what_is_wrong(text: str, code: str, words: str) -> None:
    with pytest.raises(BarcodeRefused) as refused:
        read(text, WALLET)
    assert (refused.value.code, words in str(refused.value)) == (code, True), str(refused.value)


def test_a_check_digit_that_fails_says_which_was_wanted() -> None:
    with pytest.raises(BarcodeRefused) as refused:
        read("5901234123450", NO_CARDS)
    assert (getattr(refused.value, "seen", None), getattr(refused.value, "wanted", None)) == ("0", "7")


def test_every_reason_has_a_code_of_its_own() -> None:
    reasons = BarcodeRefused.__subclasses__()
    assert len({reason.code for reason in reasons} | {BarcodeRefused.code, PanierError.code}) == len(reasons) + 2


def test_every_carrier_can_be_named_to_a_person() -> None:
    assert all(carrier.words.startswith(("a ", "an ")) for carrier in Carrier)


@pytest.mark.parametrize(
    ("digits", "gtin14"),
    [
        # biip tests/test_gtin.py
        ("00000123", "00000000000123"),
        ("614141000036", "00614141000036"),
        ("0006000291455", "00006000291455"),
        ("05901234123457", "05901234123457"),
    ],
)
def test_a_gtin_of_any_length_is_padded_to_fourteen(digits: str, gtin14: str) -> None:
    assert read_gtin(digits) == gtin14


@pytest.mark.parametrize("digits", ["", "75010313113", "750103AAAA309", "123456789012345"])
def test_what_is_no_gtin_is_refused(digits: str) -> None:
    with pytest.raises(BarcodeRefused):
        read_gtin(digits)


@pytest.mark.parametrize(
    ("digits", "upca"),
    [
        # one for each way in which zeros are left out (GS1 General Specifications, 5.2.2.4.2)
        ("123450", "012000003455"),
        ("123451", "012100003454"),
        ("123452", "012200003453"),
        ("123453", "012300000451"),
        ("123454", "012340000053"),
        ("123455", "012345000058"),
        ("123459", "012345000096"),
        ("0123459", "012345000096"),
        ("01234596", "012345000096"),
        ("14252611", "142100005261"),
    ],
)
def test_upc_e_gets_its_zeros_back(digits: str, upca: str) -> None:
    assert expand(digits) == upca
    assert read_gtin(upca) == "00" + upca


@pytest.mark.parametrize(
    ("digits", "code"),
    [
        ("", "empty"),
        ("12345", "wrong_length"),
        ("123456789", "wrong_length"),
        ("2425261", "upce_number_system"),
        ("14252612", "wrong_check_digit"),
        ("12345x", "wrong_character"),
    ],
)
def test_what_is_no_upc_e_is_refused(digits: str, code: str) -> None:
    with pytest.raises(BarcodeRefused) as refused:
        expand(digits)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("5901234123457", "5901…(13)"),
        ("]E05901234123450", "]E05…(16)"),
        ("4111111111111111", "4111…(16)"),
        ("", "…(0)"),
        ("7", "…(1)"),
        ("1234", "12…(4)"),
        ("\x02\x00é\ud800 ab", "???…(7)"),
    ],
)
def test_a_mask_keeps_four_characters_and_never_more_than_half(text: str, kept: str) -> None:
    assert mask(text) == kept
