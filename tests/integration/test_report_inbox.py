"""The mailer's reports on their way into the database: once, in any order, through outages."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import pytest
from celery import Celery
from kombu import Connection

from auth_service.db.reports import Recorded, record_report
from auth_service.domain.delivery import DeliveryState
from auth_service.errors import UnknownLetter
from mail_contract.messages import DeliveryReport, ReportedState
from mail_contract.tasks import RECORD_REPORT
from mail_contract.topology import AUTH_REPORTS, AUTH_REPORTS_DEAD, REPORT_ROUTE
from service_runtime.celery.app import build_app
from service_runtime.publishing.message import call_of
from support.auth_api import WRITER_SETTINGS
from support.auth_process import AuthProcess, auth_process
from support.broker import VirtualHost
from support.database import Database
from support.eventually import eventually
from support.infra import Infra
from support.outbox import Outbox, report
from support.publishing import outcome_of, publish
from support.raw_messages import publish_raw

StartWorker = Callable[[], AuthProcess]


@pytest.fixture
def outbox(auth_database: Database) -> Outbox:
    return Outbox.at(auth_database.url)


@pytest.fixture
def mailer(broker: VirtualHost) -> Celery:
    return build_app("mailer", broker_url=broker.url("mailer"))


@pytest.fixture
def start_worker(auth_database: Database, broker: VirtualHost, tmp_path: Path) -> Iterator[StartWorker]:
    with ExitStack() as running:

        def start() -> AuthProcess:
            settings = {"AUTH_DATABASE_URL": auth_database.url, "AUTH_BROKER_URL": broker.url("auth")}
            settings |= WRITER_SETTINGS
            return running.enter_context(auth_process("worker", settings, tmp_path / "worker.log"))

        yield start


def send(mailer: Celery, message: DeliveryReport) -> None:
    publish(mailer, call_of(RECORD_REPORT, message, REPORT_ROUTE, task_id=message.id))


def is_taken(mailer: Celery, message: DeliveryReport) -> bool:
    return outcome_of(mailer, call_of(RECORD_REPORT, message, REPORT_ROUTE, task_id=message.id)).confirmed


def send_raw(broker: VirtualHost, body: str, task: str = RECORD_REPORT) -> None:
    headers = {"task": task, "id": str(uuid4()), "lang": "py"}
    with Connection(broker.url("mailer")) as connection:
        publish_raw(connection, body, headers=headers, route=REPORT_ROUTE)


def record(outbox: Outbox, message: DeliveryReport) -> Recorded:
    with outbox.sessions.begin() as session:
        return record_report(session, message)


def test_a_report_moves_its_letter_and_extends_its_timeline(
    outbox: Outbox, mailer: Celery, start_worker: StartWorker
) -> None:
    (letter,) = outbox.commit(state=DeliveryState.QUEUED)
    start_worker()

    send(mailer, report(letter, ReportedState.DEFERRED, reason="4.2.1"))
    eventually(lambda: outbox.states() == {DeliveryState.DEFERRED: 1}, within=15)
    send(mailer, report(letter, ReportedState.SENT))
    eventually(lambda: outbox.states() == {DeliveryState.SENT: 1})

    assert outbox.timeline(letter) == [DeliveryState.ACCEPTED, DeliveryState.DEFERRED, DeliveryState.SENT]


def test_a_repeated_report_is_recorded_once(outbox: Outbox) -> None:
    (letter,) = outbox.commit(state=DeliveryState.QUEUED)
    deferred = report(letter, ReportedState.DEFERRED)

    assert record(outbox, deferred) is Recorded.MOVED
    assert record(outbox, deferred) is Recorded.REPEATED
    assert record(outbox, report(letter, ReportedState.DEFERRED)) is Recorded.MOVED
    assert outbox.timeline(letter).count(DeliveryState.DEFERRED) == 2


def test_an_old_report_repeated_after_a_letter_failed_does_not_revive_it(outbox: Outbox) -> None:
    (letter,) = outbox.commit(state=DeliveryState.QUEUED)
    deferred = report(letter, ReportedState.DEFERRED)
    record(outbox, deferred)
    record(outbox, report(letter, ReportedState.FAILED, reason="5.1.1"))

    assert record(outbox, deferred) is Recorded.REPEATED
    assert outbox.states() == {DeliveryState.FAILED: 1}


@pytest.mark.parametrize("late", list(ReportedState))
def test_nothing_follows_a_sent_letter(outbox: Outbox, late: ReportedState) -> None:
    (letter,) = outbox.commit(state=DeliveryState.QUEUED)
    record(outbox, report(letter, ReportedState.SENT))

    assert record(outbox, report(letter, late)) is Recorded.LATE
    assert outbox.timeline(letter) == [DeliveryState.ACCEPTED, DeliveryState.SENT]


def test_a_report_of_a_letter_that_does_not_exist_is_refused(outbox: Outbox) -> None:
    with pytest.raises(UnknownLetter):
        record(outbox, report(uuid4(), ReportedState.SENT))


def test_what_is_no_report_or_of_no_letter_becomes_a_dead_letter_and_delays_no_other(
    outbox: Outbox, broker: VirtualHost, mailer: Celery, start_worker: StartWorker
) -> None:
    (letter,) = outbox.commit(state=DeliveryState.QUEUED)
    options = '{"callbacks": null, "errbacks": null, "chain": null, "chord": null}'
    send_raw(broker, "{not json")
    send_raw(broker, f'[[{{"version": 2}}], {{}}, {options}]')
    send_raw(broker, f"[[], {{}}, {options}]")
    send_raw(broker, f'[["a", "b"], {{}}, {options}]')
    send_raw(broker, f"[[{{}}], {{}}, {options}]", task="auth.no_such_task")
    send(mailer, report(uuid4(), ReportedState.SENT))
    send(mailer, report(letter, ReportedState.SENT))
    worker = start_worker()

    eventually(lambda: outbox.states() == {DeliveryState.SENT: 1}, within=15)
    eventually(lambda: broker.depth(AUTH_REPORTS_DEAD) == 6)
    assert broker.depth(AUTH_REPORTS) == 0
    assert worker.is_running


def test_while_the_database_is_away_reports_are_held_and_recorded_when_it_is_back(
    infra: Infra, outbox: Outbox, broker: VirtualHost, mailer: Celery, start_worker: StartWorker
) -> None:
    letters = outbox.commit(12, state=DeliveryState.QUEUED)
    worker = start_worker()
    eventually(lambda: broker.consumers(AUTH_REPORTS), within=15)

    infra.stop_postgres()
    for letter in letters:
        send(mailer, report(letter, ReportedState.SENT))
    worker.await_event("report_held")
    eventually(lambda: len(worker.events("report_held")) >= 8)
    infra.start_postgres()

    eventually(lambda: outbox.states() == {DeliveryState.SENT: 12}, within=30)
    assert len(worker.events("report_held")) < 60, "it spins"
    assert broker.depth(AUTH_REPORTS_DEAD) == 0
    assert worker.is_running


def test_asked_to_stop_while_it_holds_a_report_the_worker_gives_it_back(
    infra: Infra, outbox: Outbox, broker: VirtualHost, mailer: Celery, start_worker: StartWorker
) -> None:
    (letter,) = outbox.commit(state=DeliveryState.QUEUED)
    worker = start_worker()
    eventually(lambda: broker.consumers(AUTH_REPORTS), within=15)
    infra.stop_postgres()
    send(mailer, report(letter, ReportedState.SENT))
    worker.await_event("report_held")

    worker.stop(within=15)

    eventually(lambda: broker.depth(AUTH_REPORTS) == 1)
    infra.start_postgres()
    start_worker()
    eventually(lambda: outbox.states() == {DeliveryState.SENT: 1}, within=15)


@pytest.mark.slow
def test_a_broker_killed_and_restarted_needs_no_restart_of_the_worker(
    infra: Infra, outbox: Outbox, mailer: Celery, start_worker: StartWorker
) -> None:
    letters = outbox.commit(2, state=DeliveryState.QUEUED)
    worker = start_worker()
    send(mailer, report(letters[0], ReportedState.SENT))
    worker.await_event("report_recorded")

    infra.kill_broker()
    infra.start_broker()
    second = report(letters[1], ReportedState.SENT)
    eventually(lambda: is_taken(mailer, second))

    eventually(lambda: outbox.states() == {DeliveryState.SENT: 2}, within=45)
    assert worker.is_running
