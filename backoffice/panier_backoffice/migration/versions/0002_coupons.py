"""Coupons that were shown in a trip"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The default serves the receipts that are there already; new ones always say.
    op.add_column("receipt", sa.Column("coupons", sa.JSON(), nullable=False, server_default="[]"))


def downgrade() -> None:
    op.drop_column("receipt", "coupons")
