"""DuckDB as the sample's builder uses it: bounded memory and threads, plain SQL, no pandas."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol, cast

import duckdb

Row = tuple[Any, ...]


class Result(Protocol):
    """What a query answers, of DuckDB's own."""

    def fetchone(self) -> Row | None: ...
    def fetchmany(self, size: int) -> list[Row]: ...
    def fetchall(self) -> list[Row]: ...


class Connection(Protocol):
    """The part of a DuckDB connection that is used here: its package tells a type checker nothing."""

    def execute(self, query: str, parameters: Sequence[object] = ...) -> Result: ...
    def close(self) -> None: ...


def connect(*, memory_mb: int, threads: int, scratch: Path | None = None) -> Connection:
    """A database in memory that spills to `scratch` beyond `memory_mb`, or fails there if it may not spill."""
    config = {"memory_limit": f"{memory_mb}MB", "threads": threads, "temp_directory": str(scratch or "")}
    return cast(Connection, cast(Any, duckdb).connect(":memory:", config=config))


def quoted(path: Path | str) -> str:
    """`path` as an SQL string literal: table functions in a view take no parameters."""
    return "'" + str(path).replace("'", "''") + "'"


def rows(connection: Connection, sql: str, parameters: Sequence[object] = ()) -> Iterable[Row]:
    """The rows of a query, a few thousand at a time."""
    result = connection.execute(sql, list(parameters))
    while batch := result.fetchmany(2000):
        yield from batch


def load(connection: Connection, table: str, columns: dict[str, str], records: Iterable[Sequence[object]], scratch: Path) -> None:
    """Makes `table` of Python records by way of a CSV file: many times faster than inserting them one by one."""
    file = scratch / f"{table}.csv"
    with file.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows(records)
    typed = ", ".join(f"{quoted(name)}: {quoted(kind)}" for name, kind in columns.items())
    reader = f"read_csv({quoted(file)}, header=false, auto_detect=false, delim=',', quote='\"', escape='\"', columns={{{typed}}})"
    connection.execute(f"create table {table} as from {reader}")
    file.unlink()


def save(connection: Connection, query: str, file: Path) -> int:
    """Writes a query's rows to a Parquet file; their number."""
    connection.execute(f"copy ({query}) to {quoted(file)} (format parquet, compression zstd)")
    count = connection.execute("select count(*) from read_parquet(?)", [str(file)]).fetchone()
    return int(count[0]) if count else 0
