"""Money as integer minor units with a currency (ISO 4217)."""

from __future__ import annotations

import re
from decimal import Decimal

from panier.error import PanierError

# ISO 4217: minor units other than two. Everything else has two.
_EXPONENT = {
    "BHD": 3, "BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "IQD": 3, "ISK": 0, "JOD": 3, "JPY": 0, "KMF": 0, "KRW": 0, "KWD": 3,
    "LYD": 3, "OMR": 3, "PYG": 0, "RWF": 0, "TND": 3, "UGX": 0, "UYI": 0, "VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0,
}  # fmt: skip


_CODES = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW"
    " CLF CLP CNY COP COU CRC CUC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HRK"
    " HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK"
    " MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD"
    " SCR SDG SEK SGD SHP SLE SLL SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS"
    " VED VES VND VUV WST XAF XAG XAU XCD XCG XDR XOF XPD XPF XPT XSU XTS XUA XXX YER ZAR ZMW ZWG ZWL"
)
CURRENCIES = frozenset(_CODES.split())
"""The codes of ISO 4217, with some that ended not long ago."""

# Decimal alone also takes 1_000, full-width digits and 1e99999, and beyond 28 digits its context would round in silence.
_AMOUNT = re.compile(r"[+-]?(?:[0-9]{1,15}(?:\.[0-9]{0,12})?|\.[0-9]{1,12})")


class NotMoney(PanierError):
    """Text that is not an amount of this currency."""

    code = "not_money"


def exponent(currency: str) -> int:
    """Number of decimal digits of `currency`'s minor unit, for example 2 for EUR and 0 for JPY."""
    return _EXPONENT.get(currency, 2)


def parse_minor(text: str, currency: str) -> int:
    """Minor units of a decimal string: `"12.40"`, EUR → 1240.

    Raises NotMoney where the text is no decimal of up to 15 digits before the point or is finer than the currency's minor unit.
    """
    if not _AMOUNT.fullmatch(text.strip()):
        raise NotMoney(f"{text[:40]!r} is not an amount; write it like 12.40")
    amount = Decimal(text)
    digits = exponent(currency)
    minor = amount.scaleb(digits)
    if minor != minor.to_integral_value():
        raise NotMoney(f"{text!r} has more than the {digits} decimals that {currency} has")
    return int(minor)


def format_minor(minor: int, currency: str) -> str:
    """Decimal string of minor units: 1240, EUR → `"12.40"`."""
    return f"{Decimal(minor).scaleb(-exponent(currency)):.{exponent(currency)}f}"
