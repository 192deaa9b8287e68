"""Which revision the database is at, asked without Alembic: that would double the time an API process takes to start."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from itertools import takewhile

from sqlalchemy import Connection, text
from sqlalchemy.exc import ProgrammingError


@cache
def known_revisions(package: str) -> tuple[str, ...]:
    """Returns the revisions of this release, oldest first: the numbers that its migrations' files begin with.

    Args:
        package: where the migrations are.
    """
    names = (entry.name for entry in files(f"{package}.versions").iterdir())
    return tuple(sorted("".join(takewhile(str.isdigit, name)) for name in names if name[0].isdigit()))


def newer_revision(connection: Connection, package: str) -> str | None:
    """Returns the database's revision if this release does not know it, so that a newer one applied it; else None."""
    if connection.scalar(text("SELECT to_regclass('alembic_version')")) is None:
        return None
    current = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return None if current is None or current in known_revisions(package) else str(current)


def is_migrated(connection: Connection, package: str) -> bool:
    """Says whether this release can work with the database; leaves the transaction failed if there is no revision at all.

    A revision it does not know was applied by a newer release, and migrations expand before they contract: that is fine.
    """
    try:
        current = connection.scalar(text("SELECT version_num FROM alembic_version"))
    except ProgrammingError:
        return False
    return current is not None and (
        current == known_revisions(package)[-1] or current not in known_revisions(package)
    )
