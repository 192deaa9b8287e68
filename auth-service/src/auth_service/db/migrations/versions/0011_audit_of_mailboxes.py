"""What strangers tried with mailboxes that have no account is found by its age, to be deleted earlier."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_audit_events_of_mailboxes",
        "audit_events",
        ["at"],
        postgresql_where=sa.text("actor = 'stranger' AND length(target) <> 36"),
    )


def downgrade() -> None:
    op.drop_index("ix_audit_events_of_mailboxes", table_name="audit_events")
