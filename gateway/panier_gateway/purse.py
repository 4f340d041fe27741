"""Purses in the ledger: what of each limit over all shoppers is used and leased, and where earlier trips left members.

Everything here happens within the caller's transaction. A trip is noted once, whatever is repeated.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from panier.error import PanierError
from panier.lease import HeldLease, Lease, Purse, standing_share, trip_share
from panier.member import Standing
from panier.message import LimitRow
from panier.trip import Trip
from panier_gateway.trouble import in_words
from panier_io.log import logger
from panier_io.store import StoreUnusable, open_database, transaction

SCHEMA = """
CREATE TABLE IF NOT EXISTS purse(
    promotion TEXT NOT NULL, is_spend INTEGER NOT NULL, used INTEGER NOT NULL, PRIMARY KEY (promotion, is_spend)
    ) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS lease(
    promotion TEXT NOT NULL, is_spend INTEGER NOT NULL, holder TEXT NOT NULL, granted INTEGER NOT NULL, used INTEGER NOT NULL,
    PRIMARY KEY (promotion, is_spend, holder)) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS lease_holder ON lease(holder);
CREATE INDEX IF NOT EXISTS lease_out ON lease(promotion, is_spend) WHERE granted > used;
CREATE TABLE IF NOT EXISTS lease_use(
    trip TEXT NOT NULL, promotion TEXT NOT NULL, is_spend INTEGER NOT NULL, holder TEXT NOT NULL, amount INTEGER NOT NULL,
    PRIMARY KEY (trip, promotion, is_spend, holder)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS member_trip(
    trip TEXT PRIMARY KEY, member TEXT NOT NULL, points INTEGER NOT NULL, uses TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS member_trip_member ON member_trip(member);
CREATE TABLE IF NOT EXISTS member_past(
    member TEXT PRIMARY KEY, points INTEGER NOT NULL, uses TEXT NOT NULL) STRICT, WITHOUT ROWID;
"""
_USES = TypeAdapter(dict[str, int])
_SELECT = "SELECT promotion, is_spend, holder, granted, used FROM lease"


class NotStranded(PanierError):
    """A holder whose leases may not be taken back, because it may still use them."""

    code = "not_stranded"


Limits = Mapping[tuple[str, bool], int]
"""Limits over all shoppers by (promotion, is_spend): baskets, or minor units."""


@dataclass(frozen=True, slots=True)
class TripUse:
    """What a finished trip used: of leases, and by the member where there is one: points (fewer where burned) and capped uses."""

    leases: Sequence[tuple[HeldLease, int]] = ()
    member: str | None = None
    points: int = 0
    uses: Mapping[str, int] | None = None


NOTHING_USED = TripUse()


class Purses:
    """SQL over the ledger's connection; the rules are in `panier.lease`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._conn = connection

    def purse(self, promotion: str, is_spend: bool, limit: int, *holders: str) -> Purse:
        """A purse with the leases that something is left of, and those of `holders`."""
        key = (promotion, is_spend)
        row = self._conn.execute("SELECT used FROM purse WHERE promotion = ? AND is_spend = ?", key).fetchone()
        rows = self._conn.execute(f"{_SELECT} WHERE promotion = ? AND is_spend = ? AND granted > used", key).fetchall()
        for holder in holders:
            found = self._conn.execute(
                f"{_SELECT} WHERE promotion = ? AND is_spend = ? AND holder = ?", (*key, holder)
            ).fetchone()
            rows += [found] if found and found not in rows else []
        leases = tuple(_lease(*found) for found in rows)
        return Purse(promotion=promotion, is_spend=is_spend, limit=limit, used=row[0] if row else 0, leases=leases)

    def lend(self, journal: str, trip: str | None, shelf: Limits, offers: Limits, devices: int) -> list[Lease]:
        """Fills up what a device keeps of the store's promotions and what its trip needs besides; gives all that both hold."""
        for before, after in self.grants(journal, trip, shelf, offers, devices):
            self._keep(before, after)
        return self.leases(journal, *([trip] if trip else ()))

    def grants(
        self, journal: str, trip: str | None, shelf: Limits, offers: Limits, devices: int
    ) -> Iterator[tuple[Purse, Purse]]:
        """The purses of which `lend` grants something, before and after; one at a time, because the next may be the same."""
        for key, limit in shelf.items():
            purse = before = self.purse(*key, limit, journal, *([trip] if trip else ()))
            purse = purse.grant(journal, standing_share(purse, devices))
            if trip:
                purse = purse.grant(trip, trip_share(purse) - purse.lease(journal).left)
            if purse != before:
                yield before, purse
        for key, limit in offers.items() if trip else ():
            assert trip is not None
            before = self.purse(*key, limit, trip)
            purse = before.grant(trip, trip_share(before))
            if purse != before:
                yield before, purse

    def leases(self, *holders: str) -> list[Lease]:
        """Every lease of these holders of which something is left."""
        found = [self._conn.execute(f"{_SELECT} WHERE holder = ? AND granted > used", (holder,)).fetchall() for holder in holders]
        return [_lease(*row) for rows in found for row in rows]

    def vouched(self, trip: Trip) -> tuple[Trip, list[str]]:
        """The trip with those of its leases that were granted and bear what it states; and what is wrong with the others."""
        device, journal, _ = trip.trip.split(".")
        good: list[HeldLease] = []
        wrong: list[str] = []
        for held in trip.leases:
            own = held.holder in (f"{device}.{journal}", trip.trip)
            granted = self.purse(held.promotion, held.is_spend, 0, held.holder).lease(held.holder).granted if own else 0
            if own and held.left <= granted:
                good.append(held)
            else:
                wrong.append(f"it held {held.left} of {held.promotion} as {held.holder}, who was granted {granted}")
        return (trip if not wrong else replace(trip, leases=tuple(good))), wrong

    def settle(self, trip: str, used: TripUse) -> list[str]:
        """Notes what a finished trip used and takes back the rest of its own leases; gives what was used beyond a lease."""
        beyond: list[str] = []
        for held, amount in used.leases:
            row = (trip, held.promotion, held.is_spend, held.holder, amount)
            if self._conn.execute("INSERT OR IGNORE INTO lease_use VALUES (?, ?, ?, ?, ?)", row).rowcount:
                before = self.purse(held.promotion, held.is_spend, 0, held.holder)
                after = before.use(held.holder, amount)
                self._keep(before, after)
                lease = after.lease(held.holder)
                if lease.used > lease.granted:
                    beyond.append(f"{lease.holder} used {lease.used} of {lease.promotion}, but was granted {lease.granted}")
        if used.member is not None:
            row = (trip, used.member, used.points, json.dumps(used.uses or {}))
            self._conn.execute("INSERT OR IGNORE INTO member_trip VALUES (?, ?, ?, ?)", row)
        self.close(trip)
        return beyond

    def close(self, holder: str) -> None:
        """Takes back what a holder did not use, of all promotions. What a trip was lent ends with it; a journal may yet speak."""
        if holder.count(".") > 1:
            self._conn.execute("DELETE FROM lease WHERE holder = ?", (holder,))
        else:
            self._conn.execute("UPDATE lease SET granted = used WHERE holder = ? AND granted > used", (holder,))

    def tidy(self, limit: int) -> bool:
        """Adds up what is kept of trips that left the ledger, which nothing can settle again; True where there may be more."""
        gone = "NOT EXISTS (SELECT 1 FROM trip WHERE trip.trip = old.trip)"
        self._conn.execute(f"DELETE FROM lease_use AS old WHERE {gone}")  # noqa: S608  (a literal)
        rows = self._conn.execute(
            f"SELECT trip, member, points, uses FROM member_trip AS old WHERE {gone} LIMIT ?",  # noqa: S608  (a literal)
            (limit,),
        ).fetchall()
        for trip, member, points, uses in rows:
            row = self._conn.execute("SELECT points, uses FROM member_past WHERE member = ?", (member,)).fetchone() or (0, "{}")
            past = (member, row[0] + points, json.dumps(_added((row[1], uses))))
            self._conn.execute("INSERT OR REPLACE INTO member_past VALUES (?, ?, ?)", past)
            self._conn.execute("DELETE FROM member_trip WHERE trip = ?", (trip,))
        return len(rows) == limit

    def rows(self, limits: Limits) -> list[LimitRow]:
        """Each limit with what is used, out and free."""
        stranded = self.stranded()
        rows: list[LimitRow] = []
        for (promotion, is_spend), limit in sorted(limits.items()):
            purse = self.purse(promotion, is_spend, limit)
            lost = sum(lease.left for lease in purse.leases if lease.holder in stranded)
            figures = {"limit": limit, "used": purse.used, "out": purse.out, "free": purse.free, "stranded": lost}
            rows.append(LimitRow(promotion=promotion, is_spend=is_spend, **figures))
        return rows

    def stranded(self) -> set[str]:
        """Holders that are thought dead: journals that are quarantined or were followed by another, and trips left open.

        They may speak after all, so that what they hold counts as used until staff free it.
        """
        holders = [row[0] for row in self._conn.execute("SELECT DISTINCT holder FROM lease WHERE granted > used")]
        alive = dict(self._conn.execute("SELECT device, journal FROM journal ORDER BY first_at").fetchall())
        ended = set(self._conn.execute("SELECT device, journal FROM journal WHERE quarantined IS NOT NULL").fetchall())
        return {holder for holder in holders if self._is_stranded(holder, alive, ended)}

    def _is_stranded(self, holder: str, alive: Mapping[str, str], ended: Collection[tuple[str, str]]) -> bool:
        device, journal, *trip = holder.split(".")
        if alive.get(device) != journal or (device, journal) in ended:
            return True
        if not trip:
            return False
        row = self._conn.execute("SELECT state FROM trip WHERE trip = ?", (holder,)).fetchone()
        return row is None or row[0] == "abandoned"

    def standing(self, members: Collection[str]) -> dict[str, Standing]:
        """Where trips in this store left each member; how many orders there were elsewhere, nobody knows here."""
        return {member: self._standing(member) for member in members}

    def _standing(self, member: str) -> Standing:
        rows = self._conn.execute(
            "SELECT points, uses FROM member_trip WHERE member = ?1"
            " UNION ALL SELECT points, uses FROM member_past WHERE member = ?1",
            (member,),
        ).fetchall()
        return Standing(points=max(0, sum(points for points, _ in rows)), uses=_added(uses for _, uses in rows))

    def forget(self, members: Collection[str]) -> None:
        """Erases what is known of members."""
        for table in ("member_trip", "member_past"):
            self._conn.executemany(f"DELETE FROM {table} WHERE member = ?", [(member,) for member in members])  # noqa: S608

    def _keep(self, before: Purse, after: Purse) -> None:
        if after.used != before.used:
            self._conn.execute(
                "INSERT INTO purse VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET used = excluded.used",
                (after.promotion, after.is_spend, after.used),
            )
        changed = [lease for lease in after.leases if lease not in before.leases]
        self._conn.executemany(
            "INSERT INTO lease VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET granted = excluded.granted, used = excluded.used",
            [(lease.promotion, lease.is_spend, lease.holder, lease.granted, lease.used) for lease in changed],
        )


def free_stranded(ledger: Path, holders: Sequence[str]) -> list[str]:
    """Takes back what these holders keep, beside a gateway that may run; without any, lists those who are thought dead.

    Raises NotStranded where one of them is not, and then frees none; StoreUnusable where the file cannot be read or written.
    """
    if not ledger.exists():
        raise NotStranded(f"there is no {ledger}; name the gateway's data directory")
    try:
        with closing(open_database(ledger).conn) as connection:
            purses = Purses(connection)
            if not holders:
                return sorted(purses.stranded())
            with transaction(connection):
                stranded = purses.stranded()
                if living := sorted(set(holders) - stranded):
                    dead = ", ".join(sorted(stranded)) or "none"
                    raise NotStranded(f"{', '.join(living)} is not thought dead; those who are: {dead}")
                for holder in holders:
                    purses.close(holder)
            return sorted(holders)
    except sqlite3.Error as error:
        raise StoreUnusable(f"{ledger}: {in_words(error)}") from error


def _lease(promotion: str, is_spend: int, holder: str, granted: int, used: int) -> Lease:
    return Lease(promotion=promotion, is_spend=bool(is_spend), holder=holder, granted=granted, used=used)


def _added(uses: Iterable[str]) -> dict[str, int]:
    """Sums by name; what a damaged disk spoiled counts for nothing, because a member must be greeted all the same."""
    total: Counter[str] = Counter()
    for text in uses:
        try:
            total.update(_USES.validate_json(text))
        except ValidationError:
            logger("purse").error("uses_unreadable", text=text)
    return dict(total)
