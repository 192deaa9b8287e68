"""Letters and their classes are known to the code alone, so that another one needs no migration."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

CHECKS = (
    ("announcements", "letter", "letter ~ '^[a-z][a-z_]*$'"),
    ("letters", "letter", "letter ~ '^[a-z][a-z_]*$'"),
    ("letters", "letter_class", "letter_class ~ '^[a-z][a-z_]*$'"),
    ("outbox", "rank", "rank >= 0"),
)
OLD_LETTERS = "letter IN ('account_exists', 'terms_changed', 'verify_address')"
OLD_CHECKS = (
    ("announcements", "letter", OLD_LETTERS),
    ("letters", "letter", OLD_LETTERS),
    ("letters", "letter_class", "letter_class IN ('bulk', 'standard', 'urgent')"),
    ("outbox", "rank", "rank BETWEEN 0 AND 3"),
)


def upgrade() -> None:
    _check(CHECKS)


def downgrade() -> None:
    """Goes back without the letters that the older release does not know."""
    op.execute(
        "DELETE FROM letters WHERE letter NOT IN ('account_exists', 'terms_changed', 'verify_address')"
    )
    _check(OLD_CHECKS)


def _check(checks: tuple[tuple[str, str, str], ...]) -> None:
    for table, name, condition in checks:
        op.drop_constraint(op.f(f"ck_{table}_{name}"), table, type_="check")
        op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, condition)
