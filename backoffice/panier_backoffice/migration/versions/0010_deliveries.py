"""How many deliveries each store has made"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The default serves the rows that are there already; new ones always say.
    op.add_column("store", sa.Column("deliveries", sa.BigInteger(), nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("store", "deliveries")
