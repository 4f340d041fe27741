from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from panier_backoffice.database import Database
from panier_backoffice.schema import METADATA, migrate


def test_an_empty_database_is_brought_to_exactly_the_mapped_schema(empty_database: str) -> None:
    database = Database(empty_database)
    migrate(database)
    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
        assert set(inspect(connection).get_table_names()) == {*METADATA.tables, "alembic_version"}
    database.close()


def test_two_that_start_at_once_both_find_the_newest_schema(empty_database: str) -> None:
    databases = [Database(empty_database), Database(empty_database)]
    with ThreadPoolExecutor(2) as both:
        list(both.map(migrate, databases))
    for database in databases:
        with database.reading() as session:
            assert session.execute(text("SELECT last FROM feed_end")).scalar_one() == 0
        database.close()


def test_migrating_again_changes_nothing(empty_database: str) -> None:
    database = Database(empty_database)
    migrate(database)
    with database.writing() as session:
        session.execute(text("UPDATE feed_end SET last = 7"))
    migrate(database)
    with database.reading() as session:
        assert session.execute(text("SELECT last FROM feed_end")).scalar_one() == 7
    database.close()


def test_a_reader_sees_one_state(empty_database: str) -> None:
    database = Database(empty_database)
    migrate(database)
    with database.reading() as session:
        asked = text("SELECT last FROM feed_end")
        before = session.execute(asked).scalar_one()
        with database.writing() as other:
            other.execute(text("UPDATE feed_end SET last = last + 7"))
        assert session.execute(asked).scalar_one() == before
    database.close()


def test_what_is_committed_survives_a_power_cut_by_wal_and_full_sync(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'new.db'}")
    with database.reading() as session:
        assert session.execute(text("PRAGMA journal_mode")).scalar_one() == "wal"
        assert session.execute(text("PRAGMA synchronous")).scalar_one() == 2


def test_no_sql_of_one_dialect_stands_outside_the_database_module() -> None:
    package = Path(sys.modules["panier_backoffice"].__path__[0])
    words = ("sqlite", "PRAGMA", "postgresql", "rowid")
    guilty = [
        f"{file.relative_to(package)}: {word}"
        for file in package.rglob("*.py")
        for word in words
        if word in file.read_text()
        and file.name not in ("database.py", "settings.py", "command.py")
        and "migration" not in file.parts
    ]
    assert guilty == []


def test_the_command_module_is_quick_to_import() -> None:
    code = "import sys, panier_backoffice.command; print(sorted({'fastapi', 'sqlalchemy', 'pydantic'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
