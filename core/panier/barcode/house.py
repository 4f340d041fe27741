"""Codes of our own, in QR or Code 128: a basket that another device takes over, and commands of staff.

`PANIER:T:` or `PANIER:S:`, then capital letters, digits, `-`, `.` and `/` (what QR packs best), then the two check characters
that GS1 uses. Who may use one is decided where it is used; a code only says what is asked for.
"""

from __future__ import annotations

import re
from typing import Literal

from panier.barcode.content import HouseCode
from panier.barcode.linter import check_pair
from panier.barcode.refusal import BarcodeRefused

_KINDS: dict[str, Literal["transfer", "service"]] = {"T": "transfer", "S": "service"}
_CODE = re.compile(r"PANIER:([TS]):([0-9A-Z./-]{1,28})([2-9A-Z]{2})")
PREFIX = "PANIER:"


class BadHouseCode(BarcodeRefused):
    """A code of our own that is torn, or of a kind that this release does not know."""

    code = "bad_house_code"


def read_house(text: str) -> HouseCode:
    """The code of our own in `text`, which begins with PREFIX. Raises BadHouseCode."""
    found = _CODE.fullmatch(text)
    if found is None or check_pair(found[2]) != found[3]:
        raise BadHouseCode(
            "this is a code of this shop's devices, but a part of it is missing or wrong; show it again and scan it"
        )
    return HouseCode(_KINDS[found[1]], found[2])
