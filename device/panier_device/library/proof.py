"""The symbol at the end of a sheet, which shows by how it arrives whether a scanner is set as Panier wants it.

It is GS1 data of two fields for a company's own use (application identifiers 91 and 92), so no shop sells it: the front door
reads it as data that names no product.
"""

from __future__ import annotations

ELEMENTS = (("91", "PANIER"), ("92", "PROOF"))
_HEAD, _TAIL = "91PANIER", "92PROOF"
_GS1 = ("]C1", "]d2")


def judge(text: str) -> list[str] | None:
    """What is wrong with the way in which the proof arrived; empty where all is well, None where `text` is no proof."""
    begin, end = text.find(_HEAD), text.find(_TAIL)
    if begin < 0 or end < begin:
        return None
    wrong: list[str] = []
    before, between = text[:begin], text[begin + len(_HEAD) : end]
    if "]" not in before:
        wrong.append('no AIM identifier: scan the sheet\'s code "AIM identifiers on"')
    elif before[-3:] not in _GS1:
        wrong.append(f"the identifier {before[-3:]} does not say GS1: update the scanner's firmware, or have it send FNC1")
    prefix = before[:-3] if "]" in before else before
    if prefix:
        wrong.append(f'it puts {prefix!r} before each code: set prefix = "{prefix}" in a profile, or clear the prefix')
    if not between:
        wrong.append("GS between the fields is lost: have the scanner send GS (0x1D), or a character in its place")
    elif between != "\x1d":
        wrong.append(f'{between!r} stands for GS: set gs = "{between}" in the profile')
    return wrong
