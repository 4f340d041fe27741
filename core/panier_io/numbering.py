"""The numberings of countries in firmware-config/, by their two letters."""

from __future__ import annotations

import re
from functools import cache

from panier.barcode import BadNumbering, Numbering, parse_numbering
from panier_io.firmware import firmware_config


def regions() -> tuple[str, ...]:
    """The countries whose numbers of restricted circulation are known, as ISO 3166-1 letters: `DE`, `SE`."""
    return tuple(sorted(file.stem.upper() for file in (firmware_config() / "numbering").glob("[a-z][a-z].toml")))


@cache
def numbering_of(region: str) -> Numbering:
    """The numbering of a country, two letters in any case. Raises BadNumbering for one that is not known."""
    file = firmware_config() / "numbering" / f"{region.lower()}.toml"
    if not re.fullmatch("[A-Za-z]{2}", region) or not file.is_file():
        raise BadNumbering([f"no numbering is known for {region[:20]!r}; known: {', '.join(regions())}"])
    return parse_numbering(file.read_text("utf-8"))
