"""GS1 application identifiers: which there are, what each may hold, and which stand together (from the GS1 syntax dictionary)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from panier.barcode.ai_table import TABLE
from panier.barcode.linter import CSET_82, RULES, Rule
from panier.barcode.refusal import DIGITS, BarcodeRefused, WrongCheckDigit, character_words

_SETS = {
    "N": ("[0-9]", DIGITS, "digits"),
    "X": ("[!-\"%-?A-Z_a-z]", CSET_82, "letters, digits and signs"),
    "Y": ("[#/0-9A-Z-]", f"#-/{DIGITS}ABCDEFGHIJKLMNOPQRSTUVWXYZ", "capital letters, digits, # - and /"),
    "Z": ("[0-9A-Za-z_=-]", f"{CSET_82}", "letters, digits, - and _"),
}  # fmt: skip
_BASE_64 = re.compile(r"[0-9A-Za-z_-]*={0,2}")


class UnknownElement(BarcodeRefused):
    """Where an application identifier should begin, none does that GS1 has assigned."""

    code = "unknown_ai"


class BadElement(BarcodeRefused):
    """The value of an application identifier breaks a rule; `rule` names it: `length`, `characters` or the function's name."""

    code = "bad_element"

    def __init__(self, ai: str, title: str, rule: str, words: str) -> None:
        super().__init__(f"({ai}) {title}: {words}; scan it again, and if it stays, the label is wrong: take it to staff")
        self.ai = ai
        self.rule = rule


class MisreadElement(BadElement):
    """Check digits or characters within GS1 data do not fit: what to do is what any misread code needs."""

    code = WrongCheckDigit.code


@dataclass(frozen=True, slots=True, kw_only=True)
class Identifier:
    """One application identifier.

    `fixed` is the length of a value that ends without a separator, else 0; `requires` has the rules that all hold, each a choice
    of groups that stand together; `excludes` what must not stand beside it, both as patterns (`31nn`). `qualifiers` are the
    sequences that may follow it as the primary key of a Digital Link, None where it is no such key.
    """

    ai: str
    title: str
    fixed: int
    shape: re.Pattern[str]
    parts: tuple[tuple[str, int, int, bool], ...]
    checks: tuple[tuple[Rule, int, int], ...]
    requires: tuple[tuple[tuple[str, ...], ...], ...]
    excludes: tuple[str, ...]
    qualifiers: tuple[tuple[str, ...], ...] | None
    is_attribute: bool

    def check(self, value: str) -> None:
        """Raises BadElement where `value` breaks one of the identifier's rules."""
        if self.shape.fullmatch(value) is None:
            raise self._misshapen(value)
        for rule, start, stop in self.checks:
            part = value[start:stop]
            if part and (fault := rule(part)):
                kind = MisreadElement if rule.__name__ in ("csum", "csumalpha") else BadElement
                raise kind(self.ai, self.title, rule.__name__, fault)

    def _misshapen(self, value: str) -> BadElement:
        """By its first character that may not stand there, else by its length."""
        place = 0
        for kind, _, most, _ in self.parts:
            for character in value[place : place + most]:
                if character not in _SETS[kind][1] and character != "\x1d":
                    return BadElement(
                        self.ai, self.title, "characters", f"{character_words(character)}, and only {self._wanted()}"
                    )
            place += most
        seen = value.partition("\x1d")[0]
        return BadElement(self.ai, self.title, "length", f"{len(seen)} characters were read, and {self._wanted()}")

    def _wanted(self) -> str:
        kinds = dict.fromkeys(_SETS[kind][2] for kind, *_ in self.parts)
        most = sum(part[2] for part in self.parts)
        least = sum(part[1] for part in self.parts if not part[3])
        return f"{most if least == most else f'{least} to {most}'} {' or '.join(kinds)} are wanted"


def _rows() -> Iterator[tuple[str, str]]:
    """Each identifier with its line of the table; ranges are spread out."""
    for row in TABLE.splitlines():
        first, _, last = row.partition("|")[0].partition("-")
        for number in range(int(first), int(last or first) + 1):
            yield str(number).zfill(len(first)), row


_ROWS = dict(_rows())
LENGTHS = {ai[:2]: len(ai) for ai in _ROWS}
"""How long an identifier is, by its first two digits (General Specifications, 7.8.1)."""


def identifier(ai: str) -> Identifier | None:
    """The identifier of this number, or None; built on first use."""
    # What is asked for comes from strangers: only what the table has may fill the cache.
    return _build(ai) if ai in _ROWS else None


@cache
def _build(ai: str) -> Identifier:
    _, flags, spec, requires, excludes, link, title = _ROWS[ai].split("|")
    parts, checks, shape = _format(spec)
    return Identifier(
        ai=ai,
        title=title or "COUPON",
        fixed=sum(part[2] for part in parts) if "*" in flags else 0,
        shape=re.compile(shape),
        parts=parts,
        checks=checks,
        requires=tuple(tuple(tuple(group.split("+")) for group in rule.split(",")) for rule in requires.split(";") if rule),
        excludes=tuple(pattern for rule in excludes.split(";") for pattern in rule.split(",") if pattern),
        qualifiers=tuple(tuple(filter(None, path.split(","))) for path in link[1:].split("/")) if link else None,
        is_attribute="?" in flags,
    )


def _format(spec: str) -> tuple[tuple[tuple[str, int, int, bool], ...], tuple[tuple[Rule, int, int], ...], str]:
    """Parts (type, least, most, optional), rules with the slice they look at, and the whole as a regular expression."""
    parts: list[tuple[str, int, int, bool]] = []
    checks: list[tuple[Rule, int, int]] = []
    shape = ""
    start = 0
    for component in spec.split():
        bare, *rules = component.replace("[", "").replace("]", "").split(",")
        kind, varies, most = bare[0], ".." in bare, int(bare[1:].replace("..", ""))
        optional = component.startswith("[")
        least = 1 if varies else most
        parts.append((kind, least, most, optional))
        shape += f"(?:{_SETS[kind][0]}{{{least},{most}}}){'?' if optional else ''}"
        checks += [(RULES[rule], start, start + most) for rule in rules]
        if kind == "Z":
            checks.append((_base64, start, start + most))
        start += most
    return tuple(parts), tuple(checks), shape


def _base64(text: str) -> str:
    """Base64 for file names and addresses; GS1's reference takes padding only where the length is a multiple of three."""
    if not _BASE_64.fullmatch(text) or (text[-1] == "=" and len(text) % 3):
        return "its padding with = is wrong"
    return ""


def matches(ai: str, pattern: str) -> bool:
    """True where `ai` is of `pattern`, in which n stands for any digit."""
    return ai == pattern or (len(ai) == len(pattern) and pattern[-1] == "n" and ai.startswith(pattern.rstrip("n")))
