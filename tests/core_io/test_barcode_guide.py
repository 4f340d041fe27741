"""docs/barcodes.md says what is read, and what is refused in which words: it is right."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from panier.barcode import LoyaltyRules, parse_numbering
from panier_io.numbering import numbering_of, regions
from panier_io.scan_answer import read_as

GUIDE = (Path(__file__).parents[2] / "docs" / "barcodes.md").read_text("utf-8")
ROWS = re.findall(r"^\| [^|`]+ \| `((?:[^`|]|\\\|)+)` \| (\w+) \|$", GUIDE, re.MULTILINE)


@pytest.mark.parametrize(("code", "kind"), ROWS)
def test_each_code_of_the_guide_is_read_as_it_says(code: str, kind: str) -> None:
    text = code.replace("{GS}", "\x1d").replace("\\|", "|")
    assert read_as("scan", text, LoyaltyRules(), "DE")["kind"] == kind


def test_the_guide_has_an_example_of_each_kind() -> None:
    assert len(ROWS) > 25
    assert {kind for _, kind in ROWS} == {"product", "plu", "coupon", "deposit", "logistic_unit", "data", "transfer"}


def test_the_file_that_the_guide_shows_is_one() -> None:
    shown = GUIDE.partition("```toml\n")[2].partition("```")[0]
    assert [template.meaning for template in parse_numbering(shown).templates] == ["product", "deposit"]


def test_each_country_with_a_file_is_in_the_guide() -> None:
    table = GUIDE.partition("## Numbers of a country's")[2]
    assert all(re.search(rf"\b{region}\b", table) for region in regions())
    assert all(numbering_of(region.lower()) is numbering_of(region.lower()) for region in regions())
