"""Scheduled work: what it deletes, what it leaves, and how it gets from beat to the worker."""

import shelve
from collections.abc import Callable
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg2
import pytest
from celery.beat import PersistentScheduler

from auth_service.db.transactions import Transactions
from auth_service.domain.delivery import DeliveryState
from auth_service.maintenance.purge import (
    purge_audit,
    purge_codes,
    purge_email_changes,
    purge_letters,
    purge_refresh_tokens,
    purge_refusals,
    purge_registrations,
    purge_sessions,
    purge_tokens,
)
from auth_service.maintenance.schedule import build_schedule
from auth_service.maintenance.tasks import BATCH_ROWS, PURGES, register_maintenance_tasks
from auth_service.outbox.claim import claim
from auth_service.outbox.settle import settle_expired
from auth_service.worker_status import WorkerStatus
from mail_contract.tasks import (
    END_HOLDS,
    END_LOST_LETTERS,
    REMIND_REGISTRATIONS,
    RENEW_LETTERS,
    SCHEDULED_TASKS,
)
from mail_contract.topology import AUTH_MAINTENANCE
from service_runtime.celery.app import build_app
from service_runtime.database.engine import build_engine, build_sessions
from support.auth_api import WRITER_SETTINGS
from support.auth_process import auth_process
from support.broker import VirtualHost
from support.database import Database
from support.eventually import eventually
from support.infra import Infra
from support.outbox import Outbox
from support.probes import figures, free_listen, is_ready

DAY = timedelta(days=1)


@pytest.fixture
def outbox(auth_database: Database) -> Outbox:
    return Outbox.at(auth_database.url)


