"""Codes that applications exchange for sessions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "sessions", sa.Column("delegated", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.create_table(
        "authorization_codes",
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("redirect_uri", sa.Text(), nullable=False),
        sa.Column("challenge", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("opened_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("octet_length(hash) = 32", name=op.f("ck_authorization_codes_hash")),
        sa.CheckConstraint(
            "length(client_id) <= 64 AND length(redirect_uri) <= 1024 AND length(challenge) = 43",
            name=op.f("ck_authorization_codes_words"),
        ),
        sa.CheckConstraint(
            "opened_id IS NULL OR used_at IS NOT NULL", name=op.f("ck_authorization_codes_opened")
        ),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["sessions.id"],
            name=op.f("fk_authorization_codes_session_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["opened_id"],
            ["sessions.id"],
            name=op.f("fk_authorization_codes_opened_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_authorization_codes")),
    )
    op.create_index("ix_authorization_codes_expires_at", "authorization_codes", ["expires_at"])
    op.create_index("ix_authorization_codes_session_id", "authorization_codes", ["session_id"])
    op.create_index(
        "ix_authorization_codes_opened_id",
        "authorization_codes",
        ["opened_id"],
        postgresql_where=sa.text("opened_id IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_table("authorization_codes")
    op.drop_column("sessions", "delegated")
