"""Code 128 (ISO/IEC 15417): from the data of GS k 73 to the symbol's values, and from these to bars."""

from __future__ import annotations

from collections.abc import Sequence

# Widths of bar, space, bar, space, bar, space of the values 0 to 105; the stop has a seventh.
_BARS = (
    "212222222122222221121223121322131222122213122312132212221213221312231212112232122132122231113222123122123221223211221132"
    "221231213212223112312131311222321122321221312212322112322211212123212321232121111323131123131321112313132113132311211313"
    "231113231311112133112331132131113123113321133121313121211331231131213113213311213131311123311321331121312113312311332111"
    "314111221411431111111224111422121124121421141122141221112214112412122114122411142112142211241211221114413111241112134111"
    "111242121142121241114212124112124211411212421112421211212141214121412121111143111341131141114113114311411113411311113141"
    "114131311141411131211412211214211232"
)
_STOP_BARS = "2331112"
_WIDTHS = [*(_BARS[place : place + 6] for place in range(0, len(_BARS), 6)), _STOP_BARS]
_SETS = {"A": 103, "B": 104, "C": 105}
_CHANGES = {"A": {"B": 100, "C": 99}, "B": {"A": 101, "C": 99}, "C": {"A": 101, "B": 100}}
_FUNCTIONS = {"1": {"A": 102, "B": 102, "C": 102}, "2": {"A": 97, "B": 97}, "3": {"A": 96, "B": 96}, "4": {"A": 101, "B": 100}}
STOP = 106


def read_data(data: bytes) -> tuple[str, tuple[int, ...]] | None:
    """(content, values) of the data of GS k 73: `{A`, `{B` or `{C` first, `{1` to `{4` the functions, `{{` a brace.

    None where a printer would print nothing, because the data does not fit.
    """
    text = data.decode("latin-1")
    if text[:1] != "{" or text[1:2] not in _SETS:
        return None
    charset, values, content, place = text[1], [_SETS[text[1]]], "", 2
    while place < len(text):
        one, place = text[place], place + 1
        if one == "{":
            order, place = text[place : place + 1], place + 1
            if order in _CHANGES[charset]:
                values.append(_CHANGES[charset][order])
                charset = order
                continue
            if order in _FUNCTIONS and charset in _FUNCTIONS[order]:
                values.append(_FUNCTIONS[order][charset])
                continue
            if order != "{":
                return None
        value = _value(charset, ord(one))
        if value is None:
            return None
        values.append(value)
        content += f"{ord(one):02}" if charset == "C" else one
    if len(values) < 2:
        return None
    check = (values[0] + sum(place * value for place, value in enumerate(values[1:], start=1))) % 103
    return content, (*values, check, STOP)


def modules(values: Sequence[int]) -> list[bool]:
    """The symbol from left to right, True where it is dark."""
    return [place % 2 == 0 for value in values for place, width in enumerate(_WIDTHS[value]) for _ in range(int(width))]


def _value(charset: str, code: int) -> int | None:
    if charset == "C":
        return code if code < 100 else None
    if charset == "A":
        return code - 32 if 32 <= code < 96 else code + 64 if code < 32 else None
    return code - 32 if 32 <= code < 128 else None
