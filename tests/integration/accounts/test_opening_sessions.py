"""Opening a session and ending all: for an account that may sign in, and never for what was true a moment ago."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import psycopg2
import pytest
from sqlalchemy import text

from auth_service.db.sessions import touch
from auth_service.db.transactions import Transactions
from auth_service.domain.session import MAX_OPEN_SESSIONS, Client, Lifetimes, Method, SessionEnd
from auth_service.flows.account_letters import AccountLetters
from auth_service.flows.letter_writer import LetterWriter
from auth_service.flows.sessions import Grant, Sessions
from auth_service.security.access_tokens import AccessTokens, Bearer
from auth_service.security.token_keys import TokenKeys
from service_runtime.database.engine import build_engine, build_sessions
from support.auth_api import api_settings
from support.database import Database
from support.eventually import eventually
from support.tokens import TOKEN_KEYS

OLD = "old"
URL = "https://accounts.example.com"


@pytest.fixture
def sessions(auth_database: Database) -> Sessions:
    engine = build_engine(auth_database.url, application="test", connections=4)
    settings = api_settings(auth_database.url)
    writer = LetterWriter(sealer=settings.sealer(), keyed_hash=settings.keyed_hash(), public_url=URL)
    return Sessions(
        transactions=Transactions(build_sessions(engine)),
        tokens=AccessTokens(
            keys=TokenKeys.from_json(TOKEN_KEYS), issuer=URL, audience=URL, lifetime=timedelta(minutes=15)
        ),
        keyed_hash=settings.keyed_hash(),
        letters=AccountLetters(writer=writer, sign_in_url=URL),
        lifetimes=Lifetimes(idle=timedelta(days=14), absolute=timedelta(days=90)),
    )


@pytest.fixture
def account(auth_database: Database) -> UUID:
    id_ = uuid4()
    with (
        closing(psycopg2.connect(auth_database.url)) as connection,
        connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(
            "INSERT INTO accounts (id, email, canonical_email, password_hash, locale, verified_at)"
            " VALUES (%s, 'a@example.com', 'a@example.com', 'old', 'en', now())",
            (str(id_),),
        )
    return id_


def open_one(sessions: Sessions, account: UUID, password_hash: str | None = OLD) -> Grant | None:
    with sessions.transactions.begin() as session:
        client = Client(device="Firefox on Linux", source="192.0.2.1", client_id="shop")
        return sessions.open(
            session, account, amr=[Method.PASSWORD], client=client, password_hash=password_hash
        )


def read(sessions: Sessions, grant: Grant) -> Bearer:
    return sessions.tokens.read(sessions.tokens.decode(grant.access.token), now=datetime.now(UTC))


def open_ids(sessions: Sessions) -> set[UUID]:
    with sessions.transactions.begin() as session:
        return set(session.scalars(text("SELECT id FROM sessions WHERE ended_at IS NULL")))


def test_a_session_is_opened_with_all_that_is_known_of_it(sessions: Sessions, account: UUID) -> None:
    grant = open_one(sessions, account)
    assert grant is not None
    assert (grant.access.seconds, grant.refresh_seconds) == (900, 14 * 86400)
    bearer = read(sessions, grant)
    assert (bearer.account_id, bearer.session_id) == (account, grant.session_id)
    with sessions.transactions.begin() as session:
        kept = session.execute(text("SELECT device, source, client_id, amr FROM sessions")).one()
        told = session.execute(text("SELECT actor, action, target, result FROM audit_events")).one()
    assert tuple(kept) == ("Firefox on Linux", "192.0.2.1", "shop", ["pwd"])
    assert tuple(told) == (f"account:{account}", "sign_in", str(account), "done")


def test_whoever_proved_who_they_are_earlier_keeps_that_time(sessions: Sessions, account: UUID) -> None:
    earlier = datetime(2026, 1, 1, tzinfo=UTC)
    with sessions.transactions.begin() as session:
        grant = sessions.open(session, account, amr=[Method.LINK_OR_CODE], client=Client(), auth_time=earlier)
    assert grant is not None
    assert read(sessions, grant).auth_time == earlier


def test_none_is_opened_for_an_account_that_is_gone_disabled_or_has_another_password(
    sessions: Sessions, account: UUID
) -> None:
    assert open_one(sessions, uuid4()) is None
    assert open_one(sessions, account, password_hash="newer") is None
    assert open_one(sessions, account, password_hash=None) is not None
    with sessions.transactions.begin() as session:
        session.execute(text("UPDATE accounts SET disabled_at = now()"))
    assert open_one(sessions, account) is None


def test_all_sessions_of_an_account_are_ended_but_perhaps_one(sessions: Sessions, account: UUID) -> None:
    opened = [grant.session_id for _ in range(3) if (grant := open_one(sessions, account))]
    with sessions.transactions.begin() as session:
        assert sessions.end_all(session, account, SessionEnd.REVOKED, but=opened[0]) == 2
    assert open_ids(sessions) == {opened[0]}
    with sessions.transactions.begin() as session:
        assert sessions.end_all(session, account, SessionEnd.PASSWORD_RESET) == 1
        assert sessions.end_all(session, account, SessionEnd.PASSWORD_RESET) == 0
    assert open_ids(sessions) == set()


def test_the_oldest_sessions_end_where_an_account_has_more_than_may_be_open(
    sessions: Sessions, account: UUID
) -> None:
    with sessions.transactions.begin() as session:
        session.execute(
            text(
                "INSERT INTO sessions (id, account_id, client_id, amr, auth_time, created_at, idle_until, expires_at)"
                " SELECT gen_random_uuid(), :account, 'x', '{pwd}', now(), now() - n * interval '1 hour',"
                " now() + interval '1 day', now() + interval '1 day' FROM generate_series(1, :many) n"
            ),
            {"account": account, "many": MAX_OPEN_SESSIONS + 1},
        )
        oldest = set(session.scalars(text("SELECT id FROM sessions ORDER BY created_at LIMIT 2")))
    before = open_ids(sessions)
    grant = open_one(sessions, account)
    assert grant is not None
    assert open_ids(sessions) == before - oldest | {grant.session_id}
    assert len(open_ids(sessions)) == MAX_OPEN_SESSIONS
    with sessions.transactions.begin() as session:
        assert session.scalars(
            text("SELECT DISTINCT ended_for FROM sessions WHERE ended_for <> ''")
        ).all() == ["outnumbered"]
        assert session.scalars(
            text("SELECT actor FROM audit_events WHERE action = 'session_revoke'")
        ).all() == ["system"]


def test_a_session_that_ended_a_moment_ago_is_not_kept_alive_by_a_use(
    sessions: Sessions, account: UUID
) -> None:
    grant = open_one(sessions, account)
    assert grant is not None
    with sessions.transactions.begin() as session:
        sessions.end_all(session, account, SessionEnd.REVOKED)
    with sessions.transactions.begin() as session:
        assert touch(session, grant.session_id, lifetimes=sessions.lifetimes, source="192.0.2.9") is None
        assert session.scalars(text("SELECT source FROM sessions")).one() == "192.0.2.1"


def test_who_signs_in_shares_the_account_with_nobody_so_that_a_disable_has_its_turn(
    sessions: Sessions, account: UUID, auth_database: Database
) -> None:
    with sessions.transactions.begin() as session:
        assert sessions.open(session, account, amr=[Method.PASSWORD], client=Client(), password_hash=OLD)
        with (
            closing(psycopg2.connect(auth_database.url)) as other,
            other.cursor() as cursor,
            pytest.raises(psycopg2.errors.LockNotAvailable),
        ):
            cursor.execute("SELECT id FROM accounts FOR SHARE NOWAIT")


def letters(sessions: Sessions) -> int:
    with sessions.transactions.begin() as session:
        return int(session.scalars(text("SELECT count(*) FROM letters")).one())


def test_a_device_that_says_nothing_of_itself_is_known_in_its_network_only(
    sessions: Sessions, account: UUID
) -> None:
    home, away = "192.0.2.1", "198.51.100.1"
    for device, source, told in (
        ("", home, 0),
        ("", home, 0),
        ("", away, 1),
        ("Firefox on Linux", home, 2),
        ("Firefox on Linux", away, 2),
        ("", away, 2),
    ):
        client = Client(device=device, source=source)
        with sessions.transactions.begin() as session:
            assert sessions.open(session, account, amr=[Method.PASSWORD], client=client)
        assert letters(sessions) == told


CHANGES = ("password_hash = 'newer'", "disabled_at = now()")


@pytest.mark.parametrize("change", CHANGES)
def test_who_signs_in_while_that_is_changed_is_refused_when_it_is(
    sessions: Sessions, account: UUID, auth_database: Database, change: str
) -> None:
    with closing(psycopg2.connect(auth_database.url)) as other, other.cursor() as cursor:
        cursor.execute(f"UPDATE accounts SET {change}")
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(open_one, sessions, account)
            with closing(psycopg2.connect(auth_database.url)) as looking, looking.cursor() as look:
                looking.autocommit = True

                def somebody_waits() -> bool:
                    look.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
                    return bool(look.fetchall()[0][0])

                eventually(somebody_waits)
            other.commit()
            assert waiting.result() is None
    assert open_ids(sessions) == set()