class Rows:
    """Rows of any age."""

    def __init__(self, url: str) -> None:
        self._url = url

    def registration(self, *, age: timedelta, ended_for: str | None = None) -> UUID:
        id_ = uuid4()
        self._execute(
            "INSERT INTO registrations (id, email, canonical_email, recipient_tag, password_hash, locale, secret_hash,"
            " refusal_hash, created_at, ended_at, ended_for, confirmed_with)"
            " VALUES (%s, 'a@example.com', 'a@example.com', 'tag', 'hash', 'en', %s, %s, now() - %s,"
            " CASE WHEN %s THEN now() END, %s, CASE WHEN %s THEN 'password' END)",
            (
                str(id_),
                id_.bytes * 2,
                id_.bytes * 2,
                age,
                ended_for is not None,
                ended_for,
                ended_for == "confirmed",
            ),
        )
        return id_

    def token(self, registration: UUID | None, *, age: timedelta, used: bool = False) -> UUID:
        id_ = uuid4()
        self._execute(
            "INSERT INTO one_time_tokens (id, registration_id, purpose, link_hash, code_hash,"
            " created_at, expires_at, used_at, voided_at)"
            " VALUES (%s, %s, 'verify_address', %s, %s, now() - %s, now() - %s + interval '1 day',"
            " CASE WHEN %s THEN now() END, CASE WHEN %s THEN now() END)",
            (
                str(id_),
                registration and str(registration),
                id_.bytes * 2,
                b"c" * 32,
                age,
                age,
                used,
                registration is None,
            ),
        )
        return id_

    def confirm(self, registration: UUID) -> None:
        self._execute(
            "UPDATE registrations SET ended_at = now(), ended_for = 'confirmed', confirmed_with = 'password'"
            " WHERE id = %s",
            (str(registration),),
        )

    def refused(self, tag: str, *, since: timedelta, left: timedelta) -> None:
        self._execute(
            "INSERT INTO refused_mailboxes (recipient_tag, refused_at, until) VALUES (%s, now() - %s, now() + %s)",
            (tag, since, left),
        )

    def renew(self, letter: UUID, *, by: UUID) -> None:
        self._execute(
            "UPDATE letters SET receipt_hash = NULL, renewal_of = %s, renewal = 1 WHERE id = %s",
            (str(letter), str(by)),
        )

    def account(self) -> UUID:
        id_ = uuid4()
        self._execute(
            "INSERT INTO accounts (id, email, canonical_email, locale, verified_at)"
            " VALUES (%s, 'a@example.com', 'a@example.com', 'en', now())",
            (str(id_),),
        )
        return id_

    def session(self, account: UUID, *, idle_for: timedelta, ended_for: timedelta | None = None) -> UUID:
        """One that nobody used since `idle_for` after its idle time was over, or that was ended so long ago."""
        id_ = uuid4()
        self._execute(
            "INSERT INTO sessions (id, account_id, client_id, amr, auth_time, created_at, idle_until, expires_at,"
            " ended_at, ended_for) VALUES (%s, %s, 'postern', '{pwd}', now(), now() - interval '90 days', now() - %s,"
            " now() + interval '1 day', now() - %s::interval, CASE WHEN %s THEN 'signed_out' END)",
            (str(id_), str(account), idle_for, ended_for, ended_for is not None),
        )
        return id_

    def refresh_token(self, session: UUID, *, used: timedelta | None) -> bytes:
        hash_ = uuid4().bytes * 2
        self._execute(
            "INSERT INTO refresh_tokens (hash, session_id, used_at) VALUES (%s, %s, now() - %s::interval)",
            (hash_, str(session), used),
        )
        return hash_

    def code(self, session: UUID, *, over_for: timedelta, opened: UUID | None = None) -> bytes:
        hash_ = uuid4().bytes * 2
        self._execute(
            "INSERT INTO authorization_codes (hash, session_id, client_id, redirect_uri, challenge, expires_at, used_at, opened_id)"
            " VALUES (%s, %s, 'shop', 'https://shop.example', repeat('x', 43), now() - %s, now(), %s)",
            (hash_, str(session), over_for, opened and str(opened)),
        )
        return hash_

    def email_change(self, account: UUID, *, age: timedelta) -> UUID:
        id_ = uuid4()
        self._execute(
            "INSERT INTO email_changes (id, account_id, email, canonical_email, recipient_tag, old_email,"
            " old_canonical_email, created_at, ended_at) VALUES (%s, %s, 'b', 'b', 'tag', 'a', 'a', now() - %s, now())",
            (str(id_), str(account), age),
        )
        return id_

    def audit(
        self, action: str, *, age: timedelta, actor: str = "stranger", target: str | None = None
    ) -> None:
        """Of an account, unless a mailbox's tag is given."""
        self._execute(
            "INSERT INTO audit_events (at, actor, action, target, result) VALUES (now() - %s, %s, %s, %s, 'done')",
            (age, actor, action, target or str(uuid4())),
        )

    def column(self, table: str, column: str) -> list[Any]:
        with closing(psycopg2.connect(self._url)) as connection, connection.cursor() as cursor:
            cursor.execute(f"SELECT {column} FROM {table}")
            return [bytes(row[0]) if isinstance(row[0], memoryview) else row[0] for row in cursor.fetchall()]

    def age_letters(self, age: timedelta) -> None:
        self._execute("UPDATE letters SET created_at = now() - %s, expires_at = now()", (age,))

    def ids(self, table: str) -> set[UUID]:
        with closing(psycopg2.connect(self._url)) as connection, connection.cursor() as cursor:
            cursor.execute(f"SELECT id::text FROM {table}")
            return {UUID(row[0]) for row in cursor.fetchall()}

    def _execute(self, statement: str, values: tuple[Any, ...]) -> None:
        with closing(psycopg2.connect(self._url)) as connection, connection, connection.cursor() as cursor:
            cursor.execute(statement, values)


@pytest.fixture
def rows(auth_database: Database) -> Rows:
    return Rows(auth_database.url)


def run(outbox: Outbox, purge: Callable[..., int], *, limit: int = 100) -> int:
    with outbox.sessions.begin() as session:
        return purge(session, limit=limit)


