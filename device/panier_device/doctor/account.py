"""One scan told to a person: what came, what it is, what the front door says of it and why, and what to do. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from panier.barcode import BarcodeRefused, CardCode, CouponCode, HouseCode, LogisticUnit, PluCode, ProductCode, mask, read
from panier.barcode.carrier import AIM
from panier.barcode.content import DepositCode
from panier.barcode.swipe import is_swipe
from panier_device.doctor.burst import Burst, in_hex, visible
from panier_device.doctor.hint import Setting, hints, is_garbage, is_twice_as_fast
from panier_device.library.proof import judge

_FLAWS = {
    "noise": "foreign bytes are in it",
    "cut_short": "it did not come to its end",
    "too_long": "it is longer than any code",
    "wrong_speed": "nothing of it can be read",
    "unreadable": "nothing of it can be read",
}


@dataclass(frozen=True, slots=True)
class Account:
    """What `panier doctor --live` says of one scan."""

    ok: bool
    verdict: str
    text: str
    hex: str
    identifier: str
    pace: str
    since_last: str
    hints: list[str]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def account(burst: Burst, setting: Setting, before: Burst | None = None) -> Account:
    """Tells of one burst. Of what looks like a swiped card, not a digit is shown: it may be a bank card."""
    if is_swipe(burst.frame.text):
        return _swiped(burst)
    ok, verdict = _verdict(burst, setting)
    advice = hints(burst, setting, before)
    wrong = judge(burst.frame.text)
    if wrong is not None:
        ok = not wrong and not burst.frame.flaw
        verdict = "the proof: the scanner is set as Panier wants it" if ok else "the proof, and something is missing"
        advice = [*wrong, *advice]
    return Account(
        ok=ok,
        verdict=verdict,
        text=visible(burst.raw),
        hex=in_hex(b"".join(burst.reports) or burst.raw),
        identifier=_identifier(burst.frame.text),
        pace=_pace(burst),
        since_last="" if before is None else f"{(burst.first_ms - before.last_ms) / 1000:.1f} s after the last",
        hints=advice,
    )


def _swiped(burst: Burst) -> Account:
    return Account(
        ok=True, verdict="a card was swiped; nothing of it is shown or kept", text=f"{len(burst.raw)} characters",
        hex="not shown", identifier="none: a card's track", pace=_pace(burst), since_last="", hints=[],
    )  # fmt: skip


def _verdict(burst: Burst, setting: Setting) -> tuple[bool, str]:
    if burst.frame.flaw:
        flaw = "unreadable" if is_garbage(burst) or is_twice_as_fast(burst) else burst.frame.flaw
        return False, f"not taken: {_FLAWS[flaw]}"
    try:
        found = read(burst.frame.text, setting.rules, setting.numbering)
    except BarcodeRefused as error:
        return False, f"refused ({error.code}): {error}"
    match found:
        case ProductCode():
            weight = f", {found.grams} g" if found.grams else ""
            return True, f"product {found.gtin14}{weight}"
        case CardCode():
            return True, f"card {mask(found.number)} by the rule {found.rule!r}"
        case CouponCode():
            return True, f"coupon {found.number}"
        case DepositCode():
            return True, f"deposit slip {found.number}"
        case LogisticUnit():
            return True, f"pallet {found.sscc}"
        case HouseCode():
            return True, f"code of our own: {found.kind} {found.payload}"
        case PluCode():
            return True, f"fresh produce, PLU {found.plu}"
        case _:
            return True, "GS1 data that names no product"


def _identifier(text: str) -> str:
    carrier = AIM.get(text[:3])
    if carrier is not None:
        return f"{text[:3]}, {carrier.words}"
    return f"{text[:3]}, which Panier does not know" if text.startswith("]") else "none"


def _pace(burst: Burst) -> str:
    took = burst.last_ms - burst.first_ms
    if burst.reports:
        return f"{len(burst.reports)} report{'s' if len(burst.reports) > 1 else ''} in {took:.0f} ms"
    unit = "keys" if burst.wire == "keyboard" else "bytes"
    each = f", {burst.each_ms:.1f} ms each" if len(burst.raw) > 1 and took >= 1 else ""
    end = "" if burst.ended_by == "terminator" else "; silence ended it"
    return f"{len(burst.raw)} {unit} in {took:.0f} ms{each}{end}"
