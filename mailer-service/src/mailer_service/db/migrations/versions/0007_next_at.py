"""When a letter that a mail server may have can be claimed again, whichever of its messages comes."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("letters", sa.Column("next_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("letters", "next_at")
