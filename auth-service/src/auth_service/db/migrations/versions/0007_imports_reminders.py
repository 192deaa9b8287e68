"""Imports of accounts, the kinds of their hashes, which registrations were reminded, and those an operator vouched for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

OLD_SECOND = "confirmed_with IN ('password', 'registration_secret')"
SECOND = "confirmed_with IN ('operator', 'password', 'registration_secret')"
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "account_imports",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("started_at", MOMENT, server_default=sa.text("now()"), nullable=False),
        *(
            sa.Column(name, sa.Integer(), server_default="0", nullable=False)
            for name in ("records", "accounts", "pending", "refused")
        ),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.CheckConstraint("octet_length(digest) = 32", name=op.f("ck_account_imports_digest")),
        sa.CheckConstraint("records = accounts + pending + refused", name=op.f("ck_account_imports_counts")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_account_imports")),
    )
    op.create_index(
        "ix_accounts_password_kind",
        "accounts",
        [sa.text(r"regexp_replace(password_hash, '\$[^$]*\$[^$]*$', '')")],
    )
    op.add_column("registrations", sa.Column("reminded_at", MOMENT, nullable=True))
    op.create_index(
        "ix_registrations_to_be_reminded",
        "registrations",
        ["created_at"],
        postgresql_where=sa.text("ended_at IS NULL AND reminded_at IS NULL"),
    )
    _check(SECOND)


def downgrade() -> None:
    """Goes back; an older release cannot check imported hashes, so their people have to choose another password."""
    op.execute("UPDATE registrations SET confirmed_with = 'password' WHERE confirmed_with = 'operator'")
    _check(OLD_SECOND)
    op.drop_index("ix_registrations_to_be_reminded", "registrations")
    op.drop_column("registrations", "reminded_at")
    op.drop_index("ix_accounts_password_kind", "accounts")
    op.drop_table("account_imports")


def _check(second: str) -> None:
    name = op.f("ck_registrations_confirmed_with")
    op.drop_constraint(name, "registrations", type_="check")
    op.create_check_constraint(name, "registrations", second)
