"""A snapshot: the prices and promotions that hold at one version, and a fingerprint that proves two holders have the same."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from annotated_types import Ge, Le, Len

ChangeKind = Literal["product", "promotion"]

LONGEST_BODY = 64_000
"""Characters of one product or promotion at the most; whoever lets something into the feed holds it to that."""

_MODULUS = 1 << 256
_HEX = re.compile(r"[0-9a-f]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One entry of the feed: from version `version` on, `key` of `kind` is `body` (canonical JSON), or is gone (None).

    `key` is the SKU of a product or the id of a promotion; `body` the JSON of a `Product`, or a promotion definition.
    """

    version: Annotated[int, Ge(1), Le(10**9)]
    kind: ChangeKind
    key: Annotated[str, Len(1, 64)]
    body: Annotated[str, Len(2, LONGEST_BODY)] | None = None


def canonical(body: Mapping[str, Any]) -> str:
    """JSON with sorted keys and no spaces: equal values give equal bytes."""
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def item_digest(kind: ChangeKind, key: str, body: str) -> int:
    """SHA-256 of one item as an integer."""
    return int.from_bytes(hashlib.sha256(f"{kind}\0{key}\0{body}".encode()).digest())


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Sum of all items' digests modulo 2**256.

    The sum does not depend on order, and one changed item costs one subtraction and one addition, so that a device that took a
    hundred deltas and one that loaded everything anew can be compared at any time.
    """

    total: int = 0

    def replacing(self, kind: ChangeKind, key: str, old: str | None, new: str | None) -> Fingerprint:
        """The fingerprint after `key` went from `old` to `new` (None: absent)."""
        total = self.total
        if old is not None:
            total -= item_digest(kind, key, old)
        if new is not None:
            total += item_digest(kind, key, new)
        return Fingerprint(total % _MODULUS)

    def adding(self, items: Iterable[tuple[ChangeKind, str, str]]) -> Fingerprint:
        """The fingerprint with more items, each (kind, key, body), that were absent before."""
        return Fingerprint((self.total + sum(item_digest(*item) for item in items)) % _MODULUS)

    def __str__(self) -> str:
        return f"{self.total:064x}"

    @classmethod
    def parse(cls, text: str) -> Fingerprint:
        """Reads up to 64 hexadecimal digits. Raises ValueError."""
        # int() alone also takes signs, underscores and spaces, and more than 64 digits.
        if not _HEX.fullmatch(text):
            raise ValueError(f"{text[:80]!r} is no fingerprint; 64 hexadecimal digits are wanted")
        return cls(int(text, 16))
