"""The registry: who is enrolled in this store, with which role. Only hashes of passwords are kept."""

from __future__ import annotations

import re
import secrets
import sqlite3
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import bcrypt

from panier.error import PanierError
from panier.topic import BadName, checked_name
from panier_io.damage import mend
from panier_io.store import open_database

Role = Literal["device", "monitor"]
GATEWAY = "gateway"

# A broker checks every password again when a whole store reconnects: at cost 10 a storm of a hundred takes six seconds and
# some are refused. 160 random bits need no slow hash; cost 5 is what keeps a leaked file useless all the same.
_COST = 5
_HASH = re.compile(r"\$2[aby]\$[0-9]{2}\$[./A-Za-z0-9]{53}")
_ENROL_AGAIN = "whoever cannot connect has to be enrolled again (`panier enrol`)"


class NameTaken(PanierError):
    """The name belongs to something else."""

    code = "name_taken"


@dataclass(frozen=True, slots=True)
class Identity:
    """One user of the broker."""

    name: str
    role: Role | Literal["gateway"]
    password_hash: str


def new_password() -> str:
    """160 random bits, printable."""
    return secrets.token_urlsafe(20)


def hash_password(password: str) -> str:
    """A bcrypt hash with the prefix that every broker's reader knows."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(_COST, prefix=b"2a")).decode()


class Registry:
    """Identities in SQLite, in a file of their own: `panier enrol` writes while a gateway runs, and the gateway notices."""

    def __init__(self, path: Path, *, beside_gateway: bool = False) -> None:
        # Only the gateway may replace the file.
        found = None if beside_gateway else mend(path, _make, _look, _settle)
        self._db = open_database(path)
        path.chmod(0o600)
        _make(self._db.conn)
        self.damage = f"{found}; {len(self.identities())} are enrolled still; {_ENROL_AGAIN}" if found else ""
        """What was wrong with the file when it was opened, or ""; what could be read went on."""
        self._seen = self._data_version()
        self._latest = self._seen

    def enrol(self, name: str, role: Role, password: str = "") -> str:
        """Makes an identity, or replaces the one of that name, whose password ends to hold; gives `password`, or one made up.

        Raises BadName, and NameTaken where the name has another role.
        """
        checked_name(name)
        if name == GATEWAY or (name == "monitor" and role == "device"):
            raise NameTaken(f"{name!r} is not for a {role}; choose another name, such as {role}-1")
        held = self._db.conn.execute("SELECT role FROM identity WHERE name = ?", (name,)).fetchone()
        if held and held[0] != role:
            raise NameTaken(f"{name!r} is enrolled as a {held[0]}; choose another name for this {role}")
        password = password or new_password()
        self._db.conn.execute(
            "INSERT INTO identity(name, role, password_hash) VALUES (?, ?, ?) ON CONFLICT(name) DO UPDATE"
            " SET password_hash = excluded.password_hash, enrolled_at = CURRENT_TIMESTAMP",
            (name, role, hash_password(password)),
        )
        return password

    def identities(self) -> list[Identity]:
        """Everyone, by name."""
        return [Identity(*row) for row in self._db.conn.execute("SELECT name, role, password_hash FROM identity ORDER BY name")]

    def changed(self) -> bool:
        """True after another process has written, until `seen`."""
        self._latest = self._data_version()
        return self._latest != self._seen

    def seen(self) -> None:
        """What the last `changed` told of has been taken up."""
        self._seen = self._latest

    def close(self) -> None:
        """Closes the file."""
        self._db.close()

    def _data_version(self) -> int:
        return self._db.conn.execute("PRAGMA data_version").fetchone()[0]


def _make(connection: sqlite3.Connection) -> None:
    connection.execute(
        """CREATE TABLE IF NOT EXISTS identity(name TEXT PRIMARY KEY, role TEXT NOT NULL, password_hash TEXT NOT NULL,
           enrolled_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP) STRICT"""
    )


def _look(connection: sqlite3.Connection) -> str | None:
    """Names what no `enrol` has written. A new file has no table yet."""
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'identity'").fetchone():
        return None
    return f"what it says of {', '.join(spoilt)} makes no sense" if (spoilt := _spoilt(connection)) else None


def _settle(connection: sqlite3.Connection, _: str) -> None:
    connection.executemany("DELETE FROM identity WHERE name = ?", [(name,) for name in _spoilt(connection)])


def _spoilt(connection: sqlite3.Connection) -> list[str]:
    rows = connection.execute("SELECT name, role, password_hash FROM identity").fetchall()
    return [name for name, role, password_hash in rows if not _is_sound(name, role, password_hash)]


def _is_sound(name: str, role: str, password_hash: str) -> bool:
    with suppress(BadName):
        return checked_name(name) == name and role in get_args(Role) and _HASH.fullmatch(password_hash) is not None
    return False
