"""The back office's receipts as bare rows: multiplied to fill a table, and inserted again without a back office, as the limit."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from typing import Any, Literal

Rows = dict[str, list[tuple[Any, ...]]]
"""By table."""
TABLES = {"receipt": "number", "receipt_line": "receipt", "receipt_saving": "receipt"}
"""Each table with the column that holds the receipt's number."""
Way = Literal["executemany", "copy"]


class Bare:
    """A connection straight to the database of kind "sqlite" or "postgresql"; `where` is the file, or the socket's folder."""

    def __init__(self, where: str, database: str | None) -> None:
        self.is_sqlite = database is None
        if database is None:
            self.link: Any = sqlite3.connect(where, timeout=60, check_same_thread=False)
            self.link.execute("PRAGMA synchronous=FULL")
        else:
            import psycopg

            self.link = psycopg.connect(host=where, user="panier", dbname=database)

    def close(self) -> None:
        self.link.close()

    def columns(self, table: str) -> list[str]:
        """In the table's order."""
        with closing(self.link.execute(f"SELECT * FROM {table} LIMIT 0")) as found:  # noqa: S608 (names of our own)
            return [column[0] for column in found.description]

    def newest(self) -> int:
        return self.link.execute("SELECT coalesce(max(number), 0) FROM receipt").fetchone()[0]

    def count(self) -> tuple[int, int]:
        """How many receipts there are, and how many different ids they have."""
        return self.link.execute("SELECT count(*), count(DISTINCT receipt) FROM receipt").fetchone()

    def multiply(self, size: int) -> None:
        """Fills up to `size` receipts with copies of what is there, under other ids, by the database alone."""
        held, step = self.count()[0], self.newest()
        times = (size - held) // held
        if times < 1:
            return
        # Rows that exist point to rows that exist: nobody has to look again ten million times, or sync while it fills.
        for hurry in (
            ("PRAGMA synchronous=OFF", "PRAGMA cache_size=-1000000")
            if self.is_sqlite
            else ("SET session_replication_role=replica",)
        ):
            self.link.execute(hurry)
        series = f"WITH RECURSIVE g(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < {times})"  # noqa: S608
        for table, key in TABLES.items():
            names = self.columns(table)
            changed = {key: f"{key} + g.n * {step}"} | ({"receipt": "receipt || '.' || g.n"} if table == "receipt" else {})
            picked = ", ".join(changed.get(name, f'"{name}"') for name in names)
            listed = ", ".join(f'"{name}"' for name in names)
            limit = f"WHERE {key} <= {step}"
            self.link.execute(f"INSERT INTO {table} ({listed}) {series} SELECT {picked} FROM g CROSS JOIN {table} {limit}")  # noqa: S608
        if not self.is_sqlite:
            self.link.execute("SELECT setval(pg_get_serial_sequence('receipt', 'number'), (SELECT max(number) FROM receipt))")
        self.link.execute("ANALYZE")
        self.link.commit()

    def read(self, after: int) -> Rows:
        """The rows of receipts above a number, by table; JSON as text."""
        found: Rows = {}
        for table, key in TABLES.items():
            types = {} if self.is_sqlite else self._types(table)
            picked = ", ".join(f'"{name}"::text' if types.get(name) == "json" else f'"{name}"' for name in self.columns(table))
            asked = f"SELECT {picked} FROM {table} WHERE {key} > {after} ORDER BY {key}"  # noqa: S608
            found[table] = [tuple(row) for row in self.link.execute(asked)]
        self.link.commit()
        return found

    def _types(self, table: str) -> dict[str, str]:
        asked = "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = %s"
        return dict(self.link.execute(asked, (table,)).fetchall())

    def forget(self, after: int) -> None:
        """Takes away the receipts above a number."""
        for table, key in reversed(TABLES.items()):
            self.link.execute(f"DELETE FROM {table} WHERE {key} > {after}")  # noqa: S608
        self.link.commit()

    def insert(self, rows: Rows, way: Way) -> None:
        """One batch, committed; all that a back office does for it besides is left out."""
        if self.is_sqlite:
            self.link.execute("BEGIN IMMEDIATE")
        for table, given in rows.items():
            if not given:
                continue
            if way == "copy":
                with self.link.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN") as copy:
                    for row in given:
                        copy.write_row(row)
                continue
            marks = ", ".join(["?" if self.is_sqlite else "%s"] * len(given[0]))
            with closing(self.link.cursor()) as cursor:
                cursor.executemany(f"INSERT INTO {table} VALUES ({marks})", given)  # noqa: S608
        self.link.commit()


def batched(rows: Rows, columns: Sequence[str], size: int) -> list[Rows]:
    """The same by so many receipts, in the order of their numbers; `columns` are those of receipt."""
    number = columns.index("number")
    rank = {name: place for place, name in enumerate(sorted(row[number] for row in rows["receipt"]))}
    batches = [Rows((name, []) for name in rows) for _ in range(-(-len(rank) // size))]
    for name, given in rows.items():
        key = number if name == "receipt" else 0
        for row in given:
            batches[rank[row[key]] // size][name].append(row)
    return batches


def renamed(rows: Rows, columns: Sequence[str], add: int, mark: str) -> Rows:
    """The same rows under other numbers and ids; `columns` are those of receipt."""
    number, receipt = columns.index("number"), columns.index("receipt")
    heads: list[tuple[Any, ...]] = []
    for row in rows["receipt"]:
        changed = list(row)
        changed[number], changed[receipt] = row[number] + add, f"{row[receipt]}{mark}"
        heads.append(tuple(changed))
    return {"receipt": heads} | {name: [(row[0] + add, *row[1:]) for row in rows[name]] for name in TABLES if name != "receipt"}
