"""The database: one engine, transactions for reading and for writing, and the one place that knows its SQL dialect."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    ColumnElement,
    Engine,
    Integer,
    MetaData,
    Row,
    Text,
    any_,
    create_engine,
    event,
    func,
    literal,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.pool import ConnectionPoolEntry

from panier.error import PanierError

Identifier = BigInteger().with_variant(Integer, "sqlite")
"""A numbered primary key: on SQLite it has to be INTEGER to be the row's own number."""

WRITES = "panier_writes"

_SERVER: dict[str, int] = {
    "connect_timeout": 10, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 25_000,
}  # fmt: skip
"""libpq's parameters, unless the URL says otherwise: a server that vanished without a word is noticed within half a minute."""
_TURN = 0x70616E696572
"""PostgreSQL's number of the turn to write."""
_PASSWORD = re.compile(r"(?<=//)([^:/@?#]*):.*@|(?<=password=)[^&]*")
_AWAY = ("08", "53300", "57P")
"""SQLSTATEs of a server that may take us in a moment: connection lost, too many, shutting down or starting."""
_FOR_NOW = ("starting up", "shutting down", "in recovery", "too many", "remaining connection slots")
"""The same where it refuses a connection, of which the driver gives no SQLSTATE; other FATAL words are for good."""


class DatabaseUnusable(PanierError):
    """The database setting names something that cannot be opened."""

    code = "database_unusable"


class Table(DeclarativeBase):
    """Base of all mapped tables; constraints get names, so that a migration can change them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012  # SQLAlchemy reads it as a plain class attribute
        int: BigInteger,
        str: Text,
        list[str]: JSON,
        list[dict[str, Any]]: JSON,
        dict[str, Any]: JSON,
    }


class Database:
    """Connections and transactions over SQLite on one machine, or PostgreSQL when it outgrows that."""

    def __init__(self, url: str) -> None:
        try:
            self.url = make_url(url)
            self.engine = _open(url)
        except PanierError:
            raise
        except Exception as error:
            raise DatabaseUnusable(
                f"database {_shown(url)!r} cannot be opened: {error}; wanted is such as sqlite:///path/to/panier.db, or "
                "postgresql://user:password@host/name"
            ) from error
        self._writing = self.engine.execution_options(**{WRITES: True})
        # On SQLite every transaction sees one state.
        self._reading = self.engine if self.is_sqlite else self.engine.execution_options(isolation_level="REPEATABLE READ")
        # SQLite has one writer. Threads of this process queue here in order, instead of polling a busy file in naps.
        self._turn: Any = threading.Lock() if self.is_sqlite else nullcontext()

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @property
    def file(self) -> Path | None:
        """Where it lies on this machine; None where a server keeps it."""
        return Path(self.url.database or "") if self.is_sqlite else None

    @contextmanager
    def reading(self) -> Generator[Session]:
        """A transaction that sees one state and changes nothing."""
        with Session(self._reading, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def writing(self) -> Generator[Session]:
        """A transaction that is on the disk (fsync) when the block has ended, or undone whole where it raised.

        One at a time, in whatever process: what it has read still holds when it writes.
        """
        with self.delivering() as session:
            if not self.is_sqlite:
                session.execute(select(func.pg_advisory_xact_lock(_TURN)))
            yield session

    @contextmanager
    def delivering(self) -> Generator[Session]:
        """As `writing`, but beside others where the database can: for who decides by nothing that others write."""
        with self._turn, Session(self._writing, expire_on_commit=False) as session, session.begin():
            yield session

    def check(self) -> None:
        """Raises DatabaseUnusable where the database does not answer; leaves it as it is, and makes none that is not there."""
        if (file := self.file) is not None and not file.exists():
            if not os.access(file.resolve().parent, os.W_OK):
                raise DatabaseUnusable(f"database {self.url}: nothing can be written in its folder {file.resolve().parent}")
            return
        try:
            with self.engine.connect():
                return
        except SQLAlchemyError as error:
            raise self.unusable(error) from error

    def is_away(self, error: SQLAlchemyError) -> bool:
        """True for an error that waiting may mend: a server cannot be reached, or is just starting or stopping."""
        if self.is_sqlite or not isinstance(error, OperationalError):
            return False
        state: str | None = getattr(error.orig, "sqlstate", None)
        if state is not None:
            return state.startswith(_AWAY)
        words = str(error.orig)
        return "FATAL:" not in words or any(known in words for known in _FOR_NOW)

    def shown(self) -> str:
        """Its URL for people, without a password."""
        return _shown(self.url.render_as_string())

    def unusable(self, error: SQLAlchemyError) -> DatabaseUnusable:
        """The same as one line for a person: the driver's own words, no SQL and no password."""
        words = " ".join(str(getattr(error, "orig", None) or error).split())
        return DatabaseUnusable(f"database {self.shown()} cannot be used: {words}")

    def close(self) -> None:
        self.engine.dispose()


