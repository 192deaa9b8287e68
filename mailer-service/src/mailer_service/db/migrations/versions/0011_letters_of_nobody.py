"""Nothing in the ledger leads to a recipient: the header's tag is written no more, and what was written is erased."""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_KNOWN = "letter IS NOT NULL AND letter_class IS NOT NULL{} AND envelope_digest IS NOT NULL AND expires_at IS NOT NULL"


def upgrade() -> None:
    _require("")
    op.execute("UPDATE letters SET recipient_tag = NULL WHERE recipient_tag IS NOT NULL")


def downgrade() -> None:
    op.execute("UPDATE letters SET recipient_tag = '' WHERE recipient_tag IS NULL AND letter IS NOT NULL")
    _require(" AND recipient_tag IS NOT NULL")


def _require(more: str) -> None:
    op.drop_constraint(op.f("ck_letters_known"), "letters", type_="check")
    op.create_check_constraint(
        op.f("ck_letters_known"), "letters", f"state = 'cancelled' OR ({_KNOWN.format(more)})"
    )
