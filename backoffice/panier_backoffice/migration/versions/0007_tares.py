"""What a product's packing weighs, where a terminal weighs it"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The default serves what is there already; new rows always say.
    op.add_column("product", sa.Column("tare", sa.BigInteger(), nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("product", "tare")
