"""A letter of which the broker lost every trace ends: noticed after its expiry, and renewed while that makes sense."""

from contextlib import closing
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg2
import pytest

from auth_service.db.reports import Recorded, record_report
from auth_service.db.tables import OutboxKind
from auth_service.domain.delivery import DeliveryState
from auth_service.outbox.lost import GRACE, LOST, end_lost_letters
from mail_contract.messages import Cancellation, ReportedState
from support.database import Database
from support.outbox import Outbox, report

OVERDUE = GRACE + timedelta(seconds=1)


@pytest.fixture
def outbox(auth_database: Database) -> Outbox:
    return Outbox.at(auth_database.url)


class Letters:
    def __init__(self, database: Database, outbox: Outbox) -> None:
        self._url, self._outbox = database.admin_url, outbox

    def ask(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with closing(psycopg2.connect(self._url)) as connection, connection, connection.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    def lost(self, state: DeliveryState, *, overdue: timedelta = OVERDUE) -> UUID:
        """A letter that left the outbox, of which no more is heard."""
        (letter,) = self._outbox.commit(state=state)
        self.ask("DELETE FROM outbox WHERE letter_id = %s", str(letter))
        self.ask(
            "UPDATE letters SET created_at = now() - interval '2 days', expires_at = now() - %s WHERE id = %s",
            overdue,
            str(letter),
        )
        return letter

    def state(self, letter: UUID) -> tuple[str, bool]:
        ((state, due),) = self.ask("SELECT state, renewal_due FROM letters WHERE id = %s", str(letter))
        return state, due


@pytest.fixture
def letters(auth_database: Database, outbox: Outbox) -> Letters:
    return Letters(auth_database, outbox)


def end(outbox: Outbox, *, limit: int = 100) -> int:
    with outbox.sessions.begin() as session:
        return end_lost_letters(session, limit=limit)


@pytest.mark.parametrize("state", [DeliveryState.ACCEPTED, DeliveryState.QUEUED, DeliveryState.DEFERRED])
def test_a_letter_not_heard_of_expires_and_a_fresh_one_is_due(
    outbox: Outbox, letters: Letters, state: DeliveryState
) -> None:
    letter = letters.lost(state)
    assert end(outbox) == 1
    assert letters.state(letter) == ("expired", True)
    assert outbox.timeline(letter)[-1] == "expired"
    assert letters.ask("SELECT detail FROM letter_events WHERE state = 'expired'") == [(LOST,)]
    assert end(outbox) == 0


def test_the_mailer_is_told_to_forget_it(outbox: Outbox, letters: Letters) -> None:
    letter = letters.lost(DeliveryState.DEFERRED)
    end(outbox)
    (row,) = outbox.rows()
    assert row.kind == OutboxKind.CANCELLATION
    assert Cancellation.model_validate(row.payload).letter_id == letter


def test_a_withdrawn_one_is_not_renewed(outbox: Outbox, letters: Letters) -> None:
    letter = letters.lost(DeliveryState.QUEUED)
    letters.ask("UPDATE letters SET withdrawn_at = now(), withdrawn_for = 'superseded'")
    assert end(outbox) == 1
    assert letters.state(letter) == ("superseded", False)


@pytest.mark.parametrize("change", ["letter = 'terms_changed'", "renewal = 2, renewal_of = id"])
def test_what_may_have_no_further_letter_only_ends(outbox: Outbox, letters: Letters, change: str) -> None:
    letter = letters.lost(DeliveryState.QUEUED)
    letters.ask(f"UPDATE letters SET {change}")
    assert end(outbox) == 1
    assert letters.state(letter) == ("expired", False)


def test_those_that_may_still_be_heard_of_are_left_alone(outbox: Outbox, letters: Letters) -> None:
    slow = letters.lost(DeliveryState.DEFERRED, overdue=GRACE - timedelta(minutes=1))
    ended = {letters.lost(DeliveryState(state)) for state in ("sent", "failed", "expired", "superseded")}
    waits = letters.lost(DeliveryState.QUEUED)
    outbox.cancel(waits)
    before = {letter: letters.state(letter) for letter in (slow, waits, *ended)}
    assert end(outbox) == 0
    assert {letter: letters.state(letter) for letter in before} == before


def test_a_late_word_of_a_mailer_that_was_only_slow_changes_nothing(outbox: Outbox, letters: Letters) -> None:
    letter = letters.lost(DeliveryState.DEFERRED)
    end(outbox)
    for state in ReportedState:
        with outbox.sessions.begin() as session:
            assert record_report(session, report(letter, state)) is Recorded.LATE
    assert letters.state(letter) == ("expired", True)


def test_many_are_ended_a_few_at_a_time_and_by_two_at_once(outbox: Outbox, letters: Letters) -> None:
    for _ in range(5):
        letters.lost(DeliveryState.QUEUED)
    with outbox.sessions.begin() as one, outbox.sessions.begin() as another:
        assert (end_lost_letters(one, limit=3), end_lost_letters(another, limit=100)) == (3, 2)
    assert end(outbox) == 0
    assert outbox.size() == 5
