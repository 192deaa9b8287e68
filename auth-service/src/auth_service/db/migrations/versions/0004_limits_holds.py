"""Counts of limits; letters held in the outbox, and what became of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

REASONS = "held_for IN ('few_confirmed', 'many_proved')"


def upgrade() -> None:
    op.create_table(
        "limits",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("admitted", postgresql.ARRAY(sa.DateTime(timezone=True)), nullable=False),
        sa.Column("refused", sa.Boolean(), nullable=False),
        sa.CheckConstraint("octet_length(key) = 32", name=op.f("ck_limits_key")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_limits")),
    )
    op.create_table(
        "hold_totals",
        sa.Column("ended", sa.Text(), nullable=False),
        sa.Column("letters", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "ended IN ('dropped', 'expired_dropped', 'expired_released', 'released')",
            name=op.f("ck_hold_totals_ended"),
        ),
        sa.PrimaryKeyConstraint("ended", name=op.f("pk_hold_totals")),
    )
    op.add_column(
        "registrations", sa.Column("proved", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.add_column("registrations", sa.Column("held_for", sa.Text(), nullable=True))
    op.create_check_constraint(op.f("ck_registrations_held_for"), "registrations", REASONS)
    op.add_column("outbox", sa.Column("held_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("outbox", sa.Column("held_for", sa.Text(), nullable=True))
    op.create_check_constraint(op.f("ck_outbox_held_for"), "outbox", REASONS)
    op.create_check_constraint(op.f("ck_outbox_hold"), "outbox", "(held_until IS NULL) = (held_for IS NULL)")
    op.create_index(
        "ix_outbox_held", "outbox", ["created_at", "id"], postgresql_where=sa.text("held_until IS NOT NULL")
    )
    op.drop_index("ix_outbox_claim", table_name="outbox")
    op.create_index(
        "ix_outbox_claim",
        "outbox",
        ["rank", "created_at", "id"],
        postgresql_where=sa.text("held_until IS NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_outbox_claim", table_name="outbox")
    op.create_index("ix_outbox_claim", "outbox", ["rank", "created_at", "id"])
    op.drop_index("ix_outbox_held", table_name="outbox")
    op.drop_column("outbox", "held_for")
    op.drop_column("outbox", "held_until")
    op.drop_column("registrations", "held_for")
    op.drop_column("registrations", "proved")
    op.drop_table("hold_totals")
    op.drop_table("limits")
