from __future__ import annotations

import pytest

from panier_simulators.sample.naming import first_name, kind_name, product_name, readable, size


@pytest.mark.parametrize(
    ("shouted", "expected"),
    [
        ("APPLE SAUCE", "Apple Sauce"),
        ("FRZN SS PREMIUM ENTREES/DNRS/N", "Frozen Single Premium Entrees/Dinners"),
        ("CANDY BARS (SINGLES)(INCLUDING", "Candy Bars"),
        ("SPICES & SEASONINGS", "Spices & Seasonings"),
        ("SEASONAL CANDY BAGS-CHOCOLATE", "Seasonal Candy Bags Chocolate"),
        ("WOMEN S GENERAL-MAGAZINE", "Women's General Magazine"),
        ("FLUID MILK WHITE ONLY", "Milk"),
        ("PREPARED BEANS - BAKED W/PORK", "Prepared Beans Baked with/Pork"),
    ],
)
def test_shouted_and_shortened_words_become_readable(shouted: str, expected: str) -> None:
    assert readable(shouted) == expected


@pytest.mark.parametrize(
    ("package", "department", "expected"),
    [
        ("14.5 OZ", "GROCERY", "14.5 oz"),
        ("12 OZ/12 PK", "GROCERY", "12 oz"),
        ("1 GA", "GROCERY", "1 gal"),
        ("CTN", "GROCERY", ""),
        (None, "GROCERY", ""),
        ("40 LB", "PRODUCE", ""),
        ("60 CT", "PRODUCE", ""),
        ("5 LB", "PRODUCE", "5 lb"),
    ],
)
def test_a_size_is_a_figure_with_a_unit_and_never_that_of_a_crate(package: str | None, department: str, expected: str) -> None:
    assert size(package, department) == expected


def test_a_quality_alone_is_named_after_its_category() -> None:
    assert kind_name("PRIMAL", "BEEF", "MEAT") == "Beef, primal"
    assert kind_name(None, None, "MISCELLANEOUS") == "Miscellaneous"


def test_a_name_gives_up_its_brand_before_its_size_and_never_exceeds_a_row() -> None:
    assert product_name("Apple Sauce", "50 oz", own_brand=True) == "Apple Sauce 50 oz, own brand"
    assert product_name("Frozen Single Premium Entrees", "12.5 oz", own_brand=True) == "Frozen Single Premium Entrees 12.5 oz"
    assert (
        product_name("Frozen Single Premium Entrees/Dinners", "12.5 oz", own_brand=False)
        == "Frozen Single Premium Entrees/Dinners"
    )
    assert len(product_name("word " * 20, "1 oz", own_brand=True)) <= 38


def test_a_household_always_has_the_same_first_name() -> None:
    assert first_name(900) == first_name(900)
    assert len({first_name(household) for household in range(1, 2501)}) > 150
