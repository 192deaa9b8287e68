"""What people did with dead letters."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "interventions",
        sa.Column("letter_id", sa.Uuid(), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("letter_id", "fence", "kind", name="pk_interventions"),
        sa.ForeignKeyConstraint(
            ["letter_id"], ["letters.id"], name="fk_interventions_letter_id", ondelete="CASCADE"
        ),
        sa.CheckConstraint("kind IN ('dropped', 'redriven')", name=op.f("ck_interventions_kind")),
    )


def downgrade() -> None:
    op.drop_table("interventions")
