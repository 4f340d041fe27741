"""The first schema"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# On SQLite a numbered key has to be INTEGER to be the row's own number.
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("email", sa.String(length=200), nullable=False),
        sa.Column("password", sa.String(length=200), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("email", name="pk_account"),
    )
    op.create_table(
        "campaign",
        sa.Column("campaign", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("title", sa.String(length=60), nullable=False),
        sa.Column("reason", sa.String(length=80), nullable=False),
        sa.Column("promotion", sa.JSON(), nullable=False),
        sa.Column("segment", sa.String(length=64), nullable=True),
        sa.Column("members", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("starts_at", sa.BigInteger(), nullable=True),
        sa.Column("ends_at", sa.BigInteger(), nullable=True),
        sa.Column("created_by", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("pushed_at", sa.BigInteger(), nullable=True),
        sa.Column("stopped_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("campaign", name="pk_campaign"),
    )
    op.create_index("ix_campaign_state", "campaign", ["state"])

    op.create_table(
        "contact",
        sa.Column("contact", sa.String(length=160), nullable=False),
        sa.Column("store", sa.String(length=64), nullable=False),
        sa.Column("device", sa.String(length=64), nullable=False),
        sa.Column("trip", sa.String(length=160), nullable=False),
        sa.Column("member", sa.String(length=64), nullable=True),
        sa.Column("offer", sa.String(length=64), nullable=False),
        sa.Column("what", sa.String(length=16), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("contact", name="pk_contact"),
    )
    op.create_index("ix_contact_member", "contact", ["member"])
    op.create_index("ix_contact_offer_what_trip", "contact", ["offer", "what", "trip"])
    op.create_index("ix_contact_trip", "contact", ["trip"])

    op.create_table(
        "dead_letter",
        sa.Column("number", NUMBER, autoincrement=True, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("store", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("identity", sa.String(length=160), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("times", sa.BigInteger(), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.Column("settled_by", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("number", name="pk_dead_letter"),
        sa.UniqueConstraint("digest", name="uq_dead_letter_digest"),
    )
    op.create_index("ix_dead_letter_store", "dead_letter", ["store"])

    op.create_table(
        "feed_end",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_feed_end"),
    )
    op.create_table(
        "feed_entry",
        sa.Column("sequence", NUMBER, autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_feed_entry"),
    )
    op.create_index("ix_feed_entry_kind_key_sequence", "feed_entry", ["kind", "key", "sequence"])

    op.create_table(
        "incident",
        sa.Column("incident", sa.String(length=200), nullable=False),
        sa.Column("store", sa.String(length=64), nullable=False),
        sa.Column("device", sa.String(length=64), nullable=True),
        sa.Column("trip", sa.String(length=160), nullable=True),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.Column("settled_by", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("incident", name="pk_incident"),
    )
    op.create_index("ix_incident_store", "incident", ["store"])
    op.create_index("ix_incident_trip", "incident", ["trip"])

    op.create_table(
        "member",
        sa.Column("member", sa.String(length=64), nullable=False),
        sa.Column("first_name", sa.String(length=40), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("member", name="pk_member"),
    )
    op.create_index("ix_member_first_name", "member", ["first_name"])

    op.create_table(
        "product",
        sa.Column("sku", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("category", sa.String(length=80), nullable=False),
        sa.Column("size", sa.String(length=40), nullable=False),
        sa.Column("unit_price", sa.BigInteger(), nullable=False),
        sa.Column("tax_rate", sa.String(length=12), nullable=True),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("sku", name="pk_product"),
    )
    op.create_index("ix_product_category", "product", ["category"])
    op.create_index("ix_product_name", "product", ["name"])

    op.create_table(
        "promotion",
        sa.Column("promotion", sa.String(length=64), nullable=False),
        sa.Column("definition", sa.JSON(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("promotion", name="pk_promotion"),
    )
    op.create_table(
        "receipt",
        sa.Column("number", NUMBER, autoincrement=True, nullable=False),
        sa.Column("receipt", sa.String(length=120), nullable=False),
        sa.Column("store", sa.String(length=64), nullable=False),
        sa.Column("device", sa.String(length=64), nullable=False),
        sa.Column("journal", sa.String(length=64), nullable=False),
        sa.Column("first_sequence", sa.BigInteger(), nullable=False),
        sa.Column("last_sequence", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("snapshot", sa.BigInteger(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("member", sa.String(length=64), nullable=True),
        sa.Column("segments", sa.JSON(), nullable=False),
        sa.Column("offers", sa.JSON(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("discount", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("device_total", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("arrived_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_receipt"),
        sa.UniqueConstraint("receipt", name="uq_receipt_receipt"),
    )
    op.create_index("ix_receipt_finished_at", "receipt", ["finished_at"])
    op.create_index("ix_receipt_member", "receipt", ["member"])
    op.create_index("ix_receipt_store_finished_at", "receipt", ["store", "finished_at"])

    op.create_table(
        "secret",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("value", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_secret"),
    )
    op.create_table(
        "store",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_store"),
    )
    op.create_table(
        "live",
        sa.Column("store", sa.String(length=32), nullable=False),
        sa.Column("state", sa.JSON(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["store"], ["store.name"], name="fk_live_store"),
        sa.PrimaryKeyConstraint("store", name="pk_live"),
    )
    op.create_table(
        "member_card",
        sa.Column("card", sa.String(length=64), nullable=False),
        sa.Column("member", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["member"], ["member.member"], name="fk_member_card_member", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("card", name="pk_member_card"),
    )
    op.create_index("ix_member_card_member", "member_card", ["member"])

    op.create_table(
        "member_segment",
        sa.Column("member", sa.String(length=64), nullable=False),
        sa.Column("segment", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["member"], ["member.member"], name="fk_member_segment_member", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("member", "segment", name="pk_member_segment"),
    )
    op.create_index("ix_member_segment_segment_member", "member_segment", ["segment", "member"])

    op.create_table(
        "product_gtin",
        sa.Column("gtin", sa.String(length=14), nullable=False),
        sa.Column("sku", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["sku"], ["product.sku"], name="fk_product_gtin_sku", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("gtin", name="pk_product_gtin"),
    )
    op.create_index("ix_product_gtin_sku", "product_gtin", ["sku"])

    op.create_table(
        "receipt_line",
        sa.Column("receipt", NUMBER, nullable=False),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sku", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("category", sa.String(length=80), nullable=False),
        sa.Column("unit_price", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("gross", sa.BigInteger(), nullable=False),
        sa.Column("discount", sa.BigInteger(), nullable=False),
        sa.Column("tax_rate", sa.String(length=12), nullable=True),
        sa.Column("snapshot", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["receipt"], ["receipt.number"], name="fk_receipt_line_receipt", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("receipt", "position", name="pk_receipt_line"),
    )
    op.create_index("ix_receipt_line_sku", "receipt_line", ["sku"])

    op.create_table(
        "receipt_saving",
        sa.Column("receipt", NUMBER, nullable=False),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("promotion", sa.String(length=64), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["receipt"], ["receipt.number"], name="fk_receipt_saving_receipt", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("receipt", "position", name="pk_receipt_saving"),
    )
    op.create_index("ix_receipt_saving_promotion", "receipt_saving", ["promotion"])

    op.create_table(
        "token",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("store", sa.String(length=32), nullable=True),
        sa.Column("label", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["store"], ["store.name"], name="fk_token_store"),
        sa.PrimaryKeyConstraint("digest", name="pk_token"),
    )
    op.create_index("ix_token_store", "token", ["store"])

    op.execute("INSERT INTO feed_end (id, last) VALUES (1, 0)")


def downgrade() -> None:
    for table in (
        "token",
        "receipt_saving",
        "receipt_line",
        "product_gtin",
        "member_segment",
        "member_card",
        "live",
        "store",
        "secret",
        "receipt",
        "promotion",
        "product",
        "member",
        "incident",
        "feed_entry",
        "feed_end",
        "dead_letter",
        "contact",
        "campaign",
        "account",
    ):
        op.drop_table(table)
