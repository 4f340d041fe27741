"""Keyboard layouts, against the X Keyboard Configuration Database and against the keys that the simulated wedge presses."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest

from panier_device.driver.layout import load_layout
from panier_device.driver.port import Frame, KeyEvent
from panier_device.driver.profile import ScannerProfile
from panier_device.driver.wedge import WedgeDecoder
from panier_io.firmware import firmware_config
from panier_simulators.keyboard import LAYOUTS, MODES, TABLES, Gs, Mode, strokes

FOLDER = firmware_config() / "layouts"
XKB = Path("/usr/share/X11/xkb/symbols")
PLACES = {
    **{f"AE{n:02}": n + 1 for n in range(1, 13)}, **{f"AD{n:02}": n + 15 for n in range(1, 13)},
    **{f"AC{n:02}": n + 29 for n in range(1, 12)}, **{f"AB{n:02}": n + 43 for n in range(1, 11)},
    "TLDE": 41, "BKSL": 43, "LSGT": 86,
}  # fmt: skip
WORDS = """
exclam quotedbl numbersign dollar percent ampersand apostrophe parenleft parenright asterisk plus comma minus period slash colon
semicolon less equal greater question at bracketleft backslash bracketright asciicircum underscore grave braceleft bar braceright
asciitilde sterling section degree notsign twosuperior threesuperior mu agrave ccedilla egrave eacute ugrave ssharp
adiaeresis odiaeresis udiaeresis Adiaeresis Odiaeresis Udiaeresis EuroSign
dead_acute dead_grave dead_circumflex dead_tilde dead_diaeresis
"""
SIGNS = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~£§°¬²³µàçèéùßäöüÄÖÜ€´`^~¨"
NAMES = dict(zip(WORDS.split(), SIGNS, strict=True))
KEY = re.compile(r"key\s*<(\w+)>\s*\{(.*?)\}\s*;", re.DOTALL)


def symbols(file: str, section: str = "basic") -> dict[int, list[str]]:
    """Signs by key code and level, with what the section includes."""
    text = re.sub(r"//[^\n]*", "", (XKB / file).read_text())
    body = re.split(rf'xkb_symbols\s+"{section}"\s*\{{', text)[1].split("\n};")[0]
    found: dict[int, list[str]] = {}
    for name, inner in re.findall(r'include\s+"(latin)(?:\((\w+)\))?"', body):
        found |= symbols(name, inner or "basic")
    for place, what in KEY.findall(body):
        if place in PLACES:
            signs = re.findall(r"\[([^\]]*)\]", re.sub(r"\w+\[Group1\]\s*=", "", what))[0]
            found[PLACES[place]] = [NAMES.get(sign.strip(), sign.strip()) for sign in signs.split(",")]
    return found


@pytest.mark.skipif(not XKB.is_dir(), reason="the X Keyboard Configuration Database is not installed: apt install xkb-data")
@pytest.mark.parametrize(("ours", "theirs"), [("us", "us"), ("uk", "gb"), ("de", "de"), ("fr", "fr"), ("be", "be")])
def test_every_key_gives_what_the_keyboard_database_says(ours: str, theirs: str):
    known = symbols("pc", "pc105") | symbols(theirs)
    assert len(known) >= 47
    for code, signs in load_layout(ours, FOLDER).keys.items():
        if code in PLACES.values():
            for level, sign in enumerate(signs):
                assert not sign or sign == known[code][level], (ours, code, level)


def events(text: str, layout: str, mode: Mode = "keys", gs: Gs = "ctrl") -> list[KeyEvent]:
    pressed = list(strokes(text, layout, mode, gs))
    return [KeyEvent(place, 1, key[0], value) for place, (key, value) in enumerate([*pressed, ((28, 0x28), 1), ((28, 0x28), 0)])]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_all_of_ascii_comes_through_every_layout_and_mode(layout: str, mode: Mode):
    text = string.digits + string.ascii_letters + string.punctuation + " end"
    assert WedgeDecoder(load_layout(layout, FOLDER)).feed(events(text, layout, mode)) == [Frame(text)]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_sign_of_a_layout_is_typed_as_itself(layout: str):
    text = "x".join(TABLES[layout])
    assert WedgeDecoder(load_layout(layout, FOLDER)).feed(events(text, layout)) == [Frame(text)]


@pytest.mark.parametrize("gs", ["ctrl", "alt", "down"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_separator_of_gs1_comes_through_however_it_is_typed(layout: str, gs: Gs):
    profile = ScannerProfile.model_validate({"title": "arrow", "keys": {"gs": ["down"]}})
    code = "]C110A7\x1d21X"
    assert WedgeDecoder(load_layout(layout, FOLDER), profile).feed(events(code, layout, gs=gs)) == [Frame(code)]


@pytest.mark.parametrize(("mode", "sign"), [("alt", "é"), ("alt0", "é"), ("alt0", "€")])
def test_letters_beyond_ascii_come_by_their_numbers(mode: Mode, sign: str):
    assert WedgeDecoder(load_layout("us", FOLDER)).feed(events(f"caf{sign}", "us", mode)) == [Frame(f"caf{sign}")]


def test_another_layout_than_the_one_that_is_set_gives_no_digits():
    (frame,) = WedgeDecoder(load_layout("us", FOLDER)).feed(events("4006381333931", "fr"))
    assert frame.text == "$))^#*!###(#!"
