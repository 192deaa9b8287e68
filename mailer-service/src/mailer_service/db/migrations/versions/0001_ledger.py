"""The ledger: letters and their attempts."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_NOW = sa.text("now()")
_ZERO = sa.text("0")
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "letters",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("letter", sa.Text()),
        sa.Column("letter_class", sa.Text()),
        sa.Column("recipient_tag", sa.Text()),
        sa.Column("envelope_digest", sa.LargeBinary()),
        sa.Column("expires_at", _TIME),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("claimed_from", sa.Text()),
        sa.Column("fence", sa.Integer(), server_default=_ZERO, nullable=False),
        sa.Column("holder", sa.Text()),
        sa.Column("holder_key", sa.BigInteger()),
        sa.Column("lease_until", _TIME),
        sa.Column("attempts", sa.Integer(), server_default=_ZERO, nullable=False),
        sa.Column("ambiguities", sa.Integer(), server_default=_ZERO, nullable=False),
        sa.Column("ambiguous", sa.Boolean(), sa.Computed("ambiguities > 0", persisted=True), nullable=False),
        sa.Column("cancellation", sa.Text()),
        sa.Column("last_reason", sa.Text()),
        sa.Column("last_reply", sa.Text()),
        sa.Column("first_seen_at", _TIME, server_default=_NOW, nullable=False),
        sa.Column("updated_at", _TIME, server_default=_NOW, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_letters"),
        sa.CheckConstraint(
            "state IN ('accepted', 'cancelled', 'claimed', 'dead', 'discarded', 'expired', 'transmitting', 'waiting')",
            name=op.f("ck_letters_state"),
        ),
        sa.CheckConstraint(
            "letter_class IN ('bulk', 'standard', 'urgent')", name=op.f("ck_letters_letter_class")
        ),
        sa.CheckConstraint(
            "cancellation IN ('account_deleted', 'superseded')", name=op.f("ck_letters_cancellation")
        ),
        sa.CheckConstraint(
            "fence >= 0 AND attempts >= 0 AND ambiguities >= 0", name=op.f("ck_letters_counts")
        ),
        sa.CheckConstraint(
            "(state IN ('claimed', 'transmitting')) = (holder IS NOT NULL AND lease_until IS NOT NULL)",
            name=op.f("ck_letters_in_hand"),
        ),
        sa.CheckConstraint(
            "state = 'cancelled' OR (letter IS NOT NULL AND letter_class IS NOT NULL"
            " AND recipient_tag IS NOT NULL AND envelope_digest IS NOT NULL AND expires_at IS NOT NULL)",
            name=op.f("ck_letters_known"),
        ),
        sa.CheckConstraint(
            "state <> 'cancelled' OR cancellation IS NOT NULL", name=op.f("ck_letters_cancelled_for_a_reason")
        ),
    )
    op.create_table(
        "attempts",
        sa.Column("letter_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("started_at", _TIME, nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("phase", sa.Text()),
        sa.Column("reply", sa.Text()),
        sa.Column("duration_ms", sa.Integer(), nullable=False),
        sa.Column("provider", sa.Text()),
        sa.Column("replica", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("letter_id", "number", name="pk_attempts"),
        sa.ForeignKeyConstraint(
            ["letter_id"], ["letters.id"], name="fk_attempts_letter_id", ondelete="CASCADE"
        ),
        sa.CheckConstraint("number >= 1 AND duration_ms >= 0", name=op.f("ck_attempts_counts")),
    )


def downgrade() -> None:
    op.drop_table("attempts")
    op.drop_table("letters")
