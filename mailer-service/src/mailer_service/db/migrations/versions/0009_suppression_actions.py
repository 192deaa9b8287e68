"""What operators did to suppressions."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "suppression_actions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.CheckConstraint("action IN ('added', 'removed')", name=op.f("ck_suppression_actions_action")),
        sa.CheckConstraint("scope IN ('domain', 'recipient')", name=op.f("ck_suppression_actions_scope")),
        sa.CheckConstraint("octet_length(key) = 32", name=op.f("ck_suppression_actions_key")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suppression_actions")),
    )
    op.create_index("ix_suppression_actions_key", "suppression_actions", ["key", "id"])


def downgrade() -> None:
    op.drop_table("suppression_actions")
