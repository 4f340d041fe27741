"""Which keys a scanner presses for a character, by the country its keyboard poses as.

Written from Windows' keyboards (https://learn.microsoft.com/en-us/globalization/windows-keyboard-layouts) and the USB HID usage
tables, a character at a time, not from the device's layout files: a wrong row there would otherwise be right here too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, get_args

from panier.error import PanierError

Key = tuple[int, int]
"""Linux key code and HID usage (page 7)."""
Stroke = tuple[Key, int]
"""A key, and 1 for down or 0 for up."""

# By what a US keyboard prints on them; `<` is the key between Shift and Z that European keyboards have.
_KEYS: dict[str, Key] = {
    "1": (2, 0x1E), "2": (3, 0x1F), "3": (4, 0x20), "4": (5, 0x21), "5": (6, 0x22), "6": (7, 0x23), "7": (8, 0x24),
    "8": (9, 0x25), "9": (10, 0x26), "0": (11, 0x27), "-": (12, 0x2D), "=": (13, 0x2E), "q": (16, 0x14), "w": (17, 0x1A),
    "e": (18, 0x08), "r": (19, 0x15), "t": (20, 0x17), "y": (21, 0x1C), "u": (22, 0x18), "i": (23, 0x0C), "o": (24, 0x12),
    "p": (25, 0x13), "[": (26, 0x2F), "]": (27, 0x30), "a": (30, 0x04), "s": (31, 0x16), "d": (32, 0x07), "f": (33, 0x09),
    "g": (34, 0x0A), "h": (35, 0x0B), "j": (36, 0x0D), "k": (37, 0x0E), "l": (38, 0x0F), ";": (39, 0x33), "'": (40, 0x34),
    "`": (41, 0x35), "\\": (43, 0x31), "z": (44, 0x1D), "x": (45, 0x1B), "c": (46, 0x06), "v": (47, 0x19), "b": (48, 0x05),
    "n": (49, 0x11), "m": (50, 0x10), ",": (51, 0x36), ".": (52, 0x37), "/": (53, 0x38), " ": (57, 0x2C), "<": (86, 0x64),
}  # fmt: skip
_KEYPAD: dict[str, Key] = {
    "0": (82, 0x62), "1": (79, 0x59), "2": (80, 0x5A), "3": (81, 0x5B), "4": (75, 0x5C), "5": (76, 0x5D), "6": (77, 0x5E),
    "7": (71, 0x5F), "8": (72, 0x60), "9": (73, 0x61),
}  # fmt: skip
SHIFT, CTRL, ALT, ALT_GR = (42, 0xE1), (29, 0xE0), (56, 0xE2), (100, 0xE6)
CAPS_LOCK = (58, 0x39)
DOWN_ARROW = (108, 0x51)
ENDS: dict[str, Key] = {"enter": (28, 0x28), "kpenter": (96, 0x58), "tab": (15, 0x2B)}

_SAME = "qwertyuiopasdfghjklzxcvbnm"
# Pairs of a sign and the key that gives it: alone, with Shift, with AltGr; then the signs that need a space behind them.
_LAYOUTS = {
    "us": (
        "11223344556677889900--==[[]];;''``\\\\,,..//",
        "!1@2#3$4%5^6&7*8(9)0_-+={[}]:;\"'~`|\\<,>.?/", "", "",
    ),
    "uk": (
        "11223344556677889900--==[[]];;''``#\\\\<,,..//",
        "!1\"2£3$4%5^6&7*8(9)0_-+={[}]:;@'¬`~\\|<<,>.?/", "€4", "",
    ),
    "de": (
        "11223344556677889900ß-´=ü[+]ö;ä'^`#\\<<,,..-/",
        "!1\"2§3$4%5&6/7(8)9=0?-`=Ü[*]Ö;Ä'°`'\\><;,:._/",
        "²2³3{7[8]9}0\\-@q€e~]|<", "´`^",
    ),
    "fr": (
        "&1é2\"3'4(5-6è7_8ç9à0)-==$]m;ù'²`*\\<<,m;,:.!/",
        "11223344556677889900°-+=¨[£]M;%'µ\\><?m.,/.§/",
        "~2#3{4[5|6`7\\8^9@0]-}=€e", "~`¨",
    ),
    "be": (
        "&1é2\"3'4(5§6è7!8ç9à0)--=$]m;ù'²`µ\\<<,m;,:.=/",
        "11223344556677889900°-_=¨[*]M;%'³`£\\><?m.,/.+/",
        "|1@2#3^6{9}0\\<[[]]´'`\\~/€e", "´`~¨",
    ),
}  # fmt: skip
_MOVED = {"de": {"z": "y", "y": "z"}, "fr": {"a": "q", "q": "a", "z": "w", "w": "z", "m": ""}}
_MOVED["be"] = _MOVED["fr"]
LAYOUTS = tuple(_LAYOUTS)

Mode = Literal["keys", "alt", "alt0"]
"""Keys as on the country's keyboard; or Alt and the character's number on the keypad, which any country takes; or 0 before it."""
MODES: tuple[Mode, ...] = get_args(Mode)
Gs = Literal["ctrl", "down", "alt"]
"""How GS is typed: Ctrl and the key of a US keyboard's ], the arrow down, or Alt and 029."""


