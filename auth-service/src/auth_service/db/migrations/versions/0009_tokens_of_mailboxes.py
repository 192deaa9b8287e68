"""To which mailbox a one-time token was sent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("one_time_tokens", sa.Column("recipient_tag", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("one_time_tokens", "recipient_tag")
