"""Suppressions; attempts of one claim with several providers; letters bound to a provider."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_STATES = ("accepted", "cancelled", "claimed", "dead", "discarded", "expired", "transmitting", "waiting")


def upgrade() -> None:
    op.create_table(
        "suppressions",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since", _TIME, server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", _TIME),
        sa.Column("times", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("needed", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_suppressions"),
        sa.CheckConstraint("scope IN ('domain', 'recipient')", name=op.f("ck_suppressions_scope")),
        sa.CheckConstraint("octet_length(key) = 32", name=op.f("ck_suppressions_key")),
        sa.CheckConstraint("times >= 1 AND needed >= 1", name=op.f("ck_suppressions_counts")),
    )
    op.add_column("letters", sa.Column("bound_to", sa.Text()))
    _allow_states(*_STATES, "suppressed")
    # Earlier attempts are told apart by their number; a claim still to come has a higher fence than any of them.
    op.add_column("attempts", sa.Column("fence", sa.Integer()))
    op.execute("UPDATE attempts SET fence = number")
    op.alter_column("attempts", "fence", nullable=False)
    op.add_column("attempts", sa.Column("part", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.drop_constraint("pk_attempts", "attempts", type_="primary")
    op.create_primary_key("pk_attempts", "attempts", ["letter_id", "fence", "part"])
    op.drop_constraint(op.f("ck_attempts_counts"), "attempts", type_="check")
    op.create_check_constraint(
        op.f("ck_attempts_counts"),
        "attempts",
        "fence >= 0 AND part >= 0 AND number >= 1 AND duration_ms >= 0",
    )


def downgrade() -> None:
    op.execute(
        "DELETE FROM attempts AS one USING attempts AS other WHERE one.letter_id = other.letter_id"
        " AND one.number = other.number AND (one.fence, one.part) < (other.fence, other.part)"
    )
    op.drop_constraint(op.f("ck_attempts_counts"), "attempts", type_="check")
    op.create_check_constraint(op.f("ck_attempts_counts"), "attempts", "number >= 1 AND duration_ms >= 0")
    op.drop_constraint("pk_attempts", "attempts", type_="primary")
    op.create_primary_key("pk_attempts", "attempts", ["letter_id", "number"])
    op.drop_column("attempts", "part")
    op.drop_column("attempts", "fence")
    op.execute("UPDATE letters SET state = 'dead', last_reason = 'suppressed' WHERE state = 'suppressed'")
    _allow_states(*_STATES)
    op.drop_column("letters", "bound_to")
    op.drop_table("suppressions")


def _allow_states(*states: str) -> None:
    op.drop_constraint(op.f("ck_letters_state"), "letters", type_="check")
    values = ", ".join(f"'{state}'" for state in sorted(states))
    op.create_check_constraint(op.f("ck_letters_state"), "letters", f"state IN ({values})")
