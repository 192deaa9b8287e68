"""Reads letters' lives from the ledger's database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Engine

from mailer_service.errors import LedgerUnavailable
from mailer_service.history.record import LetterRecord, PastAttempt, PastIntervention
from mailer_service.store import history_statements
from service_runtime.database.engine import translated


class Archive:
    """A reader of the ledger; writes nothing."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def find(self, letter_ids: Iterable[UUID]) -> Mapping[UUID, LetterRecord]:
        """Returns what is known of these letters; those the ledger does not know are missing.

        Raises:
            LedgerUnavailable: the database does not answer.
        """
        ids = {"ids": [str(letter_id) for letter_id in letter_ids]}
        if not ids["ids"]:
            return {}
        with translated(LedgerUnavailable), self._engine.connect() as connection:
            letters = connection.execute(history_statements.LETTERS, ids).mappings().all()
            attempts = connection.execute(history_statements.ATTEMPTS, ids).mappings().all()
            interventions = connection.execute(history_statements.INTERVENTIONS, ids).mappings().all()
        tried, done = _by_letter(attempts), _by_letter(interventions)
        return {
            row["id"]: LetterRecord(
                **row,
                past_attempts=tuple(PastAttempt(**fields) for fields in tried[row["id"]]),
                past_interventions=tuple(PastIntervention(**fields) for fields in done[row["id"]]),
            )
            for row in letters
        }


def _by_letter(rows: Iterable[Mapping[Any, Any]]) -> Mapping[UUID, list[dict[str, Any]]]:
    found: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        fields = dict(row)
        found[fields.pop("letter_id")].append(fields)
    return found
