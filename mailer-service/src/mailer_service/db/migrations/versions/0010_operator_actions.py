"""What operators' commands changed, and letters that need not wait any longer."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_constraint(op.f("ck_interventions_kind"), "interventions")
    op.create_check_constraint(
        op.f("ck_interventions_kind"), "interventions", "kind IN ('dropped', 'hurried', 'redriven')"
    )
    op.create_table(
        "operator_actions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("detail", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operator_actions")),
    )


def downgrade() -> None:
    op.drop_table("operator_actions")
    op.execute("DELETE FROM interventions WHERE kind = 'hurried'")
    op.drop_constraint(op.f("ck_interventions_kind"), "interventions")
    op.create_check_constraint(
        op.f("ck_interventions_kind"), "interventions", "kind IN ('dropped', 'redriven')"
    )
