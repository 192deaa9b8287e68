"""The ledger for operators: it lets dead letters go or ends them, and lets one person work at a time.

Whoever walks the dead letters holds them all in hand, and a second walker would see too few: so there is a lock, an
advisory one, held by the session that every statement here goes through. A session that is lost takes its lock along and
its walker fails at the next statement.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from types import TracebackType
from typing import Any, Self, TypeAlias, cast
from uuid import UUID

from sqlalchemy import Engine, TextClause, func, select

from mailer_service.db import dead_statements, operator_statements, suppression_statements
from mailer_service.db.tables import LetterState
from mailer_service.errors import LedgerUnavailable
from mailer_service.suppression.recipient_hashes import TAG_DIGITS
from service_runtime.database.engine import translated

DROPPED = "dropped"
_ONE_AT_A_TIME = 0x706F7374_64656164
"""Key of the lock; any fixed number that nobody else uses in this database would do."""
_ASK_AGAIN_SECONDS = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterStatus:
    """A letter's row, compared with the envelope at hand.

    Attributes:
        state: its state.
        ours: whether the row is of this very envelope; one that was cancelled before it came is of any.
        in_hand: whether a living replica is working on it.
        withdrawn: whether auth-service cancelled it.
        late: whether it has expired.
        early: whether a mail server may have it, and it must wait before it is sent again.
        attempts: how many there were.
        at: now, by the database.
    """

    state: LetterState
    ours: bool
    in_hand: bool
    withdrawn: bool
    late: bool
    early: bool
    attempts: int
    at: datetime


Letters: TypeAlias = Mapping[UUID, bytes]
"""From a letter's id to the digest of the signature of the envelope at hand."""


class DeadLedger:
    """A session with the lock; a context manager. Every method raises LedgerUnavailable."""

    def __init__(self, engine: Engine, *, actor: str, on_wait: Callable[[], None] = lambda: None) -> None:
        """Args are the engine, in autocommit mode; who is at work; and what to do once if somebody else is."""
        self._engine = engine
        self._actor = actor
        self._on_wait = on_wait

    def __enter__(self) -> Self:
        with translated(LedgerUnavailable):
            self._connection = self._engine.connect()
            lock = select(func.pg_try_advisory_lock(_ONE_AT_A_TIME))
            waited = False
            while not self._connection.scalar(lock):
                if not waited:
                    self._on_wait()
                    waited = True
                time.sleep(_ASK_AGAIN_SECONDS)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Not back into the pool: the lock ends with the session.
        self._connection.invalidate()
        self._connection.close()

    def now(self) -> datetime:
        """Returns the database's time."""
        with translated(LedgerUnavailable):
            return cast("datetime", self._connection.scalar(select(func.now())))

    def look(self, letters: Letters) -> Mapping[UUID, DeadLetterStatus]:
        """Returns where letters stand; those the ledger does not know are missing."""
        rows = self._run(dead_statements.LOOK, letters)
        names = {field.name for field in fields(DeadLetterStatus)} - {"state"}
        return {
            row["id"]: DeadLetterStatus(
                state=LetterState(row["state"]), **{name: row[name] for name in names}
            )
            for row in rows
        }

    def statuses(self, letter_ids: Sequence[UUID]) -> Mapping[UUID, tuple[LetterState, str | None]]:
        """Returns the state of letters and the token of their last outcome; those the ledger does not know are missing."""
        with translated(LedgerUnavailable):
            rows = self._connection.execute(
                dead_statements.STATUSES, {"ids": [str(one) for one in letter_ids]}
            )
            return {row.id: (LetterState(row.state), row.last_reason) for row in rows}

    def suppressed(self, tags: Sequence[str]) -> Mapping[str, str]:
        """Returns which of these tags, of recipients or domains, get no letters at present, and the reason."""
        if not tags:
            return {}
        with translated(LedgerUnavailable):
            rows = self._connection.execute(
                suppression_statements.BY_TAG, {"tags": list(set(tags)), "digits": TAG_DIGITS}
            )
            return {row.tag: row.reason for row in rows}

    def forgotten(self, letter_ids: Iterable[UUID]) -> frozenset[UUID]:
        """Returns those of the letters whose account was deleted."""
        ids = [str(letter_id) for letter_id in letter_ids]
        with translated(LedgerUnavailable):
            return frozenset(self._connection.scalars(dead_statements.FORGOTTEN, {"ids": ids}))

    def revive(self, letters: Letters, *, copies: bool) -> Mapping[UUID, DeadLetterStatus]:
        """Lets those that are dead or suppressed be claimed again, and returns where all of them stand then.

        Args:
            letters: which.
            copies: whether those too that a mail server may have already.
        """
        self._run(dead_statements.REVIVE, letters, actor=self._actor, copies=copies)
        return self.look(letters)

    def hurry(self, letters: Letters) -> None:
        """Notes that letters need not wait any longer."""
        self._run(dead_statements.HURRY, letters, actor=self._actor)

    def note(self, action: str, detail: Mapping[str, Any]) -> None:
        """Writes down what a command did: its name, and on what and how many."""
        with translated(LedgerUnavailable):
            self._connection.execute(
                operator_statements.NOTE,
                {"actor": self._actor, "action": action, "detail": json.dumps(detail, default=str)},
            )

    def drop(self, letters: Letters) -> Mapping[UUID, DeadLetterStatus]:
        """Ends those that nobody works on and that have no end yet, and returns where all of them stand then."""
        self._run(dead_statements.DROP, letters, actor=self._actor, reason=DROPPED)
        return self.look(letters)

    def _run(self, statement: TextClause, letters: Letters, **values: object) -> Sequence[Mapping[str, Any]]:
        if not letters:
            return ()
        with translated(LedgerUnavailable):
            result = self._connection.execute(
                statement,
                {
                    "ids": [str(letter_id) for letter_id in letters],
                    "digests": list(letters.values()),
                    **values,
                },
            )
            return [dict(row) for row in result.mappings()] if result.returns_rows else ()
