"""Accounts, tokens, letters, outbox."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("canonical_email", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("generation >= 1", name=op.f("ck_accounts_generation")),
        sa.CheckConstraint(
            "length(email) <= 320 AND length(canonical_email) <= 320", name=op.f("ck_accounts_length")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("canonical_email", name=op.f("uq_accounts_canonical_email")),
    )
    op.create_index(
        "ix_accounts_unverified",
        "accounts",
        ["created_at"],
        unique=False,
        postgresql_where=sa.text("verified_at IS NULL"),
    )
    op.create_table(
        "letters",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("letter", sa.Text(), nullable=False),
        sa.Column("letter_class", sa.Text(), nullable=False),
        sa.Column("recipient_tag", sa.Text(), nullable=False),
        sa.Column("receipt_hash", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("letter IN ('account_exists', 'verify_address')", name=op.f("ck_letters_letter")),
        sa.CheckConstraint(
            "letter_class IN ('bulk', 'standard', 'urgent')", name=op.f("ck_letters_letter_class")
        ),
        sa.CheckConstraint(
            "state IN ('accepted', 'deferred', 'expired', 'failed', 'queued', 'sent', 'superseded', 'suppressed')",
            name=op.f("ck_letters_state"),
        ),
        sa.CheckConstraint("expires_at > created_at", name=op.f("ck_letters_lifetime")),
        sa.CheckConstraint("octet_length(receipt_hash) = 32", name=op.f("ck_letters_receipt_hash")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_letters_account_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_letters")),
        sa.UniqueConstraint("receipt_hash", name=op.f("uq_letters_receipt_hash")),
    )
    op.create_index("ix_letters_created_at", "letters", ["created_at"], unique=False)
    op.create_index(op.f("ix_letters_account_id"), "letters", ["account_id"], unique=False)
    op.create_index(
        "ix_letters_open",
        "letters",
        ["recipient_tag"],
        unique=False,
        postgresql_where=sa.text("withdrawn_at IS NULL AND state IN ('accepted', 'deferred', 'queued')"),
    )
    op.create_table(
        "one_time_tokens",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("link_hash", sa.LargeBinary(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("code_tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("purpose IN ('verify_address')", name=op.f("ck_one_time_tokens_purpose")),
        sa.CheckConstraint(
            "account_id IS NOT NULL OR voided_at IS NOT NULL", name=op.f("ck_one_time_tokens_decoy_is_void")
        ),
        sa.CheckConstraint("code_tries BETWEEN 0 AND 5", name=op.f("ck_one_time_tokens_code_tries")),
        sa.CheckConstraint("expires_at > created_at", name=op.f("ck_one_time_tokens_lifetime")),
        sa.CheckConstraint(
            "octet_length(link_hash) = 32 AND octet_length(code_hash) = 32",
            name=op.f("ck_one_time_tokens_hashes"),
        ),
        sa.CheckConstraint("used_at IS NULL OR voided_at IS NULL", name=op.f("ck_one_time_tokens_one_end")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_one_time_tokens_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_one_time_tokens")),
        sa.UniqueConstraint("link_hash", name=op.f("uq_one_time_tokens_link_hash")),
    )
    op.create_index("ix_one_time_tokens_expires_at", "one_time_tokens", ["expires_at"], unique=False)
    op.create_index(op.f("ix_one_time_tokens_account_id"), "one_time_tokens", ["account_id"], unique=False)
    op.create_index(
        "uq_one_time_tokens_open",
        "one_time_tokens",
        ["account_id", "purpose"],
        unique=True,
        postgresql_where=sa.text("used_at IS NULL AND voided_at IS NULL"),
    )
    op.create_table(
        "letter_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("letter_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("report_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "state IN ('accepted', 'deferred', 'expired', 'failed', 'queued', 'sent', 'superseded', 'suppressed')",
            name=op.f("ck_letter_events_state"),
        ),
        sa.ForeignKeyConstraint(
            ["letter_id"], ["letters.id"], name=op.f("fk_letter_events_letter_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_letter_events")),
        sa.UniqueConstraint("report_id", name=op.f("uq_letter_events_report_id")),
    )
    op.create_index("ix_letter_events_timeline", "letter_events", ["letter_id", "id"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("letter_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("rank", sa.SmallInteger(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column(
            "available_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("claimed_by", sa.Uuid(), nullable=True),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("correlation_id", sa.Text(), nullable=True),
        sa.CheckConstraint("kind IN ('cancellation', 'letter')", name=op.f("ck_outbox_kind")),
        sa.CheckConstraint("(claimed_by IS NULL) = (claimed_until IS NULL)", name=op.f("ck_outbox_claim")),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_outbox_attempts")),
        sa.CheckConstraint("rank BETWEEN 0 AND 3", name=op.f("ck_outbox_rank")),
        sa.ForeignKeyConstraint(
            ["letter_id"], ["letters.id"], name=op.f("fk_outbox_letter_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
    )
    op.create_index("ix_outbox_claim", "outbox", ["rank", "created_at", "id"], unique=False)
    op.create_index(op.f("ix_outbox_letter_id"), "outbox", ["letter_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_outbox_letter_id"), table_name="outbox")
    op.drop_index("ix_outbox_claim", table_name="outbox")
    op.drop_table("outbox")
    op.drop_index("ix_letter_events_timeline", table_name="letter_events")
    op.drop_table("letter_events")
    op.drop_index(
        "uq_one_time_tokens_open",
        table_name="one_time_tokens",
        postgresql_where=sa.text("used_at IS NULL AND voided_at IS NULL"),
    )
    op.drop_index("ix_one_time_tokens_expires_at", table_name="one_time_tokens")
    op.drop_index(op.f("ix_one_time_tokens_account_id"), table_name="one_time_tokens")
    op.drop_table("one_time_tokens")
    op.drop_index(
        "ix_letters_open",
        table_name="letters",
        postgresql_where=sa.text("withdrawn_at IS NULL AND state IN ('accepted', 'deferred', 'queued')"),
    )
    op.drop_index("ix_letters_created_at", table_name="letters")
    op.drop_index(op.f("ix_letters_account_id"), table_name="letters")
    op.drop_table("letters")
    op.drop_index(
        "ix_accounts_unverified", table_name="accounts", postgresql_where=sa.text("verified_at IS NULL")
    )
    op.drop_table("accounts")