def test_registrations_nobody_confirmed_go_after_a_week_whatever_was_sent_again(
    outbox: Outbox, rows: Rows
) -> None:
    for ended_for in (None, "overtaken", "taken", "refused"):
        rows.registration(age=8 * DAY, ended_for=ended_for)
    rows.token(rows.registration(age=8 * DAY), age=timedelta(hours=1))
    kept = {
        rows.registration(age=6 * DAY, ended_for=ended_for) for ended_for in (None, "overtaken", "refused")
    }

    assert run(outbox, purge_registrations) == 5
    assert rows.ids("registrations") == kept
    assert rows.ids("one_time_tokens") == set()
    assert run(outbox, purge_registrations) == 0


def test_a_confirmed_registration_stays_while_a_receipt_says_so(outbox: Outbox, rows: Rows) -> None:
    outbox.commit(1, state=DeliveryState.SENT)
    confirmed = outbox.hang_on_registration(age=8 * DAY)
    rows.confirm(confirmed)

    assert run(outbox, purge_registrations) == 0
    with outbox.sessions.begin() as session:
        for row in outbox.rows():
            session.delete(row)
    rows.age_letters(31 * DAY)
    assert run(outbox, purge_letters) == 1
    assert run(outbox, purge_registrations) == 1


def test_refusals_go_when_their_time_is_over(outbox: Outbox, rows: Rows) -> None:
    rows.refused("old", since=31 * DAY, left=-1 * DAY)
    rows.refused("new", since=29 * DAY, left=DAY)
    assert run(outbox, purge_refusals) == 1
    assert run(outbox, purge_refusals) == 0


def test_tokens_go_a_week_after_their_end_used_or_not_decoys_too(outbox: Outbox, rows: Rows) -> None:
    account = rows.registration(age=40 * DAY, ended_for="confirmed")
    rows.token(None, age=9 * DAY)
    rows.token(account, age=9 * DAY, used=True)
    kept = {rows.token(account, age=7 * DAY, used=True), rows.token(account, age=timedelta())}

    assert run(outbox, purge_tokens) == 2
    assert rows.ids("one_time_tokens") == kept


def test_letters_and_receipts_go_after_thirty_days_unless_they_still_wait_in_the_outbox(
    outbox: Outbox, rows: Rows
) -> None:
    outbox.commit()
    rows.age_letters(29 * DAY)
    assert run(outbox, purge_letters) == 0
    rows.age_letters(31 * DAY)
    assert run(outbox, purge_letters) == 0, "it waits in the outbox"
    with outbox.sessions.begin() as session:
        for row in outbox.rows():
            session.delete(row)
    assert run(outbox, purge_letters) == 1
    assert rows.ids("letters") == set()


def test_a_letter_that_was_renewed_goes_after_the_one_that_renewed_it(outbox: Outbox, rows: Rows) -> None:
    first, fresh = outbox.commit(2, state=DeliveryState.EXPIRED)
    rows.renew(first, by=fresh)
    with outbox.sessions.begin() as session:
        for row in outbox.rows():
            session.delete(row)
    rows.age_letters(31 * DAY)

    assert run(outbox, purge_letters) == 1
    assert rows.ids("letters") == {first}, "its receipt tells of both"
    assert run(outbox, purge_letters) == 1


def test_a_letter_that_is_to_be_renewed_stays(outbox: Outbox, rows: Rows) -> None:
    (letter,) = outbox.commit(lifetime=timedelta(seconds=-1))
    token = uuid4()
    with outbox.sessions.begin() as session:
        claim(session, token=token, limit=1, lease=DAY)
        settle_expired(session, token=token, ids=[letter])
    rows.age_letters(31 * DAY)

    assert run(outbox, purge_letters) == 0


def test_a_purged_registration_takes_its_unsent_letters_with_it(outbox: Outbox, rows: Rows) -> None:
    underway, dead = (
        outbox.commit(1, state=DeliveryState.DEFERRED),
        outbox.commit(1, state=DeliveryState.FAILED),
    )
    outbox.commit(1, state=DeliveryState.SENT)
    outbox.hang_on_registration(age=8 * DAY)
    others = outbox.commit(1)

    assert run(outbox, purge_registrations) == 1

    cancelled = [row for row in outbox.rows() if row.kind == "cancellation"]
    assert {row.letter_id for row in cancelled} == {*underway, *dead}
    assert {row.payload["reason"] for row in cancelled} == {"account_deleted"}
    assert set(others) <= rows.ids("letters")


