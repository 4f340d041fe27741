from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panier.money import NotMoney, exponent, format_minor, parse_minor

currencies = st.sampled_from(["EUR", "USD", "JPY", "KWD"])


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("12.40", "EUR", 1240),
        ("12.4", "EUR", 1240),
        ("12.", "EUR", 1200),
        (".5", "USD", 50),
        ("-0.01", "USD", -1),
        ("+7", "USD", 700),
        (" 7 ", "USD", 700),
        ("120", "JPY", 120),
        ("120.00", "JPY", 120),
        ("1.234", "KWD", 1234),
        ("999999999999999.99", "EUR", 99999999999999999),
    ],
)
def test_an_amount_is_read_in_minor_units(text: str, currency: str, minor: int) -> None:
    assert parse_minor(text, currency) == minor


@pytest.mark.parametrize(
    ("text", "currency", "words"),
    [
        ("", "EUR", "write it like 12.40"),
        ("twelve", "EUR", "'twelve' is not an amount"),
        ("12,40", "EUR", "write it like 12.40"),
        ("NaN", "EUR", "not an amount"),
        ("Infinity", "EUR", "not an amount"),
        ("1_000", "EUR", "not an amount"),
        ("１２", "EUR", "not an amount"),
        ("1e99999", "EUR", "not an amount"),
        ("9" * 16, "EUR", "not an amount"),
        ("7" * 1000, "EUR", "not an amount"),
        ("0.001", "EUR", "more than the 2 decimals that EUR has"),
        ("0.5", "JPY", "more than the 0 decimals that JPY has"),
        ("999999999999999.000000000001", "EUR", "more than the 2 decimals"),
    ],
)
def test_what_is_no_amount_is_refused(text: str, currency: str, words: str) -> None:
    with pytest.raises(NotMoney) as refused:
        parse_minor(text, currency)
    assert words in str(refused.value)
    assert len(str(refused.value)) < 120


@given(st.text(max_size=40), currencies)
def test_any_text_is_an_amount_or_refused(text: str, currency: str) -> None:
    with suppress(NotMoney):
        assert abs(parse_minor(text, currency)) < 10**18


@given(st.integers(-(10**12), 10**12), currencies)
def test_what_is_written_is_read_back(minor: int, currency: str) -> None:
    text = format_minor(minor, currency)
    assert parse_minor(text, currency) == minor
    assert len(text.partition(".")[2]) == exponent(currency)
