"""Weighed goods, deposits, and VAT by rate"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# The defaults serve what is there already; new rows always say.
_ADDED = {
    "product": (
        sa.Column("unit", sa.String(length=4), nullable=False, server_default="each"),
        sa.Column("deposit", sa.BigInteger(), nullable=False, server_default="0"),
    ),
    "receipt": (
        sa.Column("deposit", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("vat", sa.JSON(), nullable=False, server_default="[]"),
    ),
    "receipt_line": (
        sa.Column("weighings", sa.JSON(), nullable=False, server_default="[]"),
        sa.Column("is_labelled", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("deposit", sa.BigInteger(), nullable=False, server_default="0"),
    ),
}


def upgrade() -> None:
    for table, columns in _ADDED.items():
        for column in columns:
            op.add_column(table, column)


def downgrade() -> None:
    for table, columns in _ADDED.items():
        for column in columns:
            op.drop_column(table, column.name)
