"""Numbers that a country or a shop gives by itself (GS1 prefixes 02, 04, 20 to 29, and coupons and vouchers): templates as data.

Such a number has no meaning of its own: where the weight or the price stands in it, each GS1 organisation or shop decides. The
text of a numbering is a file of `firmware-config/numbering/`.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast, get_args

from panier.barcode.gtin import check_digit
from panier.barcode.refusal import BarcodeRefused
from panier.error import PanierError

Measure = Literal["weight", "price", "count", "none"]
Meaning = Literal["product", "coupon", "deposit"]
_FIELDS = ("pattern", "measure", "decimals", "meaning", "note")
_HEAD = ("title", "source", "checked", "template")
_MOST_DECIMALS = 3

# The products by which the General Specifications (7.9.2 to 7.9.4) weigh a digit of a price: 2-, 3, 5+ and 5-.
_TWO_MINUS = "0246891357"
_THREE = "0369258147"
_FIVE_PLUS = "0516273849"
_FIVE_MINUS = "0594837261"
_FOUR_DIGITS = (_TWO_MINUS, _TWO_MINUS, _THREE, _FIVE_MINUS)
_FIVE_DIGITS = (_FIVE_PLUS, _TWO_MINUS, _FIVE_MINUS, _FIVE_PLUS, _TWO_MINUS)


class BadNumbering(PanierError):
    """A numbering file that says nothing clear; the message names every fault, one a line."""

    code = "bad_numbering"

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))


class WrongMeasureDigit(BarcodeRefused):
    """The digit that guards the price or weight within a number does not fit it."""

    code = "wrong_measure_digit"

    def __init__(self, seen: str, wanted: str) -> None:
        super().__init__(
            f"the digit that guards the price or weight is {seen}, but {wanted} would fit it: the label is misread or from "
            "another country; scan it again, and if it stays, weigh the product again or call staff"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """How 13 digits are to be read: `pattern` has digits that must stand there and letters for what the others are.

    I item, V value of the measure, K the digit that guards the value by GS1's rule, X a digit that says nothing to us (a guard
    whose rule is not published), C the check digit. `measure` is what V is, with so many `decimals` of a kilogram or of the
    currency. Raises BadNumbering.
    """

    pattern: str
    measure: Measure = "none"
    decimals: int = 0
    meaning: Meaning = "product"
    prefix: str = field(init=False, repr=False, compare=False)
    value: slice = field(init=False, repr=False, compare=False)
    guard: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        faults = tuple(f"template {self.pattern!r}: {fault}" for fault in self._faults())
        if faults:
            raise BadNumbering(faults)
        object.__setattr__(self, "prefix", self.pattern[: -len(self.pattern.lstrip("0123456789"))])
        object.__setattr__(self, "value", slice(self.pattern.find("V"), self.pattern.rfind("V") + 1))
        object.__setattr__(self, "guard", self.pattern.find("K"))

    def _faults(self) -> Iterator[str]:
        body = self.pattern.lstrip("0123456789")
        if (
            len(self.pattern) != 13
            or body == self.pattern
            or body.strip("IVKXC")
            or not body.endswith("C")
            or body.count("C") > 1
        ):
            yield "13 characters are wanted: digits first, then I, V, K and X, and C at the end"
            return
        if "V" in body.strip("IKXC").replace("V" * body.count("V"), "", 1) or body.count("K") > 1:
            yield "V stands in one piece, and K once at most"
        if (self.measure == "none") != ("V" not in body):
            yield "V is wanted where there is a measure, and only there"
        if "K" in body and body.count("V") not in (4, 5):
            yield "K guards 4 or 5 digits"
        if self.measure not in get_args(Measure) or self.meaning not in get_args(Meaning):
            yield f"measure is one of {', '.join(get_args(Measure))}, meaning one of {', '.join(get_args(Meaning))}"
        if not 0 <= self.decimals <= _MOST_DECIMALS:
            yield f"decimals are 0 to {_MOST_DECIMALS}"

    def read(self, digits: str) -> int | None:
        """The value in 13 digits that begin with the prefix, None where nothing is measured. Raises WrongMeasureDigit."""
        if self.measure == "none":
            return None
        value = digits[self.value]
        if self.guard >= 0 and digits[self.guard] != (wanted := guard_digit(value)):
            raise WrongMeasureDigit(digits[self.guard], wanted)
        return int(value)

    def without_value(self, digits: str) -> str:
        """The same number as a catalogue lists it: value 0, guard and check digit to fit."""
        zeros = "0" * (self.value.stop - self.value.start)
        body = "".join("0" if letter in "VX" else digit for letter, digit in zip(self.pattern[:12], digits[:12], strict=True))
        if self.guard >= 0:
            body = body[: self.guard] + guard_digit(zeros) + body[self.guard + 1 :]
        return body + check_digit(body)


@dataclass(frozen=True, slots=True)
class Numbering:
    """All templates of a country or shop; the longest prefix that fits is the one. Raises BadNumbering for two alike."""

    templates: tuple[Template, ...] = ()
    _by_prefix: dict[str, Template] = field(init=False, repr=False, compare=False)
    _lengths: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_prefix = {template.prefix: template for template in self.templates}
        if len(by_prefix) < len(self.templates):
            raise BadNumbering(["two templates begin with the same digits; make the prefixes differ"])
        object.__setattr__(self, "_by_prefix", by_prefix)
        object.__setattr__(self, "_lengths", tuple(sorted({len(prefix) for prefix in by_prefix}, reverse=True)))

    def template(self, digits: str) -> Template | None:
        """The template of 13 digits, or None."""
        for length in self._lengths:
            template = self._by_prefix.get(digits[:length])
            if template is not None:
                return template
        return None


def guard_digit(value: str) -> str:
    """The digit that guards a price or weight of 4 or 5 digits (General Specifications, 7.9.3 and 7.9.4)."""
    if len(value) == 4:
        total = sum(int(row[int(digit)]) for row, digit in zip(_FOUR_DIGITS, value, strict=True))
        return str(total * 3 % 10)
    total = sum(int(row[int(digit)]) for row, digit in zip(_FIVE_DIGITS, value, strict=True))
    return str(_FIVE_MINUS.index(str(-total % 10)))


def parse_numbering(text: str) -> Numbering:
    """Reads a numbering file: title, source, checked, and `[[template]]` tables. Raises BadNumbering with all faults at once."""
    try:
        book = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadNumbering([f"the numbering file is no TOML: {error}"]) from error
    faults = [f"{key!r} is not known at the top{_meant(key, _HEAD)}" for key in book if key not in _HEAD]
    faults += [f"{key!r} is wanted at the top" for key in ("title", "source") if not isinstance(book.get(key), str)]
    tables = book.get("template", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in cast("list[object]", tables)):
        raise BadNumbering([*faults, "'template' is a list of tables; write [[template]] above each"])
    templates: list[Template] = []
    for table in cast("list[dict[str, Any]]", tables):
        try:
            templates.append(_template(table))
        except BadNumbering as error:
            faults += error.faults
    if faults:
        raise BadNumbering(faults)
    return Numbering(tuple(templates))


def _template(table: Mapping[str, Any]) -> Template:
    unknown = [f"{key!r} is not known in a template{_meant(key, _FIELDS)}" for key in table if key not in _FIELDS]
    if unknown or not isinstance(table.get("pattern"), str) or type(table.get("decimals", 0)) is not int:
        raise BadNumbering(unknown or ["a template has a 'pattern' in quotes, and 'decimals' as a whole number"])
    return Template(**{key: value for key, value in table.items() if key != "note"})


def _meant(word: str, known: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean '{near[0]}'?" if near else f"; known: {', '.join(sorted(known))}"
