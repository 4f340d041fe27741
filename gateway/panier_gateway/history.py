"""The file of the store's feed, and what held at any version of it: receipts are re-priced as of the one that a trip saw."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

from panier.catalogue import Product
from panier.feed import CampaignRecord, ProductRecord
from panier.snapshot import Change, ChangeKind
from panier_io.store import open_database

ENDS_AT = "ifnull(json_extract(body, '$.ends_at'), 9223372036854775807)"
IS_RUNNING = "kind = 'campaign' AND json_extract(body, '$.state') = 'running'"
SCHEMA = f"""
CREATE TABLE IF NOT EXISTS entry(
    kind TEXT NOT NULL, key TEXT NOT NULL, sequence INTEGER NOT NULL, body TEXT,
    PRIMARY KEY (kind, key, sequence)) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS entry_sequence ON entry(sequence);
CREATE INDEX IF NOT EXISTS entry_promotion ON entry(sequence) WHERE kind = 'promotion';
CREATE INDEX IF NOT EXISTS entry_running ON entry({ENDS_AT}) WHERE {IS_RUNNING};
CREATE TABLE IF NOT EXISTS card(card TEXT PRIMARY KEY, member TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS card_member ON card(member);
CREATE TABLE IF NOT EXISTS gone(member TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS refused(
    sequence INTEGER PRIMARY KEY, kind TEXT NOT NULL, key TEXT NOT NULL, reason TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS fact(name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
PRAGMA secure_delete=ON;
"""
SNAPSHOT_KINDS = ("product", "promotion")
_PAGE = 1000
"""Changes that are read at once."""


class History:
    """Reads the feed's file, from any thread: one connection behind a lock of its own. Bodies stay on the disk."""

    def __init__(self, path: Path) -> None:
        self._reader = open_database(path)
        self._reading = threading.Lock()

    def campaign(self, campaign: str, revision: int) -> CampaignRecord | None:
        """A campaign as it was at `revision`, or None where this store never heard of it."""
        rows = self._all("SELECT body FROM entry WHERE kind = 'campaign' AND key = ? ORDER BY sequence DESC", campaign)
        records = (CampaignRecord.model_validate_json(row[0]) for row in rows if row[0] is not None)
        return next((record for record in records if record.revision == revision), None)

    def promotions(self, version: int) -> dict[str, dict[str, Any]]:
        """Promotion definitions by id as of snapshot `version`."""
        return {key: json.loads(body) for key, body in self._as_of("promotion", version) if body is not None}

    def last_promotion(self, version: int) -> int:
        """Sequence of the last change of a promotion up to `version`; 0 where there was none."""
        row = self._one("SELECT max(sequence) FROM entry WHERE kind = 'promotion' AND sequence <= ?", version)
        return int(row[0] or 0) if row else 0

    def product(self, sku: str, version: int) -> Product | None:
        """A product as of snapshot `version`; None where it was not sold then."""
        row = self._one(
            "SELECT body FROM entry WHERE kind = 'product' AND key = ? AND sequence <= ? ORDER BY sequence DESC LIMIT 1",
            sku,
            version,
        )
        return ProductRecord.model_validate_json(row[0]).root if row and row[0] is not None else None

    def holds_version(self, version: int) -> bool:
        """True where `version` is one that this feed had: the sequence of a product or promotion entry."""
        row = self._one(
            "SELECT 1 FROM entry INDEXED BY entry_sequence WHERE sequence = ? AND kind IN (?, ?)", version, *SNAPSHOT_KINDS
        )
        return row is not None

    def entries_after(self, version: int) -> int:
        """Number of product and promotion entries that came after `version`."""
        row = self._one(
            "SELECT count(*) FROM entry INDEXED BY entry_sequence WHERE sequence > ? AND kind IN (?, ?)",
            version,
            *SNAPSHOT_KINDS,
        )
        return row[0] if row else 0

    def changes(self, since: int, version: int) -> Iterator[Change]:
        """What brings a holder of `since` to `version`, each item once, in order of sequence; from 0, everything."""
        after = since
        while True:
            # Left alone, SQLite takes the primary key for "kind IN" and sorts 90,000 rows for each page.
            rows = self._all(
                """SELECT kind, key, sequence, body FROM entry INDEXED BY entry_sequence
                    WHERE sequence > ? AND sequence <= ? AND kind IN (?, ?) AND sequence = (
                        SELECT max(sequence) FROM entry AS e WHERE e.kind = entry.kind AND e.key = entry.key AND e.sequence <= ?)
                    ORDER BY sequence LIMIT ?""",
                after, version, *SNAPSHOT_KINDS, version, _PAGE,
            )  # fmt: skip
            for kind, key, sequence, body in rows:
                if body is not None or since > 0:
                    yield Change(version=sequence, kind=cast(ChangeKind, kind), key=key, body=body)
            if len(rows) < _PAGE:
                return
            after = rows[-1][2]

    def _body(self, kind: str, key: str, version: int) -> str | None:
        row = self._one(
            "SELECT body FROM entry WHERE kind = ? AND key = ? AND sequence <= ? ORDER BY sequence DESC LIMIT 1",
            kind,
            key,
            version,
        )
        return row[0] if row else None

    def _as_of(self, kind: ChangeKind, version: int) -> Sequence[tuple[Any, ...]]:
        return self._all(
            "SELECT key, body FROM entry WHERE kind = ? AND sequence = (SELECT max(sequence) FROM entry AS e"
            " WHERE e.kind = entry.kind AND e.key = entry.key AND e.sequence <= ?) ORDER BY key",
            kind,
            version,
        )

    def _one(self, query: str, *values: Any) -> tuple[Any, ...] | None:
        with self._reading:
            return self._reader.conn.execute(query, values).fetchone()

    def _all(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with self._reading:
            return self._reader.conn.execute(query, values).fetchall()
