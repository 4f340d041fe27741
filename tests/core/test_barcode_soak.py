"""Ten million random, mutated and truncated codes: the front door answers each and keeps nothing.

By hand: `pytest -m soak -n 0 -s tests/core/test_barcode_soak.py`.
"""

from __future__ import annotations

import gc
import os
import random
import resource
import sys
import time
from collections import Counter

import pytest

from panier.barcode import BarcodeRefused, LoyaltyRules, Numbering, Template, mask, parse_rules, read
from panier.barcode.carrier import AIM
from panier.barcode.numbering import Measure

INPUTS = int(os.environ.get("PANIER_SOAK_INPUTS", "10000000"))
SEED = int(os.environ.get("PANIER_SOAK_SEED", "1"))
CARDS = parse_rules('[[card]]\nname = "a"\ncarriers = ["code128", "qr"]\nprefix = "60"\nlength = 16\ncheck = "luhn"\n')
NO_CARDS = LoyaltyRules()
_KINDS: tuple[tuple[str, Measure], ...] = (("22IIIIKVVVVVC", "price"), ("23IIIIIIVVVVC", "weight"), ("20IIIIIKVVVVC", "count"))
SHOP = Numbering(tuple(Template(pattern=pattern, measure=measure) for pattern, measure in _KINDS))
_WHOLE = r"""
]E05901234123457 ]E0036602301467 ]E006397126 ]E448512343 ]E3978073520044951299 ]E09780735200449]E251299 5901234123457 4011
]E05901234123457|]e01726113010A7 ]E02388060112344 ]E02211114002394 ]I105901234123457 ]C06035710000000000 96385074 94011
]C1010590123412345710A7{GS}17261130 ]e0019001234567890831020017501126110 ]C100106141412345678908 106141412345678908
]d2010590123412345739329781299{GS}3012 ]e0811000123451234563100110000 ]e08112000123451234560234567 ]Q3800302112345678900AB
]e02559521141123454567{GS}3902150 ]d27007261101261130 ]J18006059012341234570102 ]C18007GB29NWBK60161331926819 ]C172582/3
]C180131987654Ad4X4bL5ttr2310c2K ]C143090000000000000000000 ]C1253952114112345412{GS}8030abc=
]Q1https://example.com/some/01/05901234123457/10/A%2F7?17=261130&99=a%2Bb#x ]d1HTTPS://ID.GS1.ORG/00/106141412345678908
https://[2001:db8::1]:8080/gtin/05901234123457/ser/1 https://id.gs1.org/AQnYUc1gmiCNV4JG PANIER:T:B-17CQ
(01)05901234123457(10)A\(7(17)261130 (8030)abc=(01)05901234123457(21)S
"""
# Split first: to Python, GS is a space.
WHOLE = [text.replace("{GS}", "\x1d") for text in _WHOLE.split()]
SIGNS = "0123456789]()|/%?&=+;:#.-_^ \x1d\x02\x03\r\x00AEabz\u0660\uff11\ud800é"
AIMS = sorted(AIM)


def mutated(chance: random.Random) -> str:
    """One of the whole codes, cut, spoilt, joined with another or under another identifier; or something altogether random."""
    text = chance.choice(WHOLE)
    for _ in range(chance.randrange(1, 4)):
        place = chance.randrange(len(text) + 1)
        match chance.randrange(9):
            case 0:
                text = text[:place]
            case 1:
                text = text[place:]
            case 2:
                text = text[:place] + chance.choice(SIGNS) + text[place:]
            case 3 | 4:
                text = text[:place] + chance.choice(SIGNS) + text[place + 1 :]
            case 5:
                text = chance.choice(AIMS) + text[3:]
            case 6:
                text = text[:place] + chance.choice(WHOLE)[chance.randrange(6) :]
            case 7:
                text = text[:place] + text[place:] * 2
            case _:
                text = chance.choice(AIMS) + "".join(chance.choices(SIGNS, k=chance.randrange(30)))
    return text


def outcome(text: str, rules: LoyaltyRules) -> str:
    """The kind of content, or the code of the refusal, which must not repeat what it refuses."""
    try:
        return type(read(text, rules, SHOP)).__name__
    except BarcodeRefused as refused:
        code, message = refused.code, str(refused)
    assert len(text.strip()) < 12 or text.strip() not in message, mask(text)
    return code


def resident() -> int:
    """Megabytes that the process holds at the most so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_ten_million_spoilt_codes_end_in_a_value_or_a_refusal() -> None:
    chance = random.Random(SEED)
    outcomes: Counter[str] = Counter()
    slowest = 0.0
    early = 0
    for number in range(INPUTS):
        text = mutated(chance)
        started = time.perf_counter()
        found = outcome(text, CARDS if number % 2 else NO_CARDS)
        slowest = max(slowest, time.perf_counter() - started)
        outcomes[found] += 1
        if number == INPUTS // 10:
            gc.collect()
            early = resident()
    told = [f"{INPUTS:,} inputs, slowest {slowest * 1000:.1f} ms, {early} MB after a tenth, {resident()} MB at the end"]
    told += [f"{count:>10,}  {found}" for found, count in outcomes.most_common()]
    sys.stdout.write("\n" + "\n".join(told) + "\n")
    assert resident() - early < 8, "the front door keeps nothing of what it reads"
