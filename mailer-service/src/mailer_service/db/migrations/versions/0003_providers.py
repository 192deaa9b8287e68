"""What all replicas know of each mail server: given up or not, and what of its budget is used."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_NOW = sa.text("now()")
_ONE = sa.text("1")
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "providers",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("account", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("openings", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("probe_at", _TIME, server_default=_NOW, nullable=False),
        sa.Column("width", sa.Double(), server_default=_ONE, nullable=False),
        sa.Column("speed", sa.Double(), server_default=_ONE, nullable=False),
        sa.Column("slowed_at", _TIME, server_default=_NOW, nullable=False),
        sa.Column("next_at", _TIME, server_default=_NOW, nullable=False),
        sa.Column("wanted_at", _TIME),
        sa.PrimaryKeyConstraint("name", name="pk_providers"),
        sa.CheckConstraint(
            "width > 0 AND width <= 1 AND speed > 0 AND speed <= 1", name=op.f("ck_providers_parts")
        ),
        sa.CheckConstraint("openings >= 0", name=op.f("ck_providers_counts")),
    )


def downgrade() -> None:
    op.drop_table("providers")
