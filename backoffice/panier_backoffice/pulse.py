"""Whether the back office goes round (event loop, worker threads, the turn to write) and serves (its database answers)."""

from __future__ import annotations

from fastapi.concurrency import run_in_threadpool
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from panier_backoffice.database import Database
from panier_io.supervisor import Supervisor
from panier_io.vitals import Vitals, room


class DatabasePulse:
    """Takes a turn to write, without writing, in a worker thread as requests do: what hangs there hangs every delivery."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.why_not = ""
        """Why the database did not answer the last time, or nothing."""

    async def ask(self) -> None:
        """Comes back when the database has said yes or no."""
        await run_in_threadpool(self._ask)

    def _ask(self) -> None:
        try:
            with self._database.delivering() as session:
                session.execute(text("SELECT 1"))
        except SQLAlchemyError as error:
            self.why_not = f"does not answer: {error}".splitlines()[0]
        else:
            self.why_not = ""


def vitals_of(database: Database) -> Vitals:
    """The pulse of one back office."""
    pulse = DatabasePulse(database)
    file = database.file
    return Vitals(
        Supervisor(),
        vital={"the database": pulse.ask},
        serving={"database": lambda: pulse.why_not, **({"disk": lambda: room(file)} if file else {})},
    )
