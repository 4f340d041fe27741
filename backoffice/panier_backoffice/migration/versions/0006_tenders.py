"""What receipts were paid with at the terminal"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The default serves the rows that are there already; new ones always say.
    op.add_column("receipt", sa.Column("tenders", sa.JSON(), nullable=False, server_default="[]"))


def downgrade() -> None:
    op.drop_column("receipt", "tenders")
