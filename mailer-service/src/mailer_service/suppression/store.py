"""The table of suppressions, for the operator; letters are checked against it by the ledger's claim."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Engine

from mailer_service.errors import LedgerUnavailable
from mailer_service.store import suppression_statements as statements
from mailer_service.store.tables import Scope
from mailer_service.suppression.entry import TAG_DIGITS, NewSuppression, Suppression
from service_runtime.database.engine import translated


class SuppressionStore:
    """Reads and writes suppressions; expired ones are neither shown nor kept. Every method raises LedgerUnavailable."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def listing(self, *hashes: bytes) -> list[Suppression]:
        """Returns all entries, or those with one of the marks, oldest first."""
        with self._connection() as connection:
            rows = connection.execute(statements.LIST, {"marks": list(hashes), "all": not hashes})
            return [_suppression(row) for row in rows]

    def add(self, new: NewSuppression) -> Suppression:
        """Writes one, in place of what was said before, and returns it."""
        with self._connection() as connection:
            connection.execute(statements.SWEEP)
            row = connection.execute(
                statements.PUT,
                {
                    "key": new.mark,
                    "scope": new.scope.value,
                    "reason": new.reason,
                    "lifetime": new.lifetime,
                    "needed": new.needed,
                },
            ).one()
            return _suppression(row)

    def remove(self, mark: bytes) -> bool:
        """Takes one away; tells whether it was there."""
        with self._connection() as connection:
            connection.execute(statements.SWEEP)
            return connection.execute(statements.REMOVE, {"key": mark}).rowcount > 0

    def remove_for(self, reason: str, *, age: timedelta | None = None) -> int:
        """Takes away all with a reason, or those first said within an age; returns how many.

        A server that was wrong for an hour has suppressed everybody who was written to in that hour.
        """
        with self._connection() as connection:
            connection.execute(statements.SWEEP)
            return connection.execute(statements.REMOVE_FOR_A_REASON, {"reason": reason, "age": age}).rowcount

    def remove_tagged(self, tag: str) -> int:
        """Takes away those whose tag begins like this, unless it is more than one; returns how many there were."""
        with self._connection() as connection:
            connection.execute(statements.SWEEP)
            found = connection.execute(statements.TAGGED, {"tag": f"{tag}%"}).scalars().all()
            if len(found) == 1:
                connection.execute(statements.REMOVE, {"key": found[0]})
            return len(found)

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        with translated(LedgerUnavailable), self._engine.connect() as connection:
            yield connection


def _suppression(row: Any) -> Suppression:
    return Suppression(
        tag=bytes(row.key).hex()[:TAG_DIGITS],
        scope=Scope(row.scope),
        reason=row.reason,
        since=row.since,
        expires_at=row.expires_at,
        times=row.times,
        needed=row.needed,
    )
