"""The whole schema, and bringing a database up to it."""

from __future__ import annotations

from alembic import command
from alembic.config import Config

from panier_backoffice.account import table as account
from panier_backoffice.campaign import table as campaign
from panier_backoffice.database import Database, Table
from panier_backoffice.feed import table as feed
from panier_backoffice.incident import table as incident
from panier_backoffice.live import table as live
from panier_backoffice.member import table as member
from panier_backoffice.product import table as product
from panier_backoffice.promotion import table as promotion
from panier_backoffice.receipt import table as receipt
from panier_backoffice.store import table as store

TABLES = (account, campaign, feed, incident, live, member, product, promotion, receipt, store)
"""Modules whose tables make up the schema; imported so that METADATA knows them all."""
METADATA = Table.metadata


def migrate(database: Database) -> None:
    """Brings the database to the newest schema; does nothing where it is there already."""
    config = Config()
    config.set_main_option("script_location", "panier_backoffice:migration")
    with database.writing() as session:
        config.attributes["connection"] = session.connection()
        command.upgrade(config, "head")