def test_sessions_go_a_month_after_their_end_and_their_refresh_tokens_with_them(
    outbox: Outbox, rows: Rows
) -> None:
    account = rows.account()
    idle = rows.session(account, idle_for=31 * DAY)
    rows.refresh_token(idle, used=None)
    rows.session(account, idle_for=-DAY / 2, ended_for=31 * DAY)
    kept = {
        rows.session(account, idle_for=29 * DAY),
        rows.session(account, idle_for=-DAY / 2, ended_for=29 * DAY),
        rows.session(account, idle_for=-DAY / 2),
    }
    assert run(outbox, purge_sessions, limit=1) == 1
    assert run(outbox, purge_sessions) == 1
    assert rows.ids("sessions") == kept
    assert rows.column("refresh_tokens", "hash") == []


def test_refresh_tokens_go_a_month_after_their_use(outbox: Outbox, rows: Rows) -> None:
    session = rows.session(rows.account(), idle_for=-DAY / 2)
    rows.refresh_token(session, used=31 * DAY)
    kept = {rows.refresh_token(session, used=29 * DAY), rows.refresh_token(session, used=None)}
    assert run(outbox, purge_refresh_tokens) == 1
    assert set(rows.column("refresh_tokens", "hash")) == kept


def test_authorization_codes_go_at_their_end_and_a_day_later_if_they_gave_a_session(
    outbox: Outbox, rows: Rows
) -> None:
    account = rows.account()
    session, opened = (rows.session(account, idle_for=-DAY / 2) for _ in range(2))
    rows.code(session, over_for=1.1 * DAY, opened=opened)
    rows.code(session, over_for=0 * DAY)
    kept = {
        rows.code(session, over_for=0.9 * DAY, opened=opened),
        rows.code(session, over_for=-DAY / 24),
    }
    assert run(outbox, purge_codes) == 2
    assert set(rows.column("authorization_codes", "hash")) == kept


def test_changes_of_addresses_go_after_a_month_and_the_audit_after_a_year_and_a_month(
    outbox: Outbox, rows: Rows
) -> None:
    account = rows.account()
    rows.email_change(account, age=31 * DAY)
    kept = rows.email_change(account, age=29 * DAY)
    rows.audit("sign_in", age=401 * DAY)
    rows.audit("sign_out", age=399 * DAY)
    assert run(outbox, purge_email_changes) == 1
    assert run(outbox, purge_audit) == 1
    assert run(outbox, purge_audit) == 0
    assert rows.ids("email_changes") == {kept}
    assert rows.column("audit_events", "action") == ["sign_out"]


def test_what_strangers_tried_with_a_mailbox_without_an_account_is_audited_for_a_month(
    outbox: Outbox, rows: Rows
) -> None:
    tag = uuid4().hex
    rows.audit("sign_in", age=31 * DAY, target=tag)
    rows.audit("password_reset_request", age=29 * DAY, target=tag)
    rows.audit("hold_drop", age=31 * DAY, actor="operator:bao", target=tag)
    assert run(outbox, purge_audit) == 1
    assert sorted(rows.column("audit_events", "action")) == ["hold_drop", "password_reset_request"]


def test_a_run_goes_on_until_nothing_is_left_and_not_for_ever(auth_database: Database) -> None:
    """However many rows came since the last one; but others wait for the thread."""
    batches: list[int] = []

    def do_batch(**_: int) -> int:
        batches.append(1)
        return 3 if len(batches) == left else BATCH_ROWS

    transactions = Transactions(build_sessions(build_engine(auth_database.url, application="test")))
    app = build_app("auth-worker", broker_url="amqp://nobody@localhost//")
    register_maintenance_tasks(
        app,
        transactions,
        renew_due=do_batch,
        remind_due=do_batch,
        end_holds=do_batch,
        status=WorkerStatus([]),
    )
    left = 1000
    app.tasks[RENEW_LETTERS]()
    assert len(batches) == left


