from __future__ import annotations

import pytest

from panier_simulators.sample.numbering import card_number, check_digit, member_id, product_code


@pytest.mark.parametrize(
    ("digits", "check"),
    # The first is the worked example of the GS1 General Specifications, the others are found on pens and in many a manual.
    [("629104150021", "3"), ("400638133393", "1"), ("501234567890", "0")],
)
def test_check_digits_are_gs1_modulo_10(digits: str, check: str) -> None:
    assert check_digit(digits) == check


def test_products_and_cards_carry_their_number_in_an_in_house_prefix() -> None:
    assert product_code(995242).startswith("200000995242")
    assert card_number(900).startswith("290000000900")
    assert len(product_code(18316298)) == len(card_number(1)) == 13


def test_a_number_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="10 digits"):
        product_code(10**10)


def test_the_pseudonym_does_not_show_the_household() -> None:
    assert "900" not in member_id(900)
    assert len({member_id(household) for household in range(1, 2501)}) == 2500
