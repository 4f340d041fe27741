"""The store's copy of the back office's feed: newest entries for the shop floor, older ones to re-price receipts."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Generator, Iterable
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import ValidationError

from panier.feed import CampaignRecord, FeedEntry, FeedPage, MemberRecord, ProductRecord
from panier.promotion import PromotionInvalid, parse_promotion
from panier.sense import Sense
from panier.snapshot import Fingerprint, canonical
from panier_gateway.history import ENDS_AT, IS_RUNNING, SCHEMA, SNAPSHOT_KINDS, History
from panier_io.damage import discard
from panier_io.log import logger
from panier_io.store import StoreUnusable, open_database, overwrite_deleted, row_sum, transaction

_BECOME = (
    "DELETE FROM main.entry", "INSERT INTO main.entry SELECT * FROM fresh.entry",
    "DELETE FROM main.card", "INSERT INTO main.card SELECT * FROM fresh.card",
    "DELETE FROM main.refused", "INSERT INTO main.refused SELECT * FROM fresh.refused",
    "DELETE FROM main.fact", "INSERT INTO main.fact SELECT * FROM fresh.fact",
    "INSERT OR IGNORE INTO main.gone SELECT * FROM fresh.gone",
)  # fmt: skip
MAX_BODY = 64_000
"""Characters of one product or promotion at the most, as in `Change`; of a campaign's promotion too."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What a page of the feed brought: new snapshot version or not, whose capsules may differ now, whether any was refused."""

    snapshot: bool = False
    campaigns: bool = False
    members: frozenset[str] = frozenset()
    refused: bool = False
    another: str = ""
    """Why the log is not the one that was followed before, in words for staff."""
    whole: bool = False
    """Whether the log was followed to its end for the first time: before, there was nothing to price with."""

    def and_then(self, later: Applied) -> Applied:
        """What both pages brought."""
        return Applied(
            self.snapshot or later.snapshot, self.campaigns or later.campaigns, self.members | later.members,
            self.refused or later.refused, later.another or self.another, self.whole or later.whole,
        )  # fmt: skip


NOTHING = Applied()


@dataclass(frozen=True, slots=True)
class RefusedEntry:
    """An entry of the feed that cannot be used here, and why."""

    sequence: int
    kind: str
    key: str
    reason: str


@dataclass(frozen=True, slots=True)
class _Facts:
    """How far the feed is."""

    position: int = 0
    version: int = 0
    fingerprint: Fingerprint = field(default_factory=Fingerprint)
    known: int = 0
    last_sum: int = 0
    is_filled: bool = False
    """Whether the log was followed to its end once; before, what it says of a member's leaving may be long past."""

    @property
    def newest(self) -> tuple[int, Fingerprint]:
        return (self.version, self.fingerprint) if self.is_filled else (0, Fingerprint())

    @classmethod
    def read(cls, connection: sqlite3.Connection) -> _Facts:
        """Raises ValueError where they are damaged."""
        facts: dict[str, str] = dict(connection.execute("SELECT name, value FROM fact").fetchall())
        position = int(facts.get("position", "0"))
        return cls(
            position=position,
            version=int(facts.get("version", "0")),
            fingerprint=Fingerprint.parse(facts.get("fingerprint", "0")),
            known=int(facts.get("known", facts.get("version", "0"))),
            last_sum=int(facts.get("last_sum", "0")),
            is_filled=position > 0 and facts.get("filled") != "0",
        )

    def write(self, connection: sqlite3.Connection) -> None:
        facts = {
            "position": self.position, "version": self.version, "fingerprint": self.fingerprint, "known": self.known,
            "last_sum": self.last_sum, "filled": int(self.is_filled),
        }  # fmt: skip
        connection.executemany("INSERT OR REPLACE INTO fact VALUES (?, ?)", [(name, str(value)) for name, value in facts.items()])