class Untypable(PanierError):
    """A character that the keyboard does not have."""

    code = "untypable"


def strokes(text: str, layout: str = "us", mode: Mode = "keys", gs: Gs = "ctrl") -> Iterator[Stroke]:
    """What a scanner presses for `text`. Raises Untypable."""
    for sign in text:
        if sign == "\x1d" and gs == "ctrl":
            yield from _chord(_KEYS["]"], CTRL)
        elif sign == "\x1d" and gs == "down":
            yield from _chord(DOWN_ARROW)
        elif mode != "keys" or sign == "\x1d":
            yield from _numbered(sign, "0" if mode == "alt0" or ord(sign) < 0x20 or ord(sign) > 0x7F else "")
        else:
            yield from _typed(sign, layout)


def _typed(sign: str, layout: str) -> Iterator[Stroke]:
    try:
        held, key, is_dead = TABLES[layout][sign]
    except KeyError:
        raise Untypable(f"a {layout} keyboard has no {sign!r}; type it with Alt and its number") from None
    yield from _chord(key, *held)
    if is_dead:
        yield from _chord(_KEYS[" "])


def _numbered(sign: str, before: str) -> Iterator[Stroke]:
    try:
        number = sign.encode("cp1252")[0]
    except UnicodeEncodeError:
        raise Untypable(f"{sign!r} has no number that Alt and the keypad type") from None
    yield ALT, 1
    for digit in f"{before}{number}":
        yield from _chord(_KEYPAD[digit])
    yield ALT, 0


def _chord(key: Key, *held: Key) -> Iterator[Stroke]:
    yield from ((one, 1) for one in held)
    yield key, 1
    yield key, 0
    yield from ((one, 0) for one in reversed(held))


def _table(layout: str) -> dict[str, tuple[tuple[Key, ...], Key, bool]]:
    alone, shifted, third, dead = _LAYOUTS[layout]
    moved = _MOVED.get(layout, {})
    letters = {letter: moved.get(letter, letter) for letter in _SAME}
    table: dict[str, tuple[tuple[Key, ...], Key, bool]] = {" ": ((), _KEYS[" "], False)}
    for letter, place in letters.items():
        if place:
            table[letter], table[letter.upper()] = ((), _KEYS[place], False), ((SHIFT,), _KEYS[place], False)
    for pairs, held in ((third, (ALT_GR,)), (shifted, (SHIFT,)), (alone, ())):
        for sign, place in zip(pairs[::2], pairs[1::2], strict=True):
            table[sign] = (held, _KEYS[place], sign in dead)
    return table


TABLES = {layout: _table(layout) for layout in LAYOUTS}
