"""Leases and standing that a trip was priced with; holdouts of campaigns"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The defaults serve the rows that are there already; new ones always say.
    op.add_column("receipt", sa.Column("standing", sa.JSON(), nullable=False, server_default="{}"))
    op.add_column("receipt", sa.Column("leases", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("campaign", sa.Column("holdout", sa.BigInteger(), nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("campaign", "holdout")
    op.drop_column("receipt", "leases")
    op.drop_column("receipt", "standing")