def _shown(url: str) -> str:
    return _PASSWORD.sub(lambda found: f"{found[1]}:***@" if found[1] is not None else "***", url)


def among(session: Session, column: Any, values: Iterable[str]) -> ColumnElement[bool]:
    """Where `column` holds one of `values`, however many: they are one parameter, where SQL's IN takes one each, and PostgreSQL
    no more than 65,535.
    """
    if _is_sqlite(session):
        return column.in_(select(func.json_each(orjson.dumps(list(values)).decode()).table_valued("value").c.value))
    return column == any_(literal(list(values), ARRAY(Text)))


def put_new(session: Session, table: type[Table], rows: Sequence[dict[str, Any]]) -> None:
    """Inserts rows, passing over those whose key is there already."""
    if rows:
        session.execute(_insert(session)(table).on_conflict_do_nothing(), rows)


def put_new_returning(session: Session, table: type[Table], rows: Sequence[dict[str, Any]], *names: str) -> Sequence[Row[Any]]:
    """As put_new, in one statement; the columns `names` of those that were not there."""
    return _insert_as_json(session, table, rows, f"ON CONFLICT DO NOTHING RETURNING {', '.join(names)}").all() if rows else []


def put_many(session: Session, table: type[Table], rows: Sequence[dict[str, Any]]) -> None:
    """Inserts rows that cannot be there yet, in one statement."""
    if rows:
        _insert_as_json(session, table, rows)


def _insert_as_json(session: Session, table: type[Table], rows: Sequence[dict[str, Any]], more: str = "") -> Any:
    # One parameter for all rows, which the database takes apart: SQLAlchemy and the driver would spend more on a hundred long
    # rows than the database does, and meanwhile no other thread of this process could work.
    names = ", ".join(f'"{name}"' for name in rows[0])
    if _is_sqlite(session):
        # A row is an array here, whose places SQLite finds sooner than names. `true` keeps ON CONFLICT from reading as a join.
        given: Any = [[*map(row.__getitem__, rows[0])] for row in rows]
        picked = ", ".join(f"json_extract(value, '$[{place}]')" for place in range(len(rows[0])))
        source = f"SELECT {picked} FROM json_each(:rows) WHERE true"  # noqa: S608  (numbers)
    else:
        given = rows
        source = f'SELECT {names} FROM json_populate_recordset(NULL::"{table.__tablename__}", :rows)'  # noqa: S608  (names of our own)
    asked = text(f'INSERT INTO "{table.__tablename__}" ({names}) {source} {more}')
    return session.connection().execute(asked, {"rows": orjson.dumps(given).decode()})


def put(session: Session, table: type[Table], rows: Sequence[dict[str, Any]], keys: Sequence[str]) -> None:
    """Inserts rows, or replaces every other column where the row with these `keys` is there already."""
    if not rows:
        return
    statement = _insert(session)(table)
    changed = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    session.execute(statement.on_conflict_do_update(index_elements=list(keys), set_=changed), rows)


def _insert(session: Session) -> Any:
    # Both dialects state ON CONFLICT with the same words, but SQLAlchemy keeps one construct for each.
    return sqlite.insert if _is_sqlite(session) else postgresql.insert


def _is_sqlite(session: Session) -> bool:
    return session.get_bind().dialect.name == "sqlite"


def _open(url: str) -> Engine:
    parsed = make_url(url)
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() != "sqlite":
        timeouts = {name: value for name, value in _SERVER.items() if name not in parsed.query}
        return create_engine(parsed, pool_size=10, max_overflow=10, pool_pre_ping=True, connect_args=timeouts)
    if not parsed.database or parsed.database == ":memory:":
        raise DatabaseUnusable(f"database {url!r} is not a file; use sqlite:///path/to/panier.db")
    folder = Path(parsed.database).resolve().parent
    if not folder.is_dir():
        raise DatabaseUnusable(f"database {url!r}: there is no folder {folder}; create it first")
    engine = create_engine(parsed, pool_size=10, max_overflow=30)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _: ConnectionPoolEntry) -> None:
    # Python's driver would begin transactions by itself, and late; _begin_sqlite does it instead.
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Any) -> None:
    # A writer takes its place at once: a reader that turns into a writer half-way could only fail.
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
