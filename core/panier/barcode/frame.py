"""The frame around a code: what the line or the keyboard added at either end."""

from __future__ import annotations

from panier.barcode.refusal import EmptyCode, OverlongCode

# Drivers cut scans at the terminator of their profile; STX, ETX, CR, LF, TAB or a space at either end are leftovers of it.
_FRAME = "\x02\x03\r\n\t "

LONGEST = 7_092
"""Characters at the most: a QR code of version 40-L holds 7,089 digits (ISO/IEC 18004), and the AIM identifier 3 more."""


def unframe(text: str) -> str:
    """The code without its frame. Raises EmptyCode, OverlongCode."""
    if len(text) > LONGEST:
        raise OverlongCode(
            f"{len(text)} characters came in one piece, and no bar code holds more than {LONGEST}; a key is stuck or the "
            "scanner's terminator is not set: scan its programming sheet again"
        )
    content = text.strip(_FRAME)
    if not content:
        raise EmptyCode("nothing was read; hold the code flat in front of the scanner and scan again")
    return content
