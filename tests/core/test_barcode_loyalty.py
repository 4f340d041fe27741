"""Card rules as data: what a rule file may say, and how it is told what is wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from panier.barcode import BadLoyaltyRule, Carrier, LoyaltyRule, LoyaltyRules, parse_rules
from panier.barcode.loyalty import luhn_digit

FILES = sorted((Path(__file__).parents[2] / "firmware-config" / "loyalty").glob("*.toml"))
GOOD = {"name": '"household"', "carriers": '["ean13"]', "prefix": '"29"', "length": "13", "check": '"gs1"'}


def book(**changes: str | None) -> str:
    """One good rule as TOML, with fields changed or, by None, left out."""
    fields = {key: value for key, value in {**GOOD, **changes}.items() if value is not None}
    return "[[card]]\n" + "\n".join(f"{key} = {value}" for key, value in fields.items()) + "\n"


def rule(**changes: Any) -> LoyaltyRule:
    good = LoyaltyRule(name="a", carriers=frozenset({Carrier.CODE_128}), prefix="77", length=10, check="none")
    return replace(good, **changes)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_the_rule_files_of_the_project_hold(file: Path) -> None:
    assert parse_rules(file.read_text("utf-8")).rules


def test_the_sample_shop_knows_its_cards_by_prefix_29() -> None:
    sample = next(file for file in FILES if file.name == "sample.toml")
    assert parse_rules(sample.read_text("utf-8")).rules == (
        LoyaltyRule(name="household", carriers=frozenset({Carrier.EAN_13}), prefix="29", length=13, check="gs1"),
    )


def test_a_shop_without_cards_has_an_empty_file() -> None:
    assert parse_rules("# none\n") == LoyaltyRules()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name = ", "no TOML"),
        ("cards = 1", "'cards' is not known at the top of a rule file; did you mean 'card'?"),
        ("card = 1", "write [[card]] above each rule"),
        ("card = [1]", "write [[card]] above each rule"),
        (book(prefx='"29"', prefix=None), "'prefx' is not known; did you mean 'prefix'?"),
        (book(colour='"red"'), "'colour' is not known; known: carriers, check"),
        (book(name=None), "card rule 1: 'name' is wanted, as text"),
        (book(name='""'), "its name has 1 to 64 characters"),
        (book(check="1"), "'check' is wanted, as text"),
        (book(check='"mod10"'), "check 'mod10' is none of gs1, luhn, none"),
        (book(length='"13"'), "'length' is wanted, as a whole number"),
        (book(length="true"), "'length' is wanted, as a whole number"),
        (book(length="3", carriers='["qr"]'), "length 3 is not between 4 and 64"),
        (book(prefix=None), "exactly one of 'prefix' and 'iin' is wanted"),
        (book(iin='"603571"'), "exactly one of 'prefix' and 'iin' is wanted"),
        (book(prefix="29"), "put its digits in quotes"),
        (book(prefix=None, iin='"29"'), "iin '29' has 6 or 8 digits"),
        (book(prefix=None, iin='"６０３５７１"'), "has 6 or 8 digits"),
        (book(prefix='""'), "prefix '' has 1 to 12 characters"),
        (book(prefix='"2 9"'), "without spaces"),
        (book(prefix='"2900000000018"'), "has 1 to 12 characters"),
        (book(prefix='"CARD"', carriers='["qr"]', check='"luhn"'), "prefix 'CARD' has digits only where check is luhn"),
        (book(carriers=None), "'carriers' is wanted, as a list"),
        (book(carriers="[]"), "its carriers are one or more of"),
        (book(carriers='["ean_13"]'), "carrier 'ean_13' carries no cards; did you mean 'ean13'?"),
        (book(carriers='["gs1_128"]'), "carrier 'gs1_128' carries no cards"),
        (book(carriers='["ean13", 8]'), "carrier 8 carries no cards"),
        (book(carriers='[["ean13"]]'), "carries no cards"),
        (book(length="12"), "ean13 has length 13 and check gs1"),
        (book(check='"luhn"'), "ean13 has length 13 and check gs1"),
        (book(carriers='["ean8"]'), "ean8 has length 8 and check gs1"),
    ],
)
def test_a_fault_in_a_rule_file_is_named(text: str, words: str) -> None:
    with pytest.raises(BadLoyaltyRule) as refused:
        parse_rules(text)
    assert words in str(refused.value)


def test_all_faults_of_a_file_are_named_together() -> None:
    text = "extra = 1\n" + book(length='"13"', check="1") + book(name='"other"', prefix='""')
    with pytest.raises(BadLoyaltyRule) as refused:
        parse_rules(text)
    assert len(refused.value.faults) == 4
    assert str(refused.value).splitlines() == list(refused.value.faults)


@pytest.mark.parametrize(
    "other",
    [
        {},
        {"prefix": "771"},
        {"prefix": "7"},
        {"carriers": frozenset({Carrier.QR, Carrier.CODE_128})},
    ],
)
def test_two_rules_that_fit_one_card_are_refused(other: dict[str, Any]) -> None:
    with pytest.raises(BadLoyaltyRule, match="make the prefixes or the carriers differ"):
        LoyaltyRules((rule(), rule(name="b", **other)))


@pytest.mark.parametrize("other", [{"prefix": "78"}, {"length": 11}, {"carriers": frozenset({Carrier.QR})}])
def test_two_rules_that_differ_stand_side_by_side(other: dict[str, Any]) -> None:
    assert len(LoyaltyRules((rule(), rule(name="b", **other))).rules) == 2


def test_the_nearest_rule_says_what_is_wrong() -> None:
    rules = LoyaltyRules((rule(), rule(name="b", length=16)))
    assert "kind 'b' has 16 characters and 15" in str(rules.refuse(Carrier.CODE_128, "7" * 15))
    assert "kind 'a' has 10 characters and 9" in str(rules.refuse(Carrier.CODE_128, "7" * 9))


def test_a_carrier_without_cards_matches_none() -> None:
    assert LoyaltyRules((rule(),)).match(Carrier.GS1_QR, "7700000000") is None


@pytest.mark.parametrize(
    ("body", "digit"),
    [
        # ISO/IEC 7812-1 annex B, and the well-known test number 4111 1111 1111 1111
        ("7992739871", "3"),
        ("411111111111111", "1"),
        ("", "0"),
    ],
)
def test_the_luhn_digit_follows(body: str, digit: str) -> None:
    assert luhn_digit(body) == digit
