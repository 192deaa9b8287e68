"""Which kinds of hashes are kept: a sign-in costs one hash of each, so that its time tells nobody's (`security/stored_hashes.py`)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from auth_service.db.people import PASSWORD_KIND

# From kind to kind along the index, however many accounts each has: PostgreSQL has no such plan for DISTINCT.
_NEXT = (
    f"(SELECT {PASSWORD_KIND} FROM accounts WHERE {PASSWORD_KIND} > {{}} ORDER BY {PASSWORD_KIND} LIMIT 1)"  # noqa: S608 - parts of our own
)
_KINDS: Final = text(
    f"WITH RECURSIVE kinds (kind) AS (SELECT {_NEXT.format(repr(''))} UNION ALL"  # noqa: S608
    f" SELECT {_NEXT.format('kinds.kind')} FROM kinds WHERE kinds.kind IS NOT NULL)"
    " SELECT kind FROM kinds WHERE kind IS NOT NULL"
)


def find_password_kinds(session: Session) -> Collection[str]:
    """Returns every kind that some account's hash is of."""
    return session.scalars(_KINDS).all()
