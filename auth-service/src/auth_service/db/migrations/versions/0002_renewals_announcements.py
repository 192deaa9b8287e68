"""Renewals, announcements, why a letter was withdrawn."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

LETTERS = "letter IN ('account_exists', 'terms_changed', 'verify_address')"
OLD_LETTERS = "letter IN ('account_exists', 'verify_address')"


def upgrade() -> None:
    op.create_table(
        "announcements",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("letter", sa.Text(), nullable=False),
        sa.Column("context", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("recipients", sa.Integer(), nullable=False),
        sa.Column("letters", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_account_id", sa.Uuid(), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(LETTERS, name=op.f("ck_announcements_letter")),
        sa.CheckConstraint("length(name) BETWEEN 1 AND 64", name=op.f("ck_announcements_name")),
        sa.CheckConstraint("recipients >= 0 AND letters >= 0", name=op.f("ck_announcements_counts")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_announcements")),
    )
    op.add_column("letters", sa.Column("withdrawn_for", sa.Text(), nullable=True))
    op.add_column("letters", sa.Column("renewal_of", sa.Uuid(), nullable=True))
    op.add_column("letters", sa.Column("renewal", sa.SmallInteger(), server_default="0", nullable=False))
    op.add_column(
        "letters", sa.Column("renewal_due", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.add_column("letters", sa.Column("announcement", sa.Text(), nullable=True))
    op.alter_column("letters", "receipt_hash", nullable=True)
    op.drop_constraint(op.f("ck_letters_letter"), "letters")
    op.create_check_constraint(op.f("ck_letters_letter"), "letters", LETTERS)
    op.create_check_constraint(
        op.f("ck_letters_somebody_asked"),
        "letters",
        "receipt_hash IS NOT NULL OR renewal > 0 OR announcement IS NOT NULL",
    )
    op.create_check_constraint(
        op.f("ck_letters_withdrawn_for"), "letters", "withdrawn_for IN ('account_deleted', 'superseded')"
    )
    op.create_check_constraint(
        op.f("ck_letters_withdrawal"), "letters", "withdrawn_for IS NULL OR withdrawn_at IS NOT NULL"
    )
    op.create_check_constraint(op.f("ck_letters_renewal"), "letters", "renewal BETWEEN 0 AND 2")
    op.create_check_constraint(
        op.f("ck_letters_renewal_of"), "letters", "(renewal = 0) = (renewal_of IS NULL)"
    )
    op.create_foreign_key(op.f("fk_letters_renewal_of"), "letters", "letters", ["renewal_of"], ["id"])
    op.create_foreign_key(
        op.f("fk_letters_announcement"), "letters", "announcements", ["announcement"], ["name"]
    )
    op.create_index(
        "uq_letters_renewal_of",
        "letters",
        ["renewal_of", "renewal"],
        unique=True,
        postgresql_where=sa.text("renewal_of IS NOT NULL"),
    )
    op.create_index("ix_letters_renewal_due", "letters", ["id"], postgresql_where=sa.text("renewal_due"))
    op.create_index(
        "uq_letters_announcement",
        "letters",
        ["announcement", "account_id"],
        unique=True,
        postgresql_where=sa.text("announcement IS NOT NULL"),
    )
    op.create_index(op.f("ix_letters_recipient_tag"), "letters", ["recipient_tag"])
    op.drop_index("ix_letters_open", table_name="letters")


def downgrade() -> None:
    op.execute("DELETE FROM outbox USING letters WHERE letters.id = letter_id AND receipt_hash IS NULL")
    op.execute("DELETE FROM letters WHERE receipt_hash IS NULL")
    op.create_index(
        "ix_letters_open",
        "letters",
        ["recipient_tag"],
        postgresql_where=sa.text("withdrawn_at IS NULL AND state IN ('accepted', 'deferred', 'queued')"),
    )
    op.drop_index(op.f("ix_letters_recipient_tag"), table_name="letters")
    for column in ("announcement", "renewal_due", "renewal", "renewal_of", "withdrawn_for"):
        op.execute(f"ALTER TABLE letters DROP COLUMN {column} CASCADE")
    op.drop_constraint(op.f("ck_letters_letter"), "letters")
    op.create_check_constraint(op.f("ck_letters_letter"), "letters", OLD_LETTERS)
    op.alter_column("letters", "receipt_hash", nullable=False)
    op.drop_table("announcements")