class Replica(History):
    """The feed on disk. Bodies stay there: 90,000 products do not belong in memory.

    May be used from several threads: one connection writes, one reads, each behind a lock, so that taking in a page of 5,000
    products never makes a shopper's card wait.
    """

    def __init__(self, path: Path, currency: str = "EUR") -> None:
        known = _known(path)
        found = discard(path, _look)
        self.damage = f"{found}; all of it is fetched anew, and the terminals sell on meanwhile" if found else ""
        """What was wrong with the file when it was opened, or ""; it is gone then."""
        self._path = path
        self._beside = path.with_suffix(".anew.db")
        _remove(self._beside)  # of a gateway that was killed meanwhile
        self._currency = currency
        self.promotions_refused = 0
        """Promotions and campaigns that came since the start and that no engine of this version can use."""
        self._writer = open_database(path)
        self._writer.conn.executescript(SCHEMA)
        super().__init__(path)
        self._writing = threading.Lock()
        self._log = logger("replica")
        if self.damage:
            _Facts(known=known).write(self._writer.conn)
        self._facts = _Facts.read(self._writer.conn)

    @property
    def position(self) -> int:
        """Sequence of the last entry taken in."""
        return self._facts.position

    @property
    def newest(self) -> tuple[int, Fingerprint]:
        """Version and fingerprint of the snapshot as it is now; 0 until the log was followed to its end once.

        Half of a log is another shop: its goods are not all there, its campaigns not yet stopped, and terminals would take it up.
        """
        return self._facts.newest

    @property
    def known(self) -> int:
        """The highest version that devices of this store may hold: of a log that was put back to a backup, beyond the newest."""
        return self._facts.known if self._facts.is_filled else 0

    def apply(self, page: FeedPage) -> Applied:
        """Takes in one page and waits for the disk. Entries known already change nothing."""
        with self._writing:
            before, conn = self._facts, self._writer.conn
            with transaction(conn):
                fingerprint, held, last, refused = before.fingerprint, list[FeedEntry](), None, False
                for entry in page.entries:
                    if entry.sequence <= (last.sequence if last else before.position):
                        continue
                    last, body = entry, None if entry.body is None else canonical(entry.body)
                    if fault := _fault(entry, body):
                        # Devices trust what the gateway serves, so that nonsense stops here; what was held before stands.
                        self._refuse("entry_refused", entry, fault)
                        refused = True
                        continue
                    if doubt := self._doubt(entry):
                        # It stays in the snapshot, whose fingerprint it is part of: every engine refuses it by itself.
                        self._refuse("promotion_refused", entry, doubt)
                        self.promotions_refused += 1
                        refused = True
                    fingerprint = self._hold(entry, body, fingerprint)
                    held.append(entry)
                version = max((entry.sequence for entry in held if entry.kind in SNAPSHOT_KINDS), default=before.version)
                facts = replace(
                    before, version=version, fingerprint=fingerprint, known=max(before.known, version),
                    is_filled=before.is_filled or not page.more,
                )  # fmt: skip
                if last:
                    facts = replace(facts, position=last.sequence, last_sum=_sum(last))
                facts.write(conn)
            self._facts = facts
        is_whole = facts.is_filled and not before.is_filled
        return Applied(
            snapshot=facts.newest != before.newest,
            # Who looked before saw none.
            campaigns=is_whole or any(entry.kind == "campaign" for entry in held),
            members=frozenset(entry.key for entry in held if entry.kind == "member"),
            refused=refused, whole=is_whole,
        )  # fmt: skip

    def recognizes(self, entry: FeedEntry) -> bool:
        """False where the log says something else at our position than it said before."""
        return entry.sequence != self.position or self._facts.last_sum in (0, _sum(entry))

    @contextmanager
    def beside(self) -> Generator[Replica]:
        """An empty replica in a file of its own, for what is to take this one's place. Raises StoreUnusable."""
        _remove(self._beside)
        fresh = Replica(self._beside, self._currency)
        try:
            yield fresh
        finally:
            fresh.close()
            _remove(self._beside)

    def become(self, fresh: Replica) -> None:
        """Holds what `fresh` holds, all of it at once. What versions devices may hold is remembered."""
        with self._writing:
            conn = self._writer.conn
            conn.execute("ATTACH ? AS fresh", (str(fresh._path),))
            try:
                with transaction(conn):
                    for statement in _BECOME:
                        conn.execute(statement)
                    conn.execute(
                        "UPDATE main.fact SET value = ? WHERE name = 'known'", (str(max(self._facts.known, fresh._facts.known)),)
                    )
            finally:
                conn.execute("DETACH fresh")
            self._facts = _Facts.read(conn)

    def _doubt(self, entry: FeedEntry) -> str | None:
        """Why an entry's promotion cannot be used, by field; None where it can, or where there is none."""
        definition = (entry.body or {}).get("promotion") if entry.kind == "campaign" else entry.body
        if definition is None or entry.kind not in ("promotion", "campaign"):
            return None
        try:
            Sense().take(parse_promotion(definition, self._currency, name=entry.key))
        except PromotionInvalid as error:
            return f"{error.field}: {error.reason}"
        return None

    def _refuse(self, event: str, entry: FeedEntry, reason: str) -> None:
        self._log.error(event, sequence=entry.sequence, kind=entry.kind, key=entry.key, reason=reason)
        row = (entry.sequence, entry.kind, entry.key, reason[:500])
        self._writer.conn.execute("INSERT OR REPLACE INTO refused VALUES (?, ?, ?, ?)", row)

    def _hold(self, entry: FeedEntry, body: str | None, fingerprint: Fingerprint) -> Fingerprint:
        """Writes an entry; gives the snapshot's fingerprint with it."""
        if entry.kind == "member":
            self._replace_member(entry, body)
            return fingerprint
        if entry.kind == "campaign":
            self._insert(entry, body)
            return fingerprint
        before = self._writer.conn.execute(
            "SELECT body FROM entry WHERE kind = ? AND key = ? ORDER BY sequence DESC LIMIT 1", (entry.kind, entry.key)
        ).fetchone()
        self._insert(entry, body)
        return fingerprint.replacing(entry.kind, entry.key, before[0] if before else None, body)

    def _insert(self, entry: FeedEntry, body: str | None) -> None:
        self._writer.conn.execute(
            "INSERT INTO entry(kind, key, sequence, body) VALUES (?, ?, ?, ?)", (entry.kind, entry.key, entry.sequence, body)
        )

    def _replace_member(self, entry: FeedEntry, body: str | None) -> None:
        # A member's history serves no receipt, and erasure must leave nothing behind: only the newest is kept.
        conn = self._writer.conn
        conn.execute("DELETE FROM entry WHERE kind = 'member' AND key = ?", (entry.key,))
        conn.execute("DELETE FROM card WHERE member = ?", (entry.key,))
        if entry.body is not None:
            self._insert(entry, body)
            if not self._facts.is_filled:
                conn.execute("DELETE FROM gone WHERE member = ?", (entry.key,))
            cards = MemberRecord.model_validate(entry.body).cards
            conn.executemany("INSERT OR REPLACE INTO card VALUES (?, ?)", [(card, entry.key) for card in cards])
        else:
            conn.execute("INSERT OR IGNORE INTO gone VALUES (?)", (entry.key,))

    def refused(self) -> list[RefusedEntry]:
        """Entries that were refused and not yet reported, oldest first."""
        return [RefusedEntry(*row) for row in self._all("SELECT sequence, kind, key, reason FROM refused ORDER BY sequence")]

    def forget_refused(self, upto: int) -> None:
        """They are reported."""
        with self._writing:
            self._writer.conn.execute("DELETE FROM refused WHERE sequence <= ?", (upto,))

    def gone(self) -> list[str]:
        """Members that were taken out of the feed, and of whom the ledger may still know something."""
        return [row[0] for row in self._all("SELECT member FROM gone")]

    def forget_gone(self, members: Iterable[str]) -> None:
        """The ledger has erased them; now nothing of them is in the write-ahead log either."""
        with self._writing:
            # First: cut short, they are still to be forgotten, and this is done again.
            overwrite_deleted(self._writer.conn)
            self._writer.conn.executemany("DELETE FROM gone WHERE member = ?", [(member,) for member in members])

    def holds_member(self, member: str) -> bool:
        """False where nobody is called so, or not any more."""
        return self._one("SELECT 1 FROM entry WHERE kind = 'member' AND key = ?", member) is not None

    def member_of_card(self, card: str) -> MemberRecord | None:
        """The member who holds this card, or None; nobody in half of a log."""
        if not self._facts.is_filled:
            return None
        row = self._one(
            "SELECT body FROM entry JOIN card ON entry.key = card.member WHERE card.card = ? AND entry.kind = 'member'", card
        )
        return MemberRecord.model_validate_json(row[0]) if row else None

    def running_campaigns(self, since: int) -> list[CampaignRecord]:
        """Campaigns as they are now that run, or will, and end after `since` (milliseconds), oldest change first.

        None in half of a log.
        """
        if not self._facts.is_filled:
            return []
        # Of all that ever were, with their lists of members, only those that the index names are read.
        rows = self._all(
            f"SELECT body FROM entry INDEXED BY entry_running WHERE {ENDS_AT} > ? AND {IS_RUNNING} AND sequence ="  # noqa: S608
            " (SELECT max(sequence) FROM entry AS e WHERE e.kind = entry.kind AND e.key = entry.key) ORDER BY sequence",
            since,
        )
        return [CampaignRecord.model_validate_json(row[0]) for row in rows]

    def fingerprint_of(self, version: int) -> Fingerprint:
        """The fingerprint as of an older `version`: the newest one, with what came after it taken back."""
        newest, fingerprint = self.newest
        if version == 0:
            return Fingerprint()
        if version >= newest:
            return fingerprint
        later = self._all(
            "SELECT DISTINCT kind, key FROM entry INDEXED BY entry_sequence"
            " WHERE sequence > ? AND sequence <= ? AND kind IN (?, ?)",
            version, newest, *SNAPSHOT_KINDS,
        )  # fmt: skip
        for kind, key in later:
            then, now = self._body(kind, key, version), self._body(kind, key, newest)
            fingerprint = fingerprint.replacing(kind, key, now, then)
        return fingerprint

    def close(self) -> None:
        """Closes the file, once nobody is at it: a thread goes on although who waited for it was cancelled."""
        with self._writing, self._reading:
            self._reader.close()
            self._writer.close()


