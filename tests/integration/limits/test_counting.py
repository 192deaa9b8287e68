"""The counting of limits: exact whatever happens at once, by the database's clock, and never a lasting lock."""

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from datetime import timedelta

import psycopg2
import pytest
from sqlalchemy.orm import Session, sessionmaker

from auth_service.db.limits import admit, purge_limits, take_back
from auth_service.domain.limit import Bucket, Limit, parse_limit
from service_runtime.database.engine import build_engine, build_sessions
from support.database import Database
from support.limit_burst import burst

KEY = bytes(32)


@pytest.fixture
def sessions(auth_database: Database) -> Iterator[sessionmaker[Session]]:
    engine = build_engine(auth_database.url, application="test", connections=10)
    yield build_sessions(engine)
    engine.dispose()


def ask(sessions: sessionmaker[Session], limit: Limit, *, key: bytes = KEY) -> bool:
    with sessions.begin() as session:
        return admit(session, key, limit).admitted


def later(database: Database, by: timedelta) -> None:
    """Let so much time pass for everything that was counted."""
    with closing(psycopg2.connect(database.url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(
            "UPDATE limits SET admitted = ARRAY(SELECT at - %s FROM unnest(admitted) WITH ORDINALITY AS u(at, n) ORDER BY n)",
            (by,),
        )


@pytest.mark.parametrize("allowed", [1, 7, 49])
def test_of_fifty_at_once_from_two_processes_exactly_as_many_are_admitted_as_the_limit_says(
    auth_database: Database, allowed: int
) -> None:
    limit = Limit(buckets=(Bucket(count=allowed, period=timedelta(hours=1)),))
    quick = multiprocessing.get_context("forkserver")  # the nursery's, which has loaded the code
    with ProcessPoolExecutor(2, mp_context=quick) as pool:
        admitted = list(pool.map(burst, [auth_database.url] * 2, [limit] * 2, [KEY] * 2, [25] * 2))
    assert sum(admitted) == allowed


def test_every_bucket_must_have_room_and_time_makes_it(
    auth_database: Database, sessions: sessionmaker[Session]
) -> None:
    limit = parse_limit("1/minute 3/hour 4/day")
    minute, hour, day = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
    assert [ask(sessions, limit) for _ in range(2)] == [True, False]
    for _ in range(2):
        later(auth_database, minute)
        assert [ask(sessions, limit) for _ in range(2)] == [True, False]
    later(auth_database, minute)
    assert not ask(sessions, limit), "three in the hour"
    later(auth_database, hour - 3 * minute)
    assert [ask(sessions, limit) for _ in range(2)] == [True, False]
    later(auth_database, hour)
    assert not ask(sessions, limit), "four in the day"
    later(auth_database, day - 2 * hour)
    assert ask(sessions, limit)


def test_the_answer_is_when_the_next_request_would_be_admitted(sessions: sessionmaker[Session]) -> None:
    limit = parse_limit("2/minute")
    with sessions.begin() as session:
        answers = [admit(session, KEY, limit) for _ in range(3)]
    assert [answer.admitted for answer in answers] == [True, True, False]
    assert answers[0].seconds == 0
    assert 59 < answers[1].seconds <= 60
    assert 59 < answers[2].seconds <= answers[1].seconds


def test_refused_requests_extend_nothing(auth_database: Database, sessions: sessionmaker[Session]) -> None:
    limit = parse_limit("1/minute")
    assert ask(sessions, limit)
    later(auth_database, timedelta(seconds=59))
    assert not any(ask(sessions, limit) for _ in range(20))
    later(auth_database, timedelta(seconds=1))
    assert ask(sessions, limit)


def test_what_is_rolled_back_was_not_counted(sessions: sessionmaker[Session]) -> None:
    limit = parse_limit("1/day")
    with sessions() as session:
        assert admit(session, KEY, limit).admitted
        session.rollback()
    assert ask(sessions, limit)
    assert not ask(sessions, limit)


def test_what_is_taken_back_was_not_counted(sessions: sessionmaker[Session]) -> None:
    limit = parse_limit("2/day")
    assert ask(sessions, limit)
    for _ in range(3):
        with sessions.begin() as session:
            assert admit(session, KEY, limit).admitted
            take_back(session, KEY)
    assert [ask(sessions, limit) for _ in range(2)] == [True, False]


def test_a_limit_that_is_off_asks_and_writes_nothing(sessions: sessionmaker[Session]) -> None:
    assert all(ask(sessions, Limit()) for _ in range(3))
    with sessions.begin() as session:
        assert session.connection().exec_driver_sql("SELECT count(*) FROM limits").scalar() == 0


def test_no_more_times_are_kept_than_the_largest_bucket_needs(sessions: sessionmaker[Session]) -> None:
    wide, narrow = parse_limit("1000/second"), parse_limit("3/second")
    for _ in range(5):
        ask(sessions, wide)
    with sessions.begin() as session:
        kept = "SELECT cardinality(admitted) FROM limits"
        assert session.connection().exec_driver_sql(kept).scalar() == 5
    assert not ask(sessions, narrow)
    with sessions.begin() as session:
        session.connection().exec_driver_sql(
            "UPDATE limits SET admitted = ARRAY[now() - interval '1 hour', now() - interval '1 hour', now() - interval '1 hour', now() - interval '1 hour']"
        )
    assert ask(sessions, narrow)
    with sessions.begin() as session:
        assert session.connection().exec_driver_sql(kept).scalar() == 3


def test_what_was_long_idle_is_purged_and_nothing_else(
    auth_database: Database, sessions: sessionmaker[Session]
) -> None:
    for number in range(3):
        ask(sessions, parse_limit("5/day"), key=bytes([number]) * 32)
    with sessions.begin() as session:
        take_back(session, bytes(32))
    later(auth_database, timedelta(days=1))
    ask(sessions, parse_limit("5/day"), key=bytes([2]) * 32)
    with sessions.begin() as session:
        assert purge_limits(session, limit=1) == 1
        assert purge_limits(session, limit=10) == 1
        assert purge_limits(session, limit=10) == 0
    assert not ask(sessions, parse_limit("1/day"), key=bytes([2]) * 32)
