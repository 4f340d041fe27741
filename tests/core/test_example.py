"""The documentation's examples are the engine's own."""

from __future__ import annotations

from pathlib import Path

from panier.example import EXAMPLES, render
from panier.mechanic import MECHANICS

DOCUMENT = Path(__file__).parents[2] / "docs" / "promotions.md"


def test_there_is_an_example_of_every_kind() -> None:
    assert {definition["kind"] for definition in EXAMPLES} == set(MECHANICS)


def test_the_document_holds_what_the_engine_reckons() -> None:
    assert render() in DOCUMENT.read_text("utf-8"), "run panier price --examples and put its output into docs/promotions.md"
