"""Application identifiers in brackets, as they stand under a symbol and as staff type them: `(01)05901234123457(10)A7`."""

from __future__ import annotations

import re

from panier.barcode.ai import LENGTHS, UnknownElement, identifier
from panier.barcode.content import Elements
from panier.barcode.element import check_together
from panier.barcode.linter import CSET_82
from panier.barcode.refusal import BarcodeRefused

# A bracket within a value is either no identifier in brackets, or has a backslash before it.
_AI = re.compile(r"(?<!\\)\(([0-9]{2,4})\)")
_LONGEST = 90


class BadBrackets(BarcodeRefused):
    """Text that begins with a bracket and is no list of application identifiers with values."""

    code = "bad_brackets"


def read_brackets(text: str, *, whole: bool = True) -> Elements:
    """The elements of bracketed text; spaces around a value are dropped, `\\(` within one is a bracket.

    With `whole` all that belongs together must be there. An identifier that GS1 has not assigned is kept as it stands: brackets
    say where it ends, and new ones come every year. Raises BarcodeRefused.
    """
    before, *rest = _AI.split(text)
    if before.strip() or not rest:
        raise BadBrackets("brackets with an application identifier are wanted, such as (01) and behind it the 14 digits")
    elements = tuple(
        (ai, value.strip().replace("\\(", "(").replace("\\)", ")")) for ai, value in zip(rest[::2], rest[1::2], strict=True)
    )
    for ai, value in elements:
        known = identifier(ai)
        if known is not None:
            known.check(value)
        elif LENGTHS.get(ai[:2], len(ai)) != len(ai):
            raise UnknownElement(f"({ai}) is no application identifier of GS1; look at the brackets again")
        elif not 1 <= len(value) <= _LONGEST or any(character not in CSET_82 for character in value):
            raise BadBrackets(f"({ai}) has a value that no label can carry; look at it again")
    check_together(elements, whole=whole)
    return elements
