"""The shop as a terminal holds it: products and promotions of one version, on disk, because they would not fit in memory."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, cast

from pydantic import ValidationError

from panier.catalogue import Product
from panier.error import PanierError
from panier.feed import ProductRecord
from panier.message import SnapshotPart
from panier.snapshot import Change, ChangeKind, Fingerprint
from panier_io.damage import discard
from panier_io.store import StoreUnusable, open_database, transaction

_CHUNK = 250
_TABLES = """
    CREATE TABLE IF NOT EXISTS product{0}(sku TEXT PRIMARY KEY, name TEXT NOT NULL, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS gtin{0}(gtin TEXT PRIMARY KEY, sku TEXT NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS promotion{0}(id TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
"""
_DROP = "DROP TABLE IF EXISTS product{0}; DROP TABLE IF EXISTS gtin{0}; DROP TABLE IF EXISTS promotion{0};"

Outcome = Literal["more", "complete", "mismatch", "unexpected"]
"""Of a part: ask for the next one; the version is adopted; the fingerprint is another than announced, so ask for everything;
or the part does not follow what was begun."""
_NO_FINGERPRINT = f"{0:064x}"
_ROTTEN = frozenset({
    sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_SHORT_READ,
    sqlite3.SQLITE_IOERR_CORRUPTFS, sqlite3.SQLITE_IOERR_DATA,
})  # fmt: skip
"""SQLite's errors, beside the family of SQLITE_CORRUPT, that tell of what was read, and not of a disk that is full."""


class AssortmentDamaged(PanierError):
    """What the disk gives back of the assortment is not what was written; with the gateway's next word it is fetched anew."""

    code = "prices_damaged"


@dataclass(frozen=True, slots=True)
class Held:
    """Which snapshot is held; version 0 is none. `confirmed_at` is when the gateway last said that it is the newest (ms)."""

    version: int = 0
    fingerprint: str = _NO_FINGERPRINT
    currency: str = ""
    timezone: str = ""
    confirmed_at: int = 0


@dataclass(frozen=True, slots=True)
class Loading:
    """A snapshot that is being taken in: the next part wanted."""

    version: int
    since: int
    part: int
    parts: int


class Shop:
    """The assortment on disk. Losing the file costs a download, so a commit need not wait for the disk.

    Reading is for the event loop's thread; `take`, `confirm` and `settle_in` write, for one thread of their own, and never keep
    readers waiting: those see the old version until the new one is complete.
    """

    def __init__(self, path: Path) -> None:
        """Opens the file, or a new one where it is damaged. Raises StoreUnusable where the disk refuses."""
        self.damage = discard(path, _flaw)
        """What was wrong with the file when it was opened, or ""; it is gone then, and the shop begins empty."""
        self.trouble = ""
        """What turned out to be wrong with the file since, until everything was fetched anew."""
        self._path = path
        self._open()

    def _open(self) -> None:
        path = self._path
        self._reading = open_database(path).conn
        self._writing = open_database(path).conn
        self._writing.execute("PRAGMA synchronous=NORMAL")
        try:
            self._writing.executescript(
                _TABLES.format("")
                + "CREATE INDEX IF NOT EXISTS product_name ON product(name COLLATE NOCASE);"
                + "CREATE TABLE IF NOT EXISTS fact(name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;"
                + _DROP.format("_next")
                + "DROP TABLE IF EXISTS change_next;"
            )
        except sqlite3.OperationalError as error:
            self.close()
            raise StoreUnusable(f"{path} cannot be written: {error}; is the disk full, or read-only?") from error
        self._sum = Fingerprint()
        self.loading: Loading | None = None
        self.unsound = 0
        """Products of the newest load whose content made no sense; they are held, and not sold."""

    @property
    def held(self) -> Held:
        """What is held now. Raises AssortmentDamaged, as all that reads."""
        with self._read() as connection:
            return _held(connection)

    def find(self, gtin14: str) -> tuple[Product, int] | None:
        """The product with this GTIN-14 and the version it is of, or None."""
        with self._read() as connection:
            row = connection.execute(
                """SELECT body, (SELECT value FROM fact WHERE name = 'version')
                   FROM gtin JOIN product USING (sku) WHERE gtin = ?""",
                (gtin14,),
            ).fetchone()
            return (ProductRecord.model_validate_json(row[0]).root, int(row[1])) if row else None

    def find_sku(self, sku: str) -> tuple[Product, int] | None:
        """The product with this SKU and the version it is of, or None."""
        with self._read() as connection:
            row = connection.execute(
                "SELECT body, (SELECT value FROM fact WHERE name = 'version') FROM product WHERE sku = ? AND name <> ''", (sku,)
            ).fetchone()
            return (ProductRecord.model_validate_json(row[0]).root, int(row[1])) if row else None

    def search(self, text: str, limit: int) -> list[Product]:
        """Products whose name holds every word of `text`; those that begin with it first, then by name."""
        words = [_escaped(word) for word in text.split()]
        having = "".join(" AND name LIKE ? ESCAPE '\\'" for _ in words)
        first = _escaped(" ".join(text.split()))
        with self._read() as connection:
            rows = connection.execute(
                f"""SELECT body FROM product WHERE sku IN (
                        SELECT sku FROM product WHERE name <> ''{having}
                        ORDER BY name LIKE ? ESCAPE '\\' DESC, name COLLATE NOCASE, sku LIMIT ?)""",  # noqa: S608  (LIKE clauses only)
                (*(f"%{word}%" for word in words), f"{first}%", limit),
            ).fetchall()
            found = [ProductRecord.model_validate_json(body).root for (body,) in rows]
        begins = " ".join(text.split()).casefold()
        return sorted(
            found, key=lambda product: (not product.name.casefold().startswith(begins), product.name.casefold(), product.sku)
        )

    def promotions(self) -> tuple[Held, dict[str, Any]]:
        """Every promotion's definition by its id, and the version that they are of."""
        # One transaction: the other thread may be about to put another version in place.
        with self._read() as connection:
            connection.execute("BEGIN")
            try:
                held = _held(connection)
                rows = connection.execute("SELECT id, body FROM promotion ORDER BY id").fetchall()
            finally:
                connection.execute("COMMIT")
        return held, {key: definition for key, body in rows if (definition := _definition(body)) is not None}

    def settle_in(self, currency: str, timezone: str) -> None:
        """Keeps what the gateway said of the store."""
        self._put({"currency": currency, "timezone": timezone})

    def confirm(self, at: int) -> None:
        """Keeps when the gateway last said that the version held is the newest."""
        self._put({"confirmed_at": str(at)})

    def take(self, part: SnapshotPart) -> Outcome:
        """Takes one part in; readers notice nothing until the last one, and then everything at once."""
        if part.part == 0:
            if part.since not in (0, _held(self._writing).version):
                return "unexpected"
            self._begin(part)
        loading = self.loading
        if loading is None or (part.version, part.since, part.part) != (loading.version, loading.since, loading.part):
            return "unexpected"
        is_last = part.part + 1 >= part.parts
        before = self._sum, self.unsound
        try:
            with transaction(self._writing):
                if part.since:
                    self._stage_changes(part.changes)
                else:
                    self._stage_everything(part.changes)
                if is_last:
                    self._adopt(part)
        except _Mismatch:
            self.loading = None
            with suppress(sqlite3.Error):  # it goes with the next load
                self._writing.executescript(_DROP.format("_next") + "DROP TABLE IF EXISTS change_next;")
            return "mismatch"
        except BaseException:
            # The disk refused: nothing of this part is held, and it will be asked for again.
            self._sum, self.unsound = before
            raise
        self.loading = None if is_last else replace(loading, part=part.part + 1)
        if is_last and not part.since:
            self.trouble = ""
        return "complete" if is_last else "more"

    def is_damaged_by(self, error: Exception) -> bool:
        """True where an error tells of damage and not of a disk that refuses; it is `trouble` then."""
        code = getattr(error, "sqlite_errorcode", None) if isinstance(error, sqlite3.Error) else sqlite3.SQLITE_CORRUPT
        if code is None or (code not in _ROTTEN and code & 0xFF != sqlite3.SQLITE_CORRUPT):
            return False
        self.trouble = str(error)[:120]
        return True

    def renew(self) -> None:
        """Begins empty in a new file that knows the store; nobody may be writing. Raises StoreUnusable where the disk refuses."""
        try:
            was = self.held
        except AssortmentDamaged:
            was = Held()
        self.close()
        for suffix in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        self._open()
        self.settle_in(was.currency, was.timezone)

    def close(self) -> None:
        """Closes the file."""
        self._reading.close()
        self._writing.close()

    @contextmanager
    def _read(self) -> Generator[sqlite3.Connection]:
        try:
            yield self._reading
        except (sqlite3.Error, ValueError) as error:
            if not self.is_damaged_by(error):
                raise
            raise AssortmentDamaged(f"{self._path.name} was damaged since it was opened: {self.trouble}") from error

    def _begin(self, part: SnapshotPart) -> None:
        self.unsound = 0
        self._sum = Fingerprint()
        self.loading = Loading(part.version, part.since, 0, part.parts)
        self._writing.executescript(
            _DROP.format("_next")
            + "DROP TABLE IF EXISTS change_next;"
            + "CREATE TABLE change_next(place INTEGER PRIMARY KEY, kind TEXT, key TEXT, body TEXT) STRICT;"
            + ("" if part.since else _TABLES.format("_next"))
        )

    def _stage_changes(self, changes: Iterable[Change]) -> None:
        rows = [(change.kind, change.key, change.body) for change in changes]
        self._writing.executemany("INSERT INTO change_next(kind, key, body) VALUES (?, ?, ?)", rows)

    def _stage_everything(self, changes: list[Change]) -> None:
        for start in range(0, len(changes), _CHUNK):
            self._fill([(one.kind, one.key, one.body) for one in changes[start : start + _CHUNK] if one.body is not None])
            # A scan that came in meanwhile needs the interpreter now.
            time.sleep(0)

    def _fill(self, items: list[tuple[ChangeKind, str, str]]) -> None:
        """Adds items to tables that held none of them: 92,331 at a first start, so without a look at each place."""
        products: list[tuple[str, str, str]] = []
        gtins: list[tuple[str, str]] = []
        for kind, key, body in items:
            if kind == "product":
                product = self._sound_as(key, body)
                products.append((key, product.name if product else "", body))
                gtins += [(gtin, key) for gtin in product.gtins] if product else ()
        # A key that comes twice is replaced here but counted twice there: the fingerprint then tells.
        self._sum = self._sum.adding(items)
        self._writing.executemany("INSERT OR REPLACE INTO product_next VALUES (?, ?, ?)", products)
        self._writing.executemany("INSERT OR REPLACE INTO gtin_next VALUES (?, ?)", gtins)
        promotions = [(key, body) for kind, key, body in items if kind == "promotion"]
        self._writing.executemany("INSERT OR REPLACE INTO promotion_next VALUES (?, ?)", promotions)

    def _adopt(self, part: SnapshotPart) -> None:
        total = self._swap() if part.since == 0 else self._apply_changes()
        if str(total) != part.fingerprint:
            raise _Mismatch
        self._put({"version": str(part.version), "fingerprint": part.fingerprint})

    def _swap(self) -> Fingerprint:
        self._writing.execute("DROP INDEX IF EXISTS product_name")
        for table in ("product", "gtin", "promotion"):
            self._writing.execute(f"DROP TABLE {table}")
            self._writing.execute(f"ALTER TABLE {table}_next RENAME TO {table}")
        self._writing.execute("CREATE INDEX product_name ON product(name COLLATE NOCASE)")
        return self._sum

    def _apply_changes(self) -> Fingerprint:
        total = Fingerprint.parse(_held(self._writing).fingerprint)
        for kind, key, body in self._writing.execute("SELECT kind, key, body FROM change_next ORDER BY place").fetchall():
            total = self._write(Change(version=1, kind=kind, key=key, body=body), total)
        self._writing.execute("DROP TABLE change_next")
        return total

    def _write(self, change: Change, total: Fingerprint) -> Fingerprint:
        """Puts one change into the tables and gives the fingerprint that follows."""
        key, table = ("sku", "product") if change.kind == "product" else ("id", "promotion")
        held = self._writing.execute(f"SELECT body FROM {table} WHERE {key} = ?", (change.key,)).fetchone()  # noqa: S608
        old = held[0] if held else None
        if change.kind == "promotion":
            self._replace_promotion(change.key, change.body)
        else:
            if old is not None and (was := _sound(old)) is not None:
                pairs = [(gtin, change.key) for gtin in was.gtins]
                self._writing.executemany("DELETE FROM gtin WHERE gtin = ? AND sku = ?", pairs)
            self._replace_product(change)
        return total.replacing(change.kind, change.key, old, change.body)

    def _replace_promotion(self, key: str, body: str | None) -> None:
        if body is None:
            self._writing.execute("DELETE FROM promotion WHERE id = ?", (key,))
        else:
            self._writing.execute("INSERT OR REPLACE INTO promotion VALUES (?, ?)", (key, body))

    def _replace_product(self, change: Change) -> None:
        if change.body is None:
            self._writing.execute("DELETE FROM product WHERE sku = ?", (change.key,))
            return
        product = self._sound_as(change.key, change.body)
        name = product.name if product else ""
        self._writing.execute("INSERT OR REPLACE INTO product VALUES (?, ?, ?)", (change.key, name, change.body))
        if product:
            pairs = [(gtin, product.sku) for gtin in product.gtins]
            self._writing.executemany("INSERT OR REPLACE INTO gtin VALUES (?, ?)", pairs)

    def _sound_as(self, sku: str, body: str) -> Product | None:
        """The product in `body` where it is one and is `sku`; counts it as unsound otherwise."""
        product = _sound(body)
        if product is not None and product.sku == sku:
            return product
        self.unsound += 1
        return None

    def _put(self, facts: Mapping[str, str]) -> None:
        self._writing.executemany("INSERT OR REPLACE INTO fact VALUES (?, ?)", facts.items())


class _Mismatch(Exception):
    pass


def _flaw(connection: sqlite3.Connection) -> str | None:
    """None where the facts can be read; raises otherwise. A new file has none of its tables yet."""
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'fact'").fetchone():
        Fingerprint.parse(_held(connection).fingerprint)
    return None


def _held(connection: sqlite3.Connection) -> Held:
    facts: dict[str, str] = dict(connection.execute("SELECT name, value FROM fact").fetchall())
    return Held(
        version=int(facts.get("version", 0)),
        fingerprint=facts.get("fingerprint", _NO_FINGERPRINT),
        currency=facts.get("currency", ""),
        timezone=facts.get("timezone", ""),
        confirmed_at=int(facts.get("confirmed_at", 0)),
    )


def _definition(body: str) -> dict[str, Any] | None:
    try:
        read = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, Any]", read) if isinstance(read, dict) else None


def _sound(body: str) -> Product | None:
    try:
        return ProductRecord.model_validate_json(body).root
    except ValidationError:
        return None


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
