"""GS1 element strings: application identifiers one behind the other, as GS1-128, DataBar and GS1 DataMatrix carry them."""

from __future__ import annotations

from functools import lru_cache

from panier.barcode.ai import LENGTHS, UnknownElement, identifier, matches
from panier.barcode.content import Elements
from panier.barcode.refusal import BarcodeRefused, EmptyCode

GS = "\x1d"
"""What a scanner sends for FNC1 behind a value whose length does not say where it ends."""

# A digital signature signs one piece, not a kind: these keys must carry their serial part, which begins here.
_SERIAL_BEGINS = {"253": 13, "255": 13, "8003": 14}


class ContradictingElements(BarcodeRefused):
    """Two application identifiers that exclude each other, or one that says two things."""

    code = "contradicting_ais"


class MissingElement(BarcodeRefused):
    """An application identifier that means nothing without another, which is not there."""

    code = "missing_ai"


def read_elements(data: str) -> Elements:
    """The elements of a string with GS between those whose length varies.

    Rules within one symbol are checked; whether something is missing is not, because another symbol on the pack may carry it
    (the note on pairings in the GS1 syntax dictionary). Raises BarcodeRefused.
    """
    found: list[tuple[str, str]] = []
    place = 1 if data[:1] == GS else 0
    end = len(data)
    while place < end:
        ai = data[place : place + LENGTHS.get(data[place : place + 2], 2)]
        known = identifier(ai)
        if known is None:
            raise _unknown(data, place)
        start = place + len(ai)
        if known.fixed:
            stop = start + known.fixed
        elif (stop := data.find(GS, start)) < 0:
            stop = end
        value = data[start:stop]
        known.check(value)
        found.append((ai, value))
        place = stop + 1 if data[stop : stop + 1] == GS else stop
    if not found:
        raise EmptyCode("the code holds no data; scan it again")
    elements = tuple(found)
    check_together(elements)
    return elements


def check_together(elements: Elements, *, whole: bool = False) -> None:
    """Raises ContradictingElements, and with `whole`, where all that a label says was read, MissingElement."""
    if len(elements) == 1 and not whole:
        return
    ais = tuple([ai for ai, _ in elements])
    if len(set(ais)) < len(ais):
        # Repeats say nothing new, as long as they say the same.
        if len(set(ais)) < len(set(elements)):
            twice = next(ai for ai in ais if len({value for other, value in elements if other == ai}) > 1)
            raise ContradictingElements(f"({twice}) stands in it with two different values; the label is wrong: take it to staff")
        ais = tuple(dict.fromkeys(ais))
    pair = _contradiction(ais)
    if pair is not None:
        raise ContradictingElements(f"({pair[0]}) and ({pair[1]}) exclude each other; the label is wrong: take it to staff")
    if whole and (lack := _lack(ais)) is not None:
        raise MissingElement(f"({lack[0]}) stands there without {lack[1]}; read or type the whole label")
    if "8030" in ais:
        _check_signed(elements)


@lru_cache(maxsize=512)
def _contradiction(ais: tuple[str, ...]) -> tuple[str, str] | None:
    """The first two that exclude each other; a shop sees the same few combinations all day."""
    for ai in ais:
        known = identifier(ai)
        for pattern in known.excludes if known else ():
            for other in ais:
                if other != ai and matches(other, pattern):
                    return ai, other
    return None


@lru_cache(maxsize=512)
def _lack(ais: tuple[str, ...]) -> tuple[str, str] | None:
    """The first that lacks another, and the choices of what it lacks."""
    for ai in ais:
        known = identifier(ai)
        for rule in known.requires if known else ():
            if not any(all(_has(ais, ai, pattern) for pattern in group) for group in rule):
                return ai, _choices(rule)
    return None


def _choices(rule: tuple[tuple[str, ...], ...]) -> str:
    """The first choices in words; some rules have eleven, and who reads this needs an example."""
    words = ["+".join(f"({pattern})" for pattern in group) for group in rule]
    return " or ".join(words[:3]) + (" or the like" if len(words) > 3 else "")


def _has(ais: tuple[str, ...], ai: str, pattern: str) -> bool:
    return any(other != ai and matches(other, pattern) for other in ais)


def _check_signed(elements: Elements) -> None:
    for ai, value in elements:
        if len(value) <= _SERIAL_BEGINS.get(ai, 0):
            raise MissingElement(f"({ai}) is signed by (8030) and has no serial part; the label is wrong: take it to staff")


def _unknown(data: str, place: int) -> BarcodeRefused:
    seen = data[place : place + 2]
    if not seen.isdigit() or not seen.isascii():
        words = "something other than an application identifier begins"
    else:
        words = f"no application identifier of GS1 begins with {seen} as it stands"
    return UnknownElement(f"at character {place + 1} of {len(data)} {words}; scan it again, or scan the plain bar code")
