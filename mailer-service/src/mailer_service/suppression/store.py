"""The table of suppressions, for the operator; letters are checked against it by the ledger's claim."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine

from mailer_service.db import suppression_statements as statements
from mailer_service.db.interventions import SuppressionAction
from mailer_service.db.tables import Scope
from mailer_service.errors import LedgerUnavailable
from mailer_service.suppression.recipient_hashes import tag_of
from service_runtime.database.engine import translated


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSuppression:
    """Somebody said that letters are in vain there.

    Attributes:
        key: keyed hash of the recipient or the domain.
        scope: which of them.
        reason: token of the reply that said so, or a person's word.
        lifetime: for how long; None until a person removes it.
        needed: how often it must be said before it holds.
    """

    key: bytes
    scope: Scope
    reason: str
    lifetime: timedelta | None = None
    needed: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """One row, as an operator sees it.

    Attributes:
        tag: beginning of its key, hexadecimal.
        scope: whom it keeps letters from.
        reason: why.
        since: when it was first said.
        expires_at: until when it holds, or counts; None until a person removes it.
        times, needed: how often it was said; how often it must be.
    """

    tag: str
    scope: Scope
    reason: str
    since: datetime
    expires_at: datetime | None
    times: int
    needed: int

    @property
    def holds(self) -> bool:
        """Whether letters are kept back already."""
        return self.times >= self.needed


@dataclass(frozen=True, slots=True, kw_only=True)
class SuppressionAct:
    """What an operator did to one; the attributes are those of `SuppressionActionRow`, and a tag for the key."""

    at: datetime
    actor: str
    action: SuppressionAction
    tag: str
    scope: Scope
    reason: str


class SuppressionStore:
    """Reads and writes suppressions; expired ones are neither shown nor kept. Every method raises LedgerUnavailable."""

    def __init__(self, engine: Engine, *, actor: str) -> None:
        """Takes the ledger's engine, and who is written down for what is added and removed."""
        self._engine = engine
        self._actor = actor

    def listing(self, *hashes: bytes) -> list[Suppression]:
        """Returns all entries, or those with one of the keys, oldest first."""
        with self._connection() as connection:
            rows = connection.execute(statements.LIST, {"keys": list(hashes), "all": not hashes})
            return [_suppression(row) for row in rows]

    def add(self, new: NewSuppression) -> Suppression:
        """Writes one, in place of what was said before, and returns it."""
        with self._connection() as connection:
            connection.execute(statements.SWEEP)
            row = connection.execute(
                statements.PUT,
                {
                    "key": new.key,
                    "scope": new.scope.value,
                    "reason": new.reason,
                    "lifetime": new.lifetime,
                    "needed": new.needed,
                    "actor": self._actor,
                },
            ).one()
            return _suppression(row)

    def remove(self, key: bytes) -> bool:
        """Takes one away; tells whether it was there."""
        with self._connection() as connection:
            connection.execute(statements.SWEEP)
            return self._remove(connection, key)

    def remove_for(self, reason: str, *, age: timedelta | None = None) -> int:
        """Takes away all with a reason, or those first said within an age; returns how many.

        A server that was wrong for an hour has suppressed everybody who was written to in that hour.
        """
        with self._connection() as connection:
            connection.execute(statements.SWEEP)
            values = {"reason": reason, "age": age, "actor": self._actor}
            return connection.execute(statements.REMOVE_FOR_A_REASON, values).rowcount

    def remove_tagged(self, tag: str) -> int:
        """Takes away those whose tag begins like this, unless it is more than one; returns how many there were."""
        with self._connection() as connection:
            connection.execute(statements.SWEEP)
            found = connection.execute(statements.TAGGED, {"tag": f"{tag}%"}).scalars().all()
            if len(found) == 1:
                self._remove(connection, found[0])
            return len(found)

    def actions(self, *hashes: bytes, limit: int) -> list[SuppressionAct]:
        """Returns what operators did to all, or to those with one of the keys, the newest last."""
        values = {"keys": list(hashes), "all": not hashes, "at_most": limit}
        with self._connection() as connection:
            rows = connection.execute(statements.ACTIONS, values).all()
        return [
            SuppressionAct(
                at=row.at,
                actor=row.actor,
                action=SuppressionAction(row.action),
                tag=tag_of(row.key),
                scope=Scope(row.scope),
                reason=row.reason,
            )
            for row in reversed(rows)
        ]

    def _remove(self, connection: Connection, key: bytes) -> bool:
        return connection.execute(statements.REMOVE, {"key": key, "actor": self._actor}).rowcount > 0

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        with translated(LedgerUnavailable), self._engine.connect() as connection:
            yield connection


def _suppression(row: Any) -> Suppression:
    return Suppression(
        tag=tag_of(row.key),
        scope=Scope(row.scope),
        reason=row.reason,
        since=row.since,
        expires_at=row.expires_at,
        times=row.times,
        needed=row.needed,
    )
