"""Sessions and their refresh tokens, the audit, changes of address; one-time tokens of accounts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
PURPOSES = "purpose IN ('confirm_email', 'reset_password', 'revert_email', 'sign_in', 'verify_address')"
OLD_PURPOSES = "purpose IN ('verify_address')"


def upgrade() -> None:
    op.alter_column("accounts", "password_hash", nullable=True)
    op.add_column("accounts", sa.Column("disabled_at", MOMENT, nullable=True))
    _make_sessions()
    _make_email_changes()
    _make_audit()
    _let_tokens_belong_to_accounts()


def _make_sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("amr", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("auth_time", MOMENT, nullable=False),
        sa.Column("device", sa.Text(), server_default="", nullable=False),
        sa.Column("source", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("last_used_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("idle_until", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("ended_for", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "ended_for IN ('disabled', 'email_changed', 'operator', 'password_changed', 'password_reset', 'reused',"
            " 'revoked', 'signed_out')",
            name=op.f("ck_sessions_ended_for"),
        ),
        sa.CheckConstraint("(ended_at IS NULL) = (ended_for IS NULL)", name=op.f("ck_sessions_ended")),
        sa.CheckConstraint(
            "expires_at > created_at AND idle_until <= expires_at", name=op.f("ck_sessions_lifetime")
        ),
        sa.CheckConstraint("cardinality(amr) BETWEEN 1 AND 4", name=op.f("ck_sessions_amr")),
        sa.CheckConstraint(
            "length(device) <= 64 AND length(client_id) <= 64 AND length(source) <= 64",
            name=op.f("ck_sessions_words"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_sessions_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
    )
    op.create_index("ix_sessions_account_id", "sessions", ["account_id", "created_at", "id"])
    op.create_index("ix_sessions_idle_until", "sessions", ["idle_until"])
    op.create_table(
        "refresh_tokens",
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("used_at", MOMENT, nullable=True),
        sa.CheckConstraint("octet_length(hash) = 32", name=op.f("ck_refresh_tokens_hash")),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.id"], name=op.f("fk_refresh_tokens_session_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_refresh_tokens")),
    )
    op.create_index(op.f("ix_refresh_tokens_session_id"), "refresh_tokens", ["session_id"])
    op.create_index(
        "ix_refresh_tokens_used_at",
        "refresh_tokens",
        ["used_at"],
        postgresql_where=sa.text("used_at IS NOT NULL"),
    )


def _make_email_changes() -> None:
    op.create_table(
        "email_changes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("canonical_email", sa.Text(), nullable=False),
        sa.Column("recipient_tag", sa.Text(), nullable=False),
        sa.Column("old_email", sa.Text(), nullable=False),
        sa.Column("old_canonical_email", sa.Text(), nullable=False),
        sa.Column("created_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("confirmed_at", MOMENT, nullable=True),
        sa.Column("reverted_at", MOMENT, nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.CheckConstraint(
            "length(email) <= 320 AND length(canonical_email) <= 320"
            " AND length(old_email) <= 320 AND length(old_canonical_email) <= 320",
            name=op.f("ck_email_changes_length"),
        ),
        sa.CheckConstraint("confirmed_at IS NULL OR ended_at IS NULL", name=op.f("ck_email_changes_one_end")),
        sa.CheckConstraint(
            "reverted_at IS NULL OR confirmed_at IS NOT NULL", name=op.f("ck_email_changes_reverted")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_email_changes_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_email_changes")),
    )
    op.create_index(op.f("ix_email_changes_account_id"), "email_changes", ["account_id"])
    op.create_index("ix_email_changes_created_at", "email_changes", ["created_at"])
    op.create_index(
        "uq_email_changes_pending",
        "email_changes",
        ["account_id"],
        unique=True,
        postgresql_where=sa.text("confirmed_at IS NULL AND ended_at IS NULL"),
    )


def _make_audit() -> None:
    op.create_table(
        "audit_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column(
            "detail",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.CheckConstraint("result IN ('done', 'refused')", name=op.f("ck_audit_events_result")),
        sa.CheckConstraint(
            "length(actor) BETWEEN 1 AND 128 AND length(action) BETWEEN 1 AND 64 AND length(target) <= 64",
            name=op.f("ck_audit_events_words"),
        ),
        sa.CheckConstraint("octet_length(detail::text) <= 2048", name=op.f("ck_audit_events_detail")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_events")),
    )
    op.create_index("ix_audit_events_target", "audit_events", ["target", "id"])
    op.create_index("ix_audit_events_at", "audit_events", ["at"])


def _let_tokens_belong_to_accounts() -> None:
    for column, table in (("account_id", "accounts"), ("email_change_id", "email_changes")):
        op.add_column("one_time_tokens", sa.Column(column, sa.Uuid(), nullable=True))
        op.create_foreign_key(
            op.f(f"fk_one_time_tokens_{column}"),
            "one_time_tokens",
            table,
            [column],
            ["id"],
            ondelete="CASCADE",
        )
        op.create_index(op.f(f"ix_one_time_tokens_{column}"), "one_time_tokens", [column])
    for name in ("decoy_is_void", "purpose"):
        op.drop_constraint(op.f(f"ck_one_time_tokens_{name}"), "one_time_tokens")
    for name, condition in (
        ("purpose", PURPOSES),
        ("decoy_is_void", "registration_id IS NOT NULL OR account_id IS NOT NULL OR voided_at IS NOT NULL"),
        ("one_owner", "registration_id IS NULL OR account_id IS NULL"),
        ("email_change", "email_change_id IS NULL OR account_id IS NOT NULL"),
    ):
        op.create_check_constraint(op.f(f"ck_one_time_tokens_{name}"), "one_time_tokens", condition)


def downgrade() -> None:
    """Goes back without what the older release cannot hold: sessions, the audit, accounts without a password.

    Not with disabled accounts: they would be open afterwards, and again after the next upgrade.
    """
    if op.get_bind().scalar(sa.text("SELECT EXISTS (SELECT FROM accounts WHERE disabled_at IS NOT NULL)")):
        raise RuntimeError(
            "There are disabled accounts, which an older release would open: enable or delete them first."
        )
    op.execute("DELETE FROM one_time_tokens WHERE purpose <> 'verify_address'")
    for name in ("email_change", "one_owner", "decoy_is_void", "purpose"):
        op.drop_constraint(op.f(f"ck_one_time_tokens_{name}"), "one_time_tokens")
    for column in ("email_change_id", "account_id"):
        op.drop_column("one_time_tokens", column)
    op.create_check_constraint(op.f("ck_one_time_tokens_purpose"), "one_time_tokens", OLD_PURPOSES)
    op.create_check_constraint(
        op.f("ck_one_time_tokens_decoy_is_void"),
        "one_time_tokens",
        "registration_id IS NOT NULL OR voided_at IS NOT NULL",
    )
    for table in ("audit_events", "email_changes", "refresh_tokens", "sessions"):
        op.drop_table(table)
    op.drop_column("accounts", "disabled_at")
    op.execute("DELETE FROM accounts WHERE password_hash IS NULL")
    op.alter_column("accounts", "password_hash", nullable=False)
