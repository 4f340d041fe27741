"""Swipes and taps: what is a card of this shop, and that nothing is told of any other."""

from __future__ import annotations

import gc
import os
import random
import resource
import sys
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panier.barcode import BarcodeRefused, CardCode, Carrier, LoyaltyRule, LoyaltyRules, is_swipe, parse_rules, read
from panier.barcode.swipe import LONGEST_TRACK_1, LONGEST_TRACK_2, read_swipe, read_uid

RULES = parse_rules("""
[[card]]
name = "stripe"
carriers = ["magstripe"]
iin = "603571"
length = 16
check = "luhn"

[[card]]
name = "chip"
carriers = ["nfc"]
prefix = "04"
length = 14
check = "none"
""")
OURS, OTHER, BANK, NAME = "6035710000000000", "6035710000000018", "4111111111111111", "SMITH/JOHN"
CARD = CardCode(OURS, "stripe")
INPUTS = int(os.environ.get("PANIER_SOAK_INPUTS", "2000000"))


def track_1(pan: str, name: str = NAME) -> str:
    return f"%B{pan}^{name:<26}^2512101000000000?"


def track_2(pan: str) -> str:
    return f";{pan}=2512101000000?"


def refusal(text: str, rules: LoyaltyRules = RULES) -> str:
    with pytest.raises(BarcodeRefused) as refused:
        read_swipe(text, rules)
    return refused.value.code


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(track_1(OURS) + track_2(OURS), id="two tracks"),
        pytest.param(track_1(OURS) + track_2(OURS) + f"+{OURS}==000?", id="three tracks"),
        pytest.param(track_2(OURS), id="the second alone"),
        pytest.param(track_1(OURS), id="the first alone"),
        pytest.param(track_2(OURS) + track_1(OURS), id="the second first"),
        pytest.param(f";{OURS}?", id="a number and nothing behind it"),
        pytest.param(f"%{OURS}?", id="without a format letter"),
        pytest.param("%E?" + track_2(OURS), id="an error on the first"),
        pytest.param(track_1(OURS) + ";E?", id="an error on the second"),
        pytest.param(track_1(OURS) + "X" + track_2(OURS) + "5", id="with check characters"),
        pytest.param(track_1("6035 710000 000000"), id="spaces as on the plastic"),
        pytest.param(track_1(OURS, "müller/jörg").lower(), id="small letters"),
        pytest.param(f"<{OURS})2512101000000_", id="German keys read as US ones"),
        pytest.param(f"%B{OURS}`{NAME}`2512101_", id="German keys, the first track"),
        pytest.param(f"ö{OURS}´2512101000000_", id="US keys read as German ones"),
        pytest.param(f";{OURS}=2512101000000/", id="Shift was lost"),
        pytest.param(f"%B6035710000000001^{NAME}^25?" + track_2(OURS), id="the first misread"),
        pytest.param(f"111^{NAME}^2512101?" + track_2(OURS), id="the rest of a torn first"),
    ],
)
def test_a_card_of_the_shop_is_read_from_whatever_came_whole(text: str) -> None:
    assert read_swipe(text, RULES) == CARD


@pytest.mark.parametrize(
    "text",
    [
        track_1(BANK) + track_2(BANK),
        track_2(BANK),
        "%E?" + track_2(BANK),
        # American Express groups its digits on track 1.
        track_1("3714 496353 98431"),
    ],
)
def test_a_bank_card_is_not_ours(text: str) -> None:
    assert refusal(text) == "not_our_card"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "%E?;E?",
        track_1(OURS)[:20],
        track_2(OURS)[:-1],
        track_1(BANK)[:30],
        track_2("6035710000000001"),
        track_1(OURS) + track_2(OTHER),
        f"%B{OURS}^{'X' * LONGEST_TRACK_1}?",
        f";{OURS}={'1' * LONGEST_TRACK_2}?",
        "2000000000039",
    ],
)
def test_what_is_torn_flawed_or_overlong_is_read_again(text: str) -> None:
    assert refusal(text) == "torn_card"


def test_a_shop_without_stripes_takes_none() -> None:
    assert refusal(track_2(OURS), LoyaltyRules()) == "not_our_card"


