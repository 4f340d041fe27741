"""From how a code arrived to what to do about the scanner: each hint is a function from a burst to advice. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from panier.barcode import BarcodeRefused, LoyaltyRules, Numbering, read
from panier_device.doctor.burst import Burst
from panier_device.driver.hidpos import HidPosDecoder
from panier_device.driver.layout import Layout
from panier_device.driver.profile import ScannerProfile
from panier_device.driver.wedge import WedgeDecoder
from panier_device.library.proof import judge

_GS1 = ("]C1", "]e0", "]d2", "]Q3", "]J1")
_SLOW_MS = 35.0
_DIGITS_AT_TWICE = b"JKZ[jkz{:;"
"""What a receiver makes of any two digits, or a digit and CR, that come at twice its speed (8N1)."""
_STANDING_FOR_GS = ("|", "{GS}", "<GS>", "^]", "~", "\\x1d", "#")


@dataclass(frozen=True, slots=True)
class Setting:
    """How the port is read: what the hints compare with."""

    profile: ScannerProfile
    rules: LoyaltyRules
    numbering: Numbering
    sheet: str = ""
    """The sheet of this scanner, where it is known."""
    layout: str = ""
    layouts: tuple[tuple[str, Layout], ...] = ()
    """All keyboard layouts by name, for a keyboard that may be set to another."""
    hidpos: tuple[tuple[str, ScannerProfile], ...] = ()
    """All profiles of HID-POS by name, for a scanner whose reports may be another maker's."""

    def code_of(self, what: str) -> str:
        """Where the code that mends it is printed."""
        return f'scan "{what}" of its sheet (`panier sheet{" " + self.sheet if self.sheet else ""}`)'


Hint = Callable[[Burst, Setting, Burst | None], Iterator[str]]


def garbage(burst: Burst, setting: Setting) -> Iterator[str]:
    """Bytes that are no characters come from another speed, or carry a parity bit."""
    strange = sum(not _is_character(byte) for byte in burst.raw)
    if is_twice_as_fast(burst):
        fast = 2 * setting.profile.baud
        yield f"digits at twice the profile's speed look like this: set baud = {fast}, or the scanner to {setting.profile.baud}"
        return
    if burst.wire != "serial" or not strange:
        return
    parity = _parity(burst.raw)
    if parity:
        yield f"without their highest bit the bytes are text: the scanner sends 7 bits with {parity} parity; " + (
            f'set data_bits = 7 and parity = "{parity}" in the profile, or 8 bits and none in the scanner'
        )
    elif is_garbage(burst):
        yield f"{strange} of {len(burst.raw)} bytes are no characters: the scanner sends at another speed than the profile's " + (
            f"{setting.profile.baud} baud; try 9600, 19200, 38400, 57600 and 115200, or {setting.code_of('Factory settings')}"
        )
    else:
        yield f"{strange} of {len(burst.raw)} bytes are no characters: a loose plug or cable, or a motor nearby"


def no_end(burst: Burst, setting: Setting, before: Burst | None) -> Iterator[str]:
    """A code that silence ended, where a terminator should have."""
    if burst.frame.flaw != "cut_short" or burst.ended_by != "silence":
        return
    if burst.wire == "hidpos":
        yield "the code goes on in a report that did not come: the cable, or another program that reads this scanner; scan again"
    elif burst.wire == "keyboard":
        yield f"no Enter came behind the code: {setting.code_of('CR behind each code')}, or the scanner lost keys"
    elif _is_read(burst.frame.text, setting) or judge(burst.frame.text) is not None:
        yield f'the code is whole and nothing ended it: {setting.code_of("CR behind each code")}, or set framing = "idle"'
    else:
        yield "a part of a code came, then silence: the cable or the battery; scan again"


def identifier(burst: Burst, setting: Setting, before: Burst | None) -> Iterator[str]:
    """AIM identifiers that are missing, or that the profile does not expect."""
    text, flaw = burst.frame.text, burst.frame.flaw
    if judge(text) is not None or (flaw and not (flaw == "cut_short" and _is_read(text, setting))):
        return
    if "]" not in text[: len(setting.profile.prefix) + 1]:
        place = text.find("]")
        if 0 < place <= 8 and _is_read(text[place:], setting):
            yield f'{text[:place]!r} stands before the identifier: set prefix = "{text[:place]}" in the profile, or clear it'
        elif setting.profile.aim or burst.wire != "keyboard":
            yield f"no AIM identifier: kinds of codes are guessed by their looks; {setting.code_of('AIM identifiers on')}"
    elif not setting.profile.aim and burst.wire == "serial":
        yield "the scanner sends AIM identifiers and the profile does not say so: set aim = true"


