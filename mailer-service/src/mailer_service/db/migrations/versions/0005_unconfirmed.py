"""Letters that a mail server may have, and how often each kind of refusal was heard."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_STATES = (
    "accepted",
    "cancelled",
    "claimed",
    "dead",
    "discarded",
    "expired",
    "suppressed",
    "transmitting",
    "waiting",
)


def upgrade() -> None:
    _allow_states(*_STATES, "unconfirmed")
    op.add_column(
        "letters", sa.Column("refusals", JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False)
    )


def downgrade() -> None:
    op.execute("UPDATE letters SET state = 'dead' WHERE state = 'unconfirmed'")
    op.drop_column("letters", "refusals")
    _allow_states(*_STATES)


def _allow_states(*states: str) -> None:
    op.drop_constraint(op.f("ck_letters_state"), "letters", type_="check")
    values = ", ".join(f"'{state}'" for state in sorted(states))
    op.create_check_constraint(op.f("ck_letters_state"), "letters", f"state IN ({values})")
