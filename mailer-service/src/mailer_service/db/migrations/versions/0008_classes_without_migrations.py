"""The classes of letters are known to the code alone, so that another one needs no migration."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _check("letter_class ~ '^[a-z][a-z_]*$'")


def downgrade() -> None:
    _check("letter_class IN ('bulk', 'standard', 'urgent')")


def _check(condition: str) -> None:
    op.drop_constraint(op.f("ck_letters_letter_class"), "letters", type_="check")
    op.create_check_constraint(op.f("ck_letters_letter_class"), "letters", condition)
