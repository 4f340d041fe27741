"""What products cost the shop"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "product_cost",
        sa.Column("sku", sa.String(length=64), nullable=False),
        sa.Column("cost", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["sku"], ["product.sku"], name="fk_product_cost_product", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("sku", name="pk_product_cost"),
    )


def downgrade() -> None:
    op.drop_table("product_cost")