@pytest.mark.parametrize("text", [track_1(BANK), track_2(BANK), "%E?", ";E?", "+E?", f"%{BANK}?", "%b4111"])
def test_a_track_is_known_by_its_beginning(text: str) -> None:
    assert is_swipe(text)


@pytest.mark.parametrize("text", ["5901234123457", "]E05901234123457", "https://a.example/%41411?", "", "PANIER:T:B", "(01)0590"])
def test_a_code_is_no_track(text: str) -> None:
    assert not is_swipe(text)


@pytest.mark.parametrize("text", ["04A1B2C3D4E5F6", "04a1b2c3d4e5f6", "04:A1:B2:C3:D4:E5:F6", "04-a1-b2-c3-d4-e5-f6"])
def test_a_chip_is_one_card_however_its_reader_spells_it(text: str) -> None:
    assert read_uid(text, RULES) == CardCode("04A1B2C3D4E5F6", "chip")


def test_a_decimal_uid_is_a_card_by_its_own_rule() -> None:
    rule = LoyaltyRule(name="tag", carriers=frozenset({Carrier.NFC}), prefix="", length=10, check="none")
    assert read_uid("0012345678", LoyaltyRules((rule,))).number == "0012345678"


@pytest.mark.parametrize(
    ("text", "code"),
    [("08A1B2C3", "random_uid"), ("05A1B2C3D4E5F6", "not_our_card"), ("04A1", "torn_card"), (track_2(BANK), "torn_card")],
)
def test_other_taps_are_refused(text: str, code: str) -> None:
    with pytest.raises(BarcodeRefused) as refused:
        read_uid(text, RULES)
    assert refused.value.code == code


def test_what_is_in_a_chip_is_neither_scanned_nor_typed() -> None:
    rule = LoyaltyRule(name="tag", carriers=frozenset({Carrier.NFC}), prefix="", length=13, check="none")
    assert type(read("5901234123457", LoyaltyRules((rule,)))).__name__ == "ProductCode"


def test_the_number_on_a_stripe_may_be_typed() -> None:
    assert read(OURS, RULES) == CARD


swipes = st.one_of(
    st.text(st.characters(exclude_categories=()), max_size=120),
    st.text("%;+?=^E0123456789B /", max_size=120),
    st.tuples(st.sampled_from([track_1(BANK), track_2(BANK), track_1(OURS) + track_2(OURS)]), st.integers(0, 90), st.text()).map(
        lambda torn: torn[0][: torn[1]] + torn[2] + torn[0][torn[1] :]
    ),
)


@given(swipes)
def test_whatever_is_swiped_ends_in_a_card_of_ours_or_in_a_refusal_without_a_digit(text: str) -> None:
    for reader in (read_swipe, read_uid):
        try:
            assert reader(text, RULES).number.startswith(("603571", "04"))
        except BarcodeRefused as refused:
            assert not any(character.isdigit() for character in str(refused))  # noqa: PT017  (a refusal is one of two good ends)


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_millions_of_spoilt_swipes_end_in_a_card_or_a_refusal() -> None:
    """By hand: `pytest -m soak -n 0 -s tests/core/test_barcode_swipe.py`."""
    chance, ends, early = random.Random(1), Counter[str](), 0
    whole = [track_1(OURS) + track_2(OURS), track_1(BANK) + track_2(BANK), "%E?" + track_2(OURS), "04A1B2C3D4E5F6", "08A1B2C3"]
    for number in range(INPUTS):
        text = list(chance.choice(whole))
        for _ in range(chance.randrange(4)):
            place = chance.randrange(len(text) + 1)
            text[place : place + chance.randrange(9)] = chance.choices("%;?=^+E0123456789\x00ö", k=chance.randrange(9))
        try:
            ends[(read_uid if number % 4 == 0 else read_swipe)("".join(text), RULES).rule] += 1
        except BarcodeRefused as refused:
            ends[refused.code] += 1
        if number == INPUTS // 10:
            gc.collect()
            early = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - early
    sys.stdout.write(f"\n{INPUTS:,} swipes, {grown} kB more than after a tenth: {dict(ends)}\n")
    assert grown < 8_000