def _look(connection: sqlite3.Connection) -> str | None:
    """None where all can be read that a start reads; raises otherwise. A new file has none of its tables yet."""
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'fact'").fetchone():
        _Facts.read(connection)
        for condition in ("kind = 'promotion' AND body IS NOT NULL", IS_RUNNING):
            for (body,) in connection.execute(f"SELECT body FROM entry WHERE {condition}"):  # noqa: S608  (conditions of ours)
                json.loads(body)
    return None


def _known(path: Path) -> int:
    """What `known` says in a file that may be damaged; 0 where it cannot be read."""
    if path.exists():
        with suppress(sqlite3.Error, StoreUnusable, ValueError, TypeError), closing(open_database(path).conn) as connection:
            return int(connection.execute("SELECT value FROM fact WHERE name = 'known'").fetchone()[0])
    return 0


def _remove(path: Path) -> None:
    for left in ("", "-wal", "-shm"):
        path.with_name(path.name + left).unlink(missing_ok=True)


def _sum(entry: FeedEntry) -> int:
    return row_sum(entry.sequence, entry.kind, entry.key, None if entry.body is None else canonical(entry.body))


def _fault(entry: FeedEntry, body: str | None) -> str | None:
    """Why an entry cannot be used, or None where it can."""
    if entry.body is None or body is None:
        return None
    try:
        match entry.kind:
            case "product":
                name = ProductRecord.model_validate(entry.body).root.sku
            case "member":
                name = MemberRecord.model_validate(entry.body).member
            case "campaign":
                name = CampaignRecord.model_validate(entry.body).campaign
            case "promotion":
                name = entry.key
    except ValidationError as error:
        return str(error)
    if name != entry.key:
        return f"its body is of {name!r}"
    # A campaign may list a hundred thousand members: only its definition travels.
    weighed = canonical(entry.body["promotion"]) if entry.kind == "campaign" else body
    if entry.kind != "member" and len(weighed) > MAX_BODY:
        return f"{len(weighed)} characters; the most is {MAX_BODY}"
    return None
