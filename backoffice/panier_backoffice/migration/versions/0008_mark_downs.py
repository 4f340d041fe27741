"""What the date on their label took off goods on a receipt"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The default serves the rows that are there already; new ones always say.
    op.add_column("receipt_line", sa.Column("mark_down", sa.BigInteger(), nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("receipt_line", "mark_down")
