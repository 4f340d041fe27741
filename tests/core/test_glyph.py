"""Text for a printer that lacks characters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panier.glyph import readable

ASCII_ONLY = frozenset[str]().__contains__
WESTERN = frozenset("éßå€ü").__contains__


@pytest.mark.parametrize(
    ("text", "has", "plain"),
    [
        ("Crème brûlée 2,50 €", ASCII_ONLY, "Creme brulee 2,50 EUR"),
        ("Weißbier für Ægir", ASCII_ONLY, "Weissbier fur AEgir"),
        ("Weißbier für é", WESTERN, "Weißbier für é"),
        ("cafe\u0301", WESTERN, "café"),
        ("Žižkov, Łódź", WESTERN, "Zizkov, Lodz"),
        ("10\u202f000 \ufb01gs…", WESTERN, "10 000 figs..."),
        ("中 Чай", WESTERN, "? ???"),
        ("tea\x1bV\x00\x10\x04\x01\u202e", WESTERN, "tea?V?????"),
        ("half ½ ⅓", ASCII_ONLY, "half 1/2 1?3"),
    ],
)
def test_what_a_printer_lacks_is_spelt_so_that_it_can_still_be_read(text: str, has, plain: str):
    assert readable(text, has) == plain


@given(st.text(max_size=60))
def test_whatever_a_product_is_called_its_name_commands_no_printer(text: str):
    plain = readable(text, WESTERN)
    assert all(" " <= one <= "~" or WESTERN(one) for one in plain)
    assert readable(plain, WESTERN) == plain