def test_a_run_takes_no_more_than_it_was_told(outbox: Outbox, rows: Rows) -> None:
    for _ in range(5):
        rows.token(None, age=30 * DAY)
    assert [run(outbox, purge_tokens, limit=2) for _ in range(4)] == [2, 2, 1, 0]


def test_every_piece_of_scheduled_work_is_scheduled() -> None:
    assert (
        {entry["task"] for entry in build_schedule().values()}
        == {*PURGES, END_HOLDS, END_LOST_LETTERS, REMIND_REGISTRATIONS, RENEW_LETTERS}
        == SCHEDULED_TASKS
    )


def remember_a_schedule(file: Path, broker: VirtualHost) -> None:
    """What a beat leaves behind that ran before."""
    file.parent.mkdir()
    app = build_app("auth-beat", broker_url=broker.url("auth"))
    app.conf.beat_schedule = build_schedule()
    PersistentScheduler(app, schedule_filename=str(file)).close()


def test_beat_publishes_what_is_due_with_no_right_to_declare_and_the_worker_does_it(
    auth_database: Database, broker: VirtualHost, rows: Rows, tmp_path: Path
) -> None:
    rows.token(None, age=30 * DAY)
    schedule_file = tmp_path / "beat" / "schedule"
    settings = {"AUTH_BROKER_URL": broker.url("auth"), "AUTH_BEAT_SCHEDULE_FILE": str(schedule_file)}
    remember_a_schedule(schedule_file, broker)
    with closing(shelve.open(str(schedule_file), writeback=True)) as remembered:  # noqa: S301 - our own file
        for entry in remembered["entries"].values():
            entry.last_run_at = datetime.now(UTC) - timedelta(hours=2)

    settings["AUTH_BEAT_LISTEN"], worker_listen = free_listen(), free_listen()
    worker_settings = {"AUTH_DATABASE_URL": auth_database.url, "AUTH_BROKER_URL": broker.url("auth")}
    worker_settings |= WRITER_SETTINGS | {"AUTH_WORKER_LISTEN": worker_listen}
    with ExitStack() as running:
        beat = running.enter_context(auth_process("beat", settings, tmp_path / "beat.log"))
        eventually(lambda: broker.depth(AUTH_MAINTENANCE) == len(SCHEDULED_TASKS), within=30)
        worker = running.enter_context(auth_process("worker", worker_settings, tmp_path / "worker.log"))
        eventually(lambda: {event["task"] for event in worker.events("purged")} == set(PURGES), within=15)
        worker.await_event("renewed")
        worker.await_event("reminded")
        worker.await_event("holds_ended")
        assert is_ready(settings["AUTH_BEAT_LISTEN"])
        assert is_ready(worker_listen)
        assert figures(settings["AUTH_BEAT_LISTEN"])["auth_beat_asked_total"] == len(SCHEDULED_TASKS)
        eventually(lambda: figures(worker_listen)["auth_worker_consuming"] == 2)
        assert figures(worker_listen)["auth_maintenance_rows_total"] >= 1
        assert beat.stop() == 0

    assert rows.ids("one_time_tokens") == set()


@pytest.mark.slow
def test_beat_goes_on_after_the_broker_was_killed_and_restarted(
    infra: Infra, broker: VirtualHost, tmp_path: Path
) -> None:
    app = build_app("auth-beat", broker_url=broker.url("auth"))
    app.conf.beat_schedule = build_schedule(timedelta(seconds=1))
    scheduler = PersistentScheduler(app, schedule_filename=str(tmp_path / "schedule"))

    def ticks_arrive() -> bool:
        scheduler.tick()
        return broker.depth(AUTH_MAINTENANCE) > 0

    try:
        eventually(ticks_arrive)
        infra.kill_broker()
        eventually(lambda: scheduler.tick() is not None)
        infra.start_broker()
        broker.purge(AUTH_MAINTENANCE)
        eventually(ticks_arrive, within=30)
    finally:
        scheduler.close()
