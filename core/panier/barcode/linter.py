"""The rules that parts of GS1 data keep, one function each, by the names that the GS1 syntax dictionary gives them.

A rule takes the part and answers "" where it holds, else what is wrong, in words that repeat no more than one character.
The character set and the length have been checked before.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from panier.barcode.codelist import countries, country_numbers, currency_numbers, package_types
from panier.barcode.coupon import north_american_fault, positive_offer_fault
from panier.barcode.day import iso_day, last_day
from panier.barcode.gtin import check_digit

Rule = Callable[[str], str]

CSET_82 = "!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
"""What type X may hold, in the order that gives each character its weight (General Specifications, 7.11)."""
_CSET_32 = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_WEIGHT = {character: weight for weight, character in enumerate(CSET_82)}
_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


def csum(digits: str) -> str:
    """The last digit is the GS1 check digit."""
    wanted = check_digit(digits[:-1])
    return "" if digits[-1] == wanted else f"the check digit read is {digits[-1]}, but {wanted} would fit the others"


def _prime_weights(count: int) -> tuple[int, ...]:
    primes: list[int] = []
    number = 2
    while len(primes) < count:
        if all(number % prime for prime in primes):
            primes.append(number)
        number += 1
    return tuple(primes)


# No identifier with a pair of check characters is longer than 30 characters.
_PRIMES = _prime_weights(30)


def check_pair(body: str) -> str:
    """The two check characters that follow `body`, up to 30 characters of set 82 (General Specifications, 7.9.5)."""
    total = sum(_WEIGHT[character] * prime for character, prime in zip(reversed(body), _PRIMES, strict=False)) % 1021
    return _CSET_32[total >> 5] + _CSET_32[total & 31]


def csumalpha(text: str) -> str:
    """The last two characters are the GS1 pair of check characters."""
    if len(text) < 2:
        return "it is too short to hold its two check characters"
    return "" if text[-2:] == check_pair(text[:-2]) else "its two check characters do not fit the others"


def gcppos1(text: str) -> str:
    """A company prefix stands at the start: four digits at the least."""
    return "" if len(text) >= 4 and text[:4].isdigit() else "it does not begin with the four digits of a company at least"


def gcppos2(text: str) -> str:
    """A company prefix stands behind the first character."""
    return gcppos1(text[1:])


def hasnondigit(text: str) -> str:
    """Something else than digits is in it."""
    return "it has digits only, where a letter or sign is wanted too" if text.isdigit() else ""


def yymmd0(digits: str) -> str:
    """A day, or 00 for the last of the month."""
    return "" if iso_day(digits) else "there is no such date"


def yymmdd(digits: str) -> str:
    """A day of the calendar."""
    return "" if digits[4:] != "00" and iso_day(digits) else "there is no such date"


def yyyymmdd(digits: str) -> str:
    """A day of the calendar with its century."""
    year, month, day = int(digits[:4]), int(digits[4:6]), int(digits[6:])
    # Of full centuries only each fourth has a 29 February.
    century_without_leap = digits[2:4] == "00" and year % 400 != 0
    last = 28 if month == 2 and century_without_leap else last_day(year, month)
    return "" if 1 <= day <= last else "there is no such date"


def hh(digits: str) -> str:
    """An hour of the day, 00 to 23."""
    return "" if digits < "24" else "there is no such hour"


def mi(digits: str) -> str:
    """A minute, 00 to 59."""
    return "" if digits < "60" else "there is no such minute"


def ss(digits: str) -> str:
    """A second, 00 to 59."""
    return "" if digits < "60" else "there is no such second"


def hhmi(digits: str) -> str:
    """A time of day."""
    return hh(digits[:2]) or mi(digits[2:])


def iso3166(digits: str) -> str:
    """A country by its number."""
    return "" if digits in country_numbers() else "no country has that number"


def iso3166999(digits: str) -> str:
    """A country by its number, or 999 for several."""
    return "" if digits == "999" else iso3166(digits)


def iso3166alpha2(letters: str) -> str:
    """A country by its two letters."""
    return "" if letters in countries() else "no country has those two letters"


def iso4217(digits: str) -> str:
    """A currency by its number."""
    return "" if digits in currency_numbers() else "no currency has that number"


def iso5218(digit: str) -> str:
    """A sex: 0 not known, 1 male, 2 female, 9 not applicable."""
    return "" if digit in "0129" else f"it is {digit}, and 0, 1, 2 or 9 is wanted"


def iban(text: str) -> str:
    """A bank account number (ISO 13616): a country, two check digits, the account."""
    if len(text) <= 10:
        return "it is too short for a bank account number"
    if text[:2] not in countries():
        return "no country has the two letters that it begins with"
    if not (text.isalnum() and text == text.upper()):
        return "a bank account number has digits and capital letters only"
    number = int("".join(str(int(character, 36)) for character in text[4:] + text[:4]))
    return "" if number % 97 == 1 else "the check digits of the bank account number do not fit the others"


def importeridx(character: str) -> str:
    """The index of an importer: a letter, a digit, - or _."""
    return "" if character.isalnum() or character in "-_" else f"its importer index is {character!a}"


def packagetype(text: str) -> str:
    """A kind of package."""
    return "" if text in package_types() else "no kind of package has that code"


def mediatype(digits: str) -> str:
    """A medium as ICCBBA numbers them: 01 to 10, and 80 to 99 for local use."""
    return "" if "01" <= digits <= "10" or digits >= "80" else "no medium has that number"


def yesno(digit: str) -> str:
    """0 for no, 1 for yes."""
    return "" if digit in "01" else f"it is {digit}, and 0 for no or 1 for yes is wanted"


def zero(digit: str) -> str:
    """A 0 that only fills."""
    return "" if digit == "0" else f"its first digit is {digit}, and 0 is wanted"


def nonzero(digits: str) -> str:
    """A measure that is not nothing."""
    return "one of its measures is 0" if not digits.strip("0") else ""


def nozeroprefix(digits: str) -> str:
    """A number without leading zeros."""
    return "it begins with 0" if digits[0] == "0" else ""


def winding(digit: str) -> str:
    """How a roll is wound: 0 face out, 1 face in, 9 not defined."""
    return "" if digit in "019" else f"its winding is {digit}, and 0, 1 or 9 is wanted"


def latitude(digits: str) -> str:
    """Degrees from the south pole, times ten million."""
    return "" if int(digits) <= 1_800_000_000 else "its latitude lies beyond a pole"


def longitude(digits: str) -> str:
    """Degrees eastwards, times ten million."""
    return "" if int(digits) <= 3_600_000_000 else "its longitude goes round the earth more than once"


def hyphen(text: str) -> str:
    """A minus sign behind a temperature."""
    return "" if text == "-" else f"{text!a} stands where only a minus sign may"


def pcenc(text: str) -> str:
    """Text in which each % begins a byte of two hexadecimal digits."""
    return "two hexadecimal digits are wanted behind each %" if _PERCENT.search(text) else ""


def pieceoftotal(digits: str) -> str:
    """Which piece of how many, half of the digits each."""
    half = len(digits) // 2
    piece, total = int(digits[:half]), int(digits[half:])
    return "" if 1 <= piece <= total else "there is no such piece of so many"


def posinseqslash(text: str) -> str:
    """A place in a sequence: `1/2`."""
    place, slash, end = text.partition("/")
    if not (slash and place.isdigit() and end.isdigit()) or place[0] == "0" or end[0] == "0":
        return "a place such as 1/2 is wanted"
    return "" if int(place) <= int(end) else "its place lies behind the last one"


RULES: dict[str, Rule] = {
    rule.__name__: rule
    for rule in (
        csum, csumalpha, gcppos1, gcppos2, hasnondigit, yymmd0, yymmdd, yyyymmdd, hh, mi, ss, hhmi, iso3166, iso3166999,
        iso3166alpha2, iso4217, iso5218, iban, importeridx, packagetype, mediatype, yesno, zero, nonzero, nozeroprefix, winding,
        latitude, longitude, hyphen, pcenc, pieceoftotal, posinseqslash,
    )
} | {"couponcode": north_american_fault, "couponposoffer": positive_offer_fault}  # fmt: skip
