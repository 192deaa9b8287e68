"""Claiming, settling and releasing outbox rows: one bearer at a time, whatever happens at the same moment."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import psycopg2
import pytest
from sqlalchemy import text

from auth_service.db.reports import record_report
from auth_service.domain.delivery import DeliveryState
from auth_service.outbox import Origin, enqueue_letter, record_limited, withdraw_letters
from auth_service.outbox.claim import claim
from auth_service.outbox.release import hand_back, measure_backlog, release_failed
from auth_service.outbox.settle import settle_expired, settle_published
from mail_contract.letters import LetterClass
from mail_contract.messages import Cancellation, CancellationReason, Envelope, ReportedState
from support.database import Database
from support.outbox import Outbox, envelope, report

MINUTE = timedelta(minutes=1)


DECOY = Origin(registration_id=None, account_id=None, receipt_hash=bytes(32), receipt_tells=False)


@pytest.fixture
def outbox(auth_database: Database) -> Outbox:
    return Outbox.at(auth_database.url)


def take(outbox: Outbox, *, limit: int = 100, lease: timedelta = MINUTE) -> tuple[UUID, list[UUID]]:
    token = uuid4()
    with outbox.sessions.begin() as session:
        return token, [row.id for row in claim(session, token=token, limit=limit, lease=lease)]


def test_a_letter_is_in_the_outbox_only_if_its_request_was_committed(outbox: Outbox) -> None:
    sealed = envelope()
    with outbox.sessions() as session:
        enqueue_letter(session, sealed, DECOY)
        session.rollback()
    assert outbox.is_empty()


def test_a_limited_letter_is_written_down_with_its_event_and_never_leaves(outbox: Outbox) -> None:
    sealed = envelope()
    with outbox.sessions.begin() as session:
        record_limited(session, sealed, DECOY)
    assert outbox.is_empty()
    assert outbox.states() == {DeliveryState.LIMITED: 1}
    assert outbox.timeline(sealed.header.id) == [DeliveryState.LIMITED]


def test_a_letter_its_first_event_and_its_row_are_written_together(outbox: Outbox) -> None:
    sealed = envelope()
    with outbox.sessions.begin() as session:
        enqueue_letter(session, sealed, DECOY)
    (row,) = outbox.rows()
    assert (row.id, row.letter_id, row.kind) == (sealed.header.id, sealed.header.id, "letter")
    assert Envelope.model_validate(row.payload) == sealed
    assert outbox.timeline(sealed.header.id) == [DeliveryState.ACCEPTED]


def test_what_is_still_on_its_way_is_withdrawn_by_one_cancellation_each(outbox: Outbox) -> None:
    underway = outbox.commit(2)
    outbox.commit(1, state=DeliveryState.SENT)
    registration = outbox.hang_on_registration()
    outbox.commit(1)
    at = datetime.now(UTC)
    for _ in range(2):
        with outbox.sessions.begin() as session:
            withdraw_letters(session, [registration], CancellationReason.SUPERSEDED, at=at)
            withdraw_letters(session, [], CancellationReason.SUPERSEDED, at=at)
    cancellations = [row for row in outbox.rows() if row.kind == "cancellation"]
    assert {row.letter_id for row in cancellations} == set(underway)
    for row in cancellations:
        assert Cancellation.model_validate(row.payload) == Cancellation(
            letter_id=row.letter_id, reason=CancellationReason.SUPERSEDED, at=at
        )


def test_rows_leave_by_class_and_the_older_first(outbox: Outbox) -> None:
    bulk = outbox.commit(1, LetterClass.BULK)
    standard = outbox.commit(1, LetterClass.STANDARD)
    urgent = [outbox.commit(1)[0] for _ in range(3)]
    cancellation = outbox.cancel(bulk[0])

    assert take(outbox)[1] == [cancellation, *urgent, *standard, *bulk]


def test_a_claimed_row_is_offered_to_nobody_else_before_its_lease_ends(outbox: Outbox) -> None:
    letters = outbox.commit(2)
    take(outbox, lease=timedelta(milliseconds=-1))

    assert set(take(outbox)[1]) == set(letters), "the first lease is over"
    assert take(outbox)[1] == []


def test_many_claiming_at_once_get_each_row_once(outbox: Outbox) -> None:
    letters = outbox.commit(200)
    with ThreadPoolExecutor(4) as threads:
        claims = list(threads.map(lambda _: take(outbox, limit=10)[1], range(24)))

    assert all(len(claimed) <= 10 for claimed in claims)
    while rest := take(outbox)[1]:
        claims.append(rest)
    assert sorted(id_ for claimed in claims for id_ in claimed) == sorted(letters)


def test_who_lost_the_lease_settles_nothing_and_releases_nothing(outbox: Outbox) -> None:
    letters = outbox.commit(2)
    late, _ = take(outbox, lease=timedelta(milliseconds=-1))
    current, _ = take(outbox)

    with outbox.sessions.begin() as session:
        assert settle_published(session, token=late, ids=letters) == 0
        release_failed(session, token=late, failures=dict.fromkeys(letters, "late"))
        hand_back(session, token=late, ids=letters)

    assert {row.claimed_by for row in outbox.rows()} == {current}
    assert outbox.states() == {DeliveryState.ACCEPTED: 2}


def test_a_settled_letter_is_queued_and_its_row_is_gone(outbox: Outbox) -> None:
    (letter,) = outbox.commit()
    token, ids = take(outbox)
    with outbox.sessions.begin() as session:
        assert settle_published(session, token=token, ids=ids) == 1
    assert outbox.is_empty()
    assert outbox.timeline(letter) == [DeliveryState.ACCEPTED, DeliveryState.QUEUED]


def test_a_report_that_came_before_the_row_was_settled_has_the_last_word(outbox: Outbox) -> None:
    (letter,) = outbox.commit()
    token, ids = take(outbox)
    with outbox.sessions.begin() as session:
        record_report(session, report(letter, ReportedState.SENT))

    with outbox.sessions.begin() as session:
        settle_published(session, token=token, ids=ids)

    assert outbox.is_empty()
    assert outbox.states() == {DeliveryState.SENT: 1}
    assert outbox.timeline(letter) == [DeliveryState.ACCEPTED, DeliveryState.SENT]


def test_settling_a_cancellation_leaves_its_letter_alone(outbox: Outbox) -> None:
    (letter,) = outbox.commit()
    outbox.cancel(letter)
    token, (cancellation,) = take(outbox, limit=1)
    with outbox.sessions.begin() as session:
        settle_published(session, token=token, ids=[cancellation])
    assert outbox.states() == {DeliveryState.ACCEPTED: 1}
    assert outbox.size() == 1


def test_claiming_tells_expired_letters_and_those_reported_on_from_those_to_publish(outbox: Outbox) -> None:
    (fresh,) = outbox.commit()
    (expired,) = outbox.commit(lifetime=timedelta(seconds=-1))
    (reported,) = outbox.commit(state=DeliveryState.DEFERRED)
    token = uuid4()
    with outbox.sessions.begin() as session:
        claimed = {row.id: row for row in claim(session, token=token, limit=10, lease=MINUTE)}
        settle_expired(session, token=token, ids=[expired])

    assert (claimed[fresh].pending, claimed[fresh].expired) == (True, False)
    assert claimed[expired].expired
    assert not claimed[reported].pending
    assert outbox.timeline(expired) == [DeliveryState.ACCEPTED, DeliveryState.EXPIRED]


@pytest.mark.parametrize("state", [DeliveryState.QUEUED, DeliveryState.DEFERRED, DeliveryState.FAILED])
def test_a_cancellation_leaves_whatever_its_letter_has_become(outbox: Outbox, state: DeliveryState) -> None:
    (letter,) = outbox.commit(state=state, lifetime=timedelta(seconds=-1))
    cancellation = outbox.cancel(letter)
    with outbox.sessions.begin() as session:
        claimed = {row.id: row for row in claim(session, token=uuid4(), limit=10, lease=MINUTE)}

    assert (claimed[cancellation].pending, claimed[cancellation].expired) == (True, False)


def test_each_failure_makes_a_row_wait_longer_up_to_half_a_minute(
    outbox: Outbox, auth_database: Database
) -> None:
    outbox.commit()
    waits = []
    for _ in range(10):
        with psycopg2.connect(auth_database.url) as connection, connection.cursor() as cursor:
            cursor.execute("UPDATE outbox SET available_at = now()")
        token, ids = take(outbox)
        with outbox.sessions.begin() as session:
            release_failed(session, token=token, failures=dict.fromkeys(ids, "returned 312"))
            waits.append(session.scalar(text("SELECT extract(epoch FROM available_at - now()) FROM outbox")))

    assert [float(wait) for wait in waits if wait] == [0.5, 1, 2, 4, 8, 16, 30, 30, 30, 30]
    (row,) = outbox.rows()
    assert (row.attempts, row.last_error, row.claimed_by) == (10, "returned 312", None)


def test_a_row_given_back_untried_is_available_at_once(outbox: Outbox) -> None:
    letters = outbox.commit(2)
    token, ids = take(outbox)
    with outbox.sessions.begin() as session:
        hand_back(session, token=token, ids=ids)
    assert set(take(outbox)[1]) == set(letters)
    assert {row.attempts for row in outbox.rows()} == {0}


def test_the_backlog_counts_claimed_rows_too(outbox: Outbox) -> None:
    outbox.commit(3)
    take(outbox, limit=1)
    with outbox.sessions() as session:
        backlog = measure_backlog(session)
    assert backlog.rows == 3
    assert 0 <= backlog.oldest_seconds < 60
