"""Sessions are bounded in number, known by the network they came from, and forgotten by two indexes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

OLD_ENDS = (
    "ended_for IN ('disabled', 'email_changed', 'operator', 'password_changed', 'password_reset', 'reused', 'revoked',"
    " 'signed_out')"
)
ENDS = (
    "ended_for IN ('disabled', 'email_changed', 'operator', 'outnumbered', 'password_changed', 'password_reset', 'reused',"
    " 'revoked', 'signed_out')"
)
# As `domain.limit.source_of` names it.
NETWORK = """
    UPDATE sessions SET network = CASE
        WHEN source LIKE '%:%' THEN text(network(set_masklen(CAST(source AS inet), 56))) ELSE source END
"""


def upgrade() -> None:
    _check(ENDS)
    op.add_column("sessions", sa.Column("network", sa.Text(), server_default="", nullable=False))
    op.execute(NETWORK)
    op.create_check_constraint(op.f("ck_sessions_network"), "sessions", "length(network) <= 64")
    op.create_index("ix_sessions_network", "sessions", ["account_id", "network"])
    op.create_index(
        "ix_sessions_ended_at", "sessions", ["ended_at"], postgresql_where=sa.text("ended_at IS NOT NULL")
    )


def downgrade() -> None:
    op.drop_index("ix_sessions_ended_at", "sessions")
    op.drop_column("sessions", "network")
    op.execute("UPDATE sessions SET ended_for = 'revoked' WHERE ended_for = 'outnumbered'")
    _check(OLD_ENDS)


def _check(ends: str) -> None:
    name = op.f("ck_sessions_ended_for")
    op.drop_constraint(name, "sessions", type_="check")
    op.create_check_constraint(name, "sessions", ends)
