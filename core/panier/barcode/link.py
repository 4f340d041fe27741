"""GS1 Digital Link: GS1 data as a web address, in QR and DataMatrix (GS1 Digital Link standard, URI syntax)."""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

from panier.barcode.ai import UnknownElement, identifier
from panier.barcode.content import Elements
from panier.barcode.element import ContradictingElements, check_together
from panier.barcode.refusal import BarcodeRefused

# The standard writes the scheme all small or all in capitals (QR codes save space in capitals); nothing else is a Digital Link.
_SCHEME = re.compile(r"(?:https?|HTTPS?)://")
_ANY_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_HOST = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{0,5}))?")
_CHARACTERS = re.compile(r"[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]*")
_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
# Only a compressed link has a last segment like this: base64 of bits that begin with an application identifier.
_COMPRESSED = re.compile(r"(?=.*[A-Z])(?=.*[a-z0-9])[A-Za-z0-9_-]{10,}")

# Names that the first edition of the standard allowed in place of numbers; labels that use them are still on shelves.
_NAMES = {
    "sscc": "00", "gtin": "01", "lot": "10", "ser": "21", "cpv": "22", "gdti": "253", "glnx": "254", "gcn": "255", "ginc": "401",
    "gsin": "402", "gln": "414", "payTo": "415", "partyGln": "417", "grai": "8003", "giai": "8004", "itip": "8006",
    "cpid": "8010", "cpsn": "8011", "gmn": "8013", "gsrnp": "8017", "gsrn": "8018", "srin": "8019", "refno": "8020",
}  # fmt: skip


class BadLink(BarcodeRefused):
    """A web address that is no GS1 Digital Link, or one that breaks a rule of it."""

    code = "bad_link"


class CompressedLink(BarcodeRefused):
    """A compressed GS1 Digital Link, whose data only its issuer's resolver unpacks."""

    code = "compressed_link"


def is_link(content: str) -> bool:
    """True for anything that begins as a web address does."""
    return _ANY_SCHEME.match(content) is not None


def read_link(link: str) -> Elements:
    """The elements of a GS1 Digital Link: the primary key, its qualifiers, then the attributes, in the order of the link.

    A GTIN-12 or GTIN-13 behind `01` gets its leading zeros, as the first edition of the standard allowed. Raises BarcodeRefused.
    """
    scheme = _SCHEME.match(link)
    if scheme is None:
        raise BadLink("the web address begins neither with https:// nor with http://; scan the bar code with 8, 12 or 13 digits")
    if not _CHARACTERS.fullmatch(link) or _ESCAPE.search(link):
        raise BadLink("the web address holds a character that none may; scan it again, or scan the bar code with digits")
    address, _, query = link[scheme.end() :].partition("#")[0].partition("?")
    host, slash, path = address.partition("/")
    port = _HOST.fullmatch(host)
    if port is None or int(port[1] or 0) > 65_535:
        raise BadLink("the web address has no proper host name; scan it again, or scan the bar code with digits")
    segments = path.split("/") if slash else []
    elements = _read_path(segments)
    elements += _read_query(query)
    ais = [ai for ai, _ in elements]
    if len(set(ais)) < len(ais):
        raise ContradictingElements("an identifier stands twice in the web address; the label is wrong: take it to staff")
    check_together(tuple(elements))
    return tuple(elements)


def _read_path(segments: list[str]) -> list[tuple[str, str]]:
    """The primary key nearest to the end, and its qualifiers in their order; what stands before is the site's own."""
    for place in range(len(segments) - 2, -1, -2):
        ai = _NAMES.get(segments[place], segments[place])
        known = identifier(ai)
        if known is None or known.qualifiers is None:
            continue
        pairs = [
            (_NAMES.get(name, name), _unescape(value))
            for name, value in zip(segments[place::2], segments[place + 1 :: 2], strict=True)
        ]
        if not any(_follows([name for name, _ in pairs[1:]], path) for path in known.qualifiers):
            raise BadLink(
                f"behind ({ai}) the web address has an identifier that may not follow it; the label is wrong: take it to staff"
            )
        if ai == "01" and len(pairs[0][1]) in (12, 13):
            pairs[0] = (ai, pairs[0][1].zfill(14))
        for name, value in pairs:
            step = identifier(name)
            assert step is not None, "a qualifier of the table is in the table"
            step.check(value)
        return pairs
    if segments and _COMPRESSED.fullmatch(segments[-1]):
        raise CompressedLink(
            "the web address is compressed, so that its product can only be looked up on the internet; scan the bar code with "
            "8, 12 or 13 digits"
        )
    raise BadLink("the web address names no product; scan the bar code with 8, 12 or 13 digits")


def _follows(names: list[str], path: tuple[str, ...]) -> bool:
    """True where `names` come in this order on `path`, each at most once."""
    rest = iter(path)
    return all(name in rest for name in names)


def _read_query(query: str) -> list[tuple[str, str]]:
    """Attributes; names that are no numbers belong to the site, and so do long numbers."""
    elements: list[tuple[str, str]] = []
    for piece in re.split("[&;]", query):
        name, equals, value = piece.partition("=")
        # GS1 keeps all short numbers for itself, also those that it has not assigned.
        if not equals or not re.fullmatch("[0-9]{2,4}", name):
            continue
        known = identifier(name)
        if known is None:
            raise UnknownElement(
                f"({name}) in the web address is no application identifier of GS1; scan the bar code with digits"
            )
        if not known.is_attribute:
            raise BadLink(f"({name}) stands at the wrong place of the web address; the label is wrong: take it to staff")
        # In a query, + is how browsers write a space, which GS1 data never holds; a plus sign is %2B there.
        value = _unescape(value.replace("+", " "))
        known.check(value)
        elements.append((name, value))
    return elements


def _unescape(text: str) -> str:
    """Text with each %-escape as the byte that it stands for."""
    return unquote_to_bytes(text).decode("latin-1") if "%" in text else text
