"""Who gave goods a price whose code was unknown"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The default serves the rows that are there already; new ones always say.
    op.add_column("receipt_line", sa.Column("priced_by", sa.String(64), nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("receipt_line", "priced_by")