def lost_separator(burst: Burst, setting: Setting, before: Burst | None) -> Iterator[str]:
    """GS1 data whose fields run into each other."""
    text = burst.frame.text
    if not text.startswith(_GS1) or "\x1d" in text or judge(text) is not None or _is_read(text, setting):
        return
    sign = next((sign for sign in _STANDING_FOR_GS if sign in text and _is_read(text.replace(sign, "\x1d"), setting)), "")
    if sign:
        yield f'{sign!r} stands for GS: set gs = "{sign}" in the profile'
    else:
        yield "if the label has fields behind each other, GS between them is lost: have the scanner send 0x1D for FNC1"


def other_layout(burst: Burst, setting: Setting, before: Burst | None) -> Iterator[str]:
    """Keys that make sense on another keyboard: q instead of a, signs instead of digits."""
    if not burst.keys or _makes_sense(burst.frame.text, setting):
        return
    for name, layout in setting.layouts:
        if name == setting.layout:
            continue
        decoder = WedgeDecoder(layout)
        frames = [*decoder.feed(list(burst.keys)), *decoder.flush()]
        if len(frames) == 1 and frames[0].flaw == burst.frame.flaw and _makes_sense(frames[0].text, setting):
            yield f'as a {layout.title} keyboard the keys make sense: set layout = "{name}", or the scanner to {setting.layout}'


def other_reports(burst: Burst, setting: Setting, before: Burst | None) -> Iterator[str]:
    """Reports that make sense where another maker puts the parts, or that are no scans."""
    if not burst.reports or (not burst.frame.flaw and _makes_sense(burst.frame.text, setting)):
        return
    number, wanted = burst.reports[0][:1], setting.profile.report.number
    if number != bytes([wanted]):
        which = number.hex() or "without a number"
        yield f"report {which} came, and the profile takes report {wanted:02x} for scans: is the scanner set to HID-POS?"
    for name, profile in setting.hidpos:
        frames = HidPosDecoder(profile).feed(list(burst.reports))
        if profile.report != setting.profile.report and len(frames) == 1 and _makes_sense(frames[0].text, setting):
            yield f'read as {profile.title} the reports make sense: set profile = "{name}"'


def trigger_held(burst: Burst, setting: Setting, before: Burst | None) -> Iterator[str]:
    """The same code twice within a moment."""
    if before is None or burst.frame != before.frame or burst.frame.flaw:
        return
    pause = burst.first_ms - before.last_ms
    if pause < setting.profile.repeat_ms:
        yield f"the same code again after {pause:.0f} ms: the trigger is held; a terminal counts it once"


def slow_keys(burst: Burst, setting: Setting, before: Burst | None) -> Iterator[str]:
    """A scanner types in milliseconds."""
    if burst.wire == "keyboard" and len(burst.raw) > 3 and burst.each_ms > _SLOW_MS:
        yield f"{burst.each_ms:.0f} ms a key: typed by hand, or set the scanner's delay between keys to none"


HINTS: tuple[Hint, ...] = (no_end, identifier, lost_separator, other_layout, other_reports, trigger_held, slow_keys)


def hints(burst: Burst, setting: Setting, before: Burst | None = None) -> list[str]:
    """All advice on a burst; `before` is the one that came before it."""
    # Where the bytes are no text, nothing else that could be said of them holds.
    return [*garbage(burst, setting)] or [advice for hint in HINTS for advice in hint(burst, setting, before)]


def is_garbage(burst: Burst) -> bool:
    """True where so many bytes are no characters that the rest is chance."""
    return burst.wire == "serial" and sum(not _is_character(byte) for byte in burst.raw) * 3 >= max(1, len(burst.raw))


def is_twice_as_fast(burst: Burst) -> bool:
    """True for digits that were sent at twice the speed: two bits are heard as one, and few letters can come of that."""
    heard = sum(byte in _DIGITS_AT_TWICE for byte in burst.raw)
    return burst.wire == "serial" and len(burst.raw) >= 4 and heard * 4 >= len(burst.raw) * 3


def _is_character(byte: int) -> bool:
    return 0x20 <= byte < 0x7F or byte in b"\r\n\t\x02\x03\x1d"


def _parity(raw: bytes) -> str:
    """Which parity the highest bits keep, where all bytes are text without them; "" where they keep none."""
    if not all(_is_character(byte & 0x7F) for byte in raw):
        return ""
    odd = {byte.bit_count() % 2 for byte in raw}
    return "" if len(odd) != 1 else "odd" if odd.pop() else "even"


def _is_read(text: str, setting: Setting) -> bool:
    try:
        read(text, setting.rules, setting.numbering)
    except BarcodeRefused:
        return False
    return True


def _makes_sense(text: str, setting: Setting) -> bool:
    return judge(text) is not None or _is_read(text, setting)
