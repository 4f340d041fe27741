"""Whatever arrives, the front door answers with a value or with a refusal of its own."""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from urllib.parse import quote

from hypothesis import example, given
from hypothesis import strategies as st

from panier.barcode import (
    BadLoyaltyRule,
    BarcodeRefused,
    CardCode,
    Content,
    LoyaltyRules,
    ProductCode,
    mask,
    parse_numbering,
    parse_rules,
    read,
)
from panier.barcode.ai import LENGTHS, identifier
from panier.barcode.bracket import read_brackets
from panier.barcode.carrier import AIM
from panier.barcode.element import GS, read_elements
from panier.barcode.gtin import check_digit, read_gtin
from panier.barcode.link import read_link
from panier.barcode.loyalty import luhn_digit
from panier.barcode.refusal import DIGITS
from panier.barcode.upce import expand

RULES = parse_rules("""
[[card]]
name = "household"
carriers = ["ean13"]
prefix = "29"
length = 13
check = "gs1"

[[card]]
name = "wallet"
carriers = ["code128", "qr"]
prefix = "60"
length = 16
check = "luhn"

[[card]]
name = "staff"
carriers = ["code39"]
prefix = "S"
length = 6
check = "none"
""")

SHOP = parse_numbering("""
title = "T"
source = "S"
[[template]]
pattern = "22IIIIKVVVVVC"
measure = "price"
decimals = 2
[[template]]
pattern = "23IIIIIIVVVVC"
measure = "weight"
decimals = 3
""")

digits = st.text(DIGITS, max_size=20)
anything = st.text(st.characters(exclude_categories=()), max_size=40)
scans = st.one_of(
    anything,
    digits,
    st.builds("{}{}{}".format, st.sampled_from(sorted(AIM)), st.one_of(digits, anything), st.sampled_from(["", "\r", "\x03"])),
    st.builds("]{}".format, anything),
    st.builds("60{}".format, digits),
    st.builds("]A0S{}".format, anything),
    st.builds("https://{}/{}?{}".format, anything, anything, anything),
    st.builds("({}){}".format, digits, anything),
    st.builds("]C1{}{}\x1d{}{}".format, st.sampled_from(sorted(LENGTHS)), anything, digits, anything),
)


@given(scans)
@example("]")
@example("]E0]E0")
def test_any_text_is_a_value_or_refused(text: str) -> None:
    for rules in (RULES, LoyaltyRules()):
        assert_sound(outcome(text, rules))


def outcome(text: str, rules: LoyaltyRules) -> Content | BarcodeRefused:
    try:
        return read(text, rules, SHOP)
    except BarcodeRefused as refused:
        return refused


def assert_sound(found: Content | BarcodeRefused) -> None:
    match found:
        case ProductCode(gtin14=gtin14):
            assert read_gtin(gtin14) == gtin14
        case CardCode(number=number, rule=rule):
            assert rule in {"household", "wallet", "staff"}
            assert number.isascii()
            assert number.isprintable()
        case BarcodeRefused():
            assert found.code
            assert 10 < len(str(found)) < 400
            assert str(found).isprintable()


lots = st.text("ABCxyz019-./%+&()", min_size=1, max_size=20)


@given(st.text(DIGITS, min_size=13, max_size=13), st.dates(date(2000, 1, 1), date(2049, 12, 31)), lots, lots)
def test_the_three_spellings_of_gs1_data_say_the_same(body: str, day: date, lot: str, serial: str) -> None:
    gtin = body + check_digit(body)
    elements = (("01", gtin), ("10", lot), ("21", serial), ("17", f"{day:%y%m%d}"))
    plain = "".join(ai + value + ("" if identifier(ai).fixed else GS) for ai, value in elements)  # type: ignore[union-attr]
    typed = "".join(f"({ai})" + value.replace("(", "\\(") for ai, value in elements)
    link = f"https://example.com/01/{gtin}/10/{quote(lot, safe='')}/21/{quote(serial, safe='')}?17={day:%y%m%d}"
    assert read_elements(plain) == read_brackets(typed) == read_link(link) == elements
    found = read(f"]C1{plain}", RULES)
    assert isinstance(found, ProductCode)
    assert (found.gtin14, found.lot, found.serial, found.expiry) == (gtin, lot, serial, day.isoformat())


@given(st.text(DIGITS, min_size=12, max_size=12))
def test_the_digit_that_follows_is_the_only_one_that_is_taken(body: str) -> None:
    taken = [last for last in DIGITS if holds(body + last)]
    assert taken == [check_digit(body)]


def holds(code: str) -> bool:
    try:
        return bool(read_gtin(code))
    except BarcodeRefused:
        return False


@given(st.text(DIGITS, min_size=13, max_size=13), st.integers(0, 12), st.integers(1, 9))
def test_one_misread_digit_never_passes(body: str, place: int, off: int) -> None:
    code = body[:12] + check_digit(body[:12])
    misread = code[:place] + str((int(code[place]) + off) % 10) + code[place + 1 :]
    assert holds(code)
    assert not holds(misread)


@given(st.text(DIGITS, min_size=7, max_size=13))
def test_leading_zeros_do_not_change_the_check_digit(body: str) -> None:
    assert check_digit(body) == check_digit("0" + body)


@given(st.text(DIGITS, min_size=1, max_size=18), st.data())
def test_one_misread_digit_changes_the_luhn_digit(body: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(body) - 1))
    off = data.draw(st.integers(1, 9))
    misread = body[:place] + str((int(body[place]) + off) % 10) + body[place + 1 :]
    assert luhn_digit(body) != luhn_digit(misread)


@given(anything)
def test_expanding_anything_gives_a_upc_a_or_a_refusal(text: str) -> None:
    try:
        upca = expand(text)
    except BarcodeRefused:
        return
    assert read_gtin(upca) == "00" + upca


@given(st.text(DIGITS, min_size=6, max_size=6), st.sampled_from("01"))
def test_a_upc_e_reads_the_same_with_and_without_its_check_digit(six: str, system: str) -> None:
    upca = expand(system + six)
    assert expand(system + six + upca[-1]) == upca
    if system == "0":
        assert expand(six) == upca


@given(anything)
def test_a_mask_gives_away_no_more_than_four_characters_or_half(text: str) -> None:
    kept = mask(text)
    assert kept.isprintable()
    assert len(kept) <= 64
    shown, _, length = kept.partition("…")
    assert len(shown) <= min(4, len(text) // 2)
    assert length == f"({len(text)})"


@given(st.one_of(st.text(DIGITS, min_size=13, max_size=19), scans))
def test_no_refusal_repeats_the_code(text: str) -> None:
    found, code = outcome(text, RULES), text.strip()
    assert not isinstance(found, BarcodeRefused) or len(code) < 8 or code not in str(found)


@given(st.text(max_size=200))
def test_any_rule_file_is_read_or_refused(text: str) -> None:
    with suppress(BadLoyaltyRule):
        assert isinstance(parse_rules(text), LoyaltyRules)
