"""A terminal's disk that takes nothing more, in words for staff."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from pathlib import Path

from panier_io.journal import Journal

_FULL = "its disk is full: take it out of use"
_FAILS = "its disk saves nothing: take it out of use"
PRICES_DAMAGED = "its disk spoilt its prices: they are fetched again"
_LEAST = 1_000_000
"""Bytes on a disk under which it counts as full: a long trip, and what SQLite writes beside it."""


def disk_trouble(journal: Journal, directory: Path) -> str:
    """What staff should know of the disk, or nothing; one that refused something is asked to write again."""
    try:
        if shutil.disk_usage(directory).free < _LEAST:
            return _FULL
        if journal.is_refused:
            journal.prove_writing()
    except sqlite3.Error as error:
        return _FULL if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL else _FAILS
    except OSError:
        return _FAILS
    return ""


def refusal_of(directory: Path) -> str:
    """Why a directory takes no file, or nothing: a small one is written, waited for, and gone again."""
    try:
        with tempfile.TemporaryFile(dir=directory) as probe:
            probe.write(bytes(_LEAST))
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        return error.strerror or str(error)
    return ""
