"""From the outbox to the broker, with everything dying that can die on the way."""

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from itertools import count
from pathlib import Path
from uuid import UUID

import psycopg2
import pytest
from structlog.contextvars import clear_contextvars

from auth_service.domain.delivery import DeliveryState
from mail_contract.letters import LetterClass
from mail_contract.tasks import CANCEL_LETTER, DELIVER_LETTER
from mail_contract.topology import MAIL, MAILER_BULK, MAILER_CANCELLATIONS, MAILER_STANDARD, MAILER_URGENT
from service_runtime.telemetry import bind_correlation_id
from support.auth_process import AuthProcess, auth_process
from support.broker import VirtualHost
from support.database import Database
from support.eventually import eventually
from support.infra import Infra
from support.outbox import Outbox, ids_of
from support.probes import figures, free_listen, is_ready

StartRelay = Callable[..., AuthProcess]


@pytest.fixture
def outbox(auth_database: Database) -> Outbox:
    return Outbox.at(auth_database.url)


@pytest.fixture
def start_relay(auth_database: Database, broker: VirtualHost, tmp_path: Path) -> Iterator[StartRelay]:
    """Starts as many relays as a test wants, with a short lease and, unless told otherwise, a quick poll."""
    numbers = count(1)
    with ExitStack() as running:

        def start(
            *,
            lease: float = 6,
            poll: float = 0.2,
            window: int = 200,
            broker_url: str | None = None,
            listen: str | None = None,
        ) -> AuthProcess:
            settings = {
                "AUTH_DATABASE_URL": auth_database.url,
                "AUTH_BROKER_URL": broker_url or broker.url("auth"),
                "AUTH_RELAY_LEASE_SECONDS": str(lease),
                "AUTH_RELAY_POLL_SECONDS": str(poll),
                "AUTH_RELAY_WINDOW": str(window),
                **({} if listen is None else {"AUTH_RELAY_LISTEN": listen}),
            }
            log = tmp_path / f"relay-{next(numbers)}.log"
            return running.enter_context(auth_process("relay", settings, log))

        yield start


@pytest.fixture
def memory_alarm(infra: Infra) -> Iterator[Callable[[bool], None]]:
    """Raises and ends the broker's memory alarm: it then reads no messages from publishers."""

    def alarm(raised: bool) -> None:
        infra.rabbitmqctl("set_vm_memory_high_watermark", "0" if raised else "0.6")

    yield alarm
    alarm(False)


def assert_all_left(outbox: Outbox, broker: VirtualHost, letters: list[UUID], *, copies: int = 0) -> None:
    """The outbox is empty, every letter is in the queue, at most `copies` of them more than once."""
    eventually(outbox.is_empty, within=60)
    sent = ids_of(broker.take(MAILER_URGENT, 10_000))
    assert set(sent) == set(letters)
    assert sent.total() - len(sent) <= copies
    assert outbox.states() == {DeliveryState.QUEUED: len(letters)}


def test_where_the_first_node_is_away_the_next_one_takes_the_letters(
    outbox: Outbox, broker: VirtualHost, start_relay: StartRelay
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        away = f"amqp://auth:password@127.0.0.1:{closed.getsockname()[1]}/postern"
    letters = outbox.commit(3)
    start_relay(broker_url=f"{away};{broker.url('auth')}")
    assert_all_left(outbox, broker, letters)


def test_a_committed_letter_leaves_under_its_own_id_with_its_requests_correlation_id(
    outbox: Outbox, broker: VirtualHost, start_relay: StartRelay
) -> None:
    listen = free_listen()
    start_relay(listen=listen)
    bind_correlation_id("request-1")
    (letter,) = outbox.commit()
    clear_contextvars()

    eventually(outbox.is_empty)
    eventually(lambda: figures(listen)["auth_relay_published_total"] == 1)
    assert is_ready(listen)
    assert figures(listen)["auth_relay_connected"] == 1

    (message,) = broker.take(MAILER_URGENT)
    headers = message["properties"]["headers"]
    assert headers["task"] == DELIVER_LETTER
    assert headers["id"] == message["properties"]["correlation_id"] == str(letter)
    assert headers["postern_correlation_id"] == "request-1"
    assert message["properties"]["delivery_mode"] == 2
    assert message["properties"]["priority"] == 6
    assert outbox.timeline(letter) == [DeliveryState.ACCEPTED, DeliveryState.QUEUED]


def test_each_class_goes_to_its_own_queue_and_a_cancellation_to_its(
    outbox: Outbox, broker: VirtualHost, start_relay: StartRelay
) -> None:
    letters = {letter_class: outbox.commit(1, letter_class)[0] for letter_class in LetterClass}
    outbox.cancel(letters[LetterClass.BULK])
    start_relay()

    eventually(outbox.is_empty)

    queues = {
        LetterClass.URGENT: MAILER_URGENT,
        LetterClass.STANDARD: MAILER_STANDARD,
        LetterClass.BULK: MAILER_BULK,
    }
    for letter_class, queue in queues.items():
        assert set(ids_of(broker.take(queue))) == {letters[letter_class]}
    (cancellation,) = broker.take(MAILER_CANCELLATIONS)
    assert cancellation["properties"]["headers"]["task"] == CANCEL_LETTER
    assert str(letters[LetterClass.BULK]) in cancellation["payload"]


def test_a_commit_wakes_the_relay_long_before_its_poll(outbox: Outbox, start_relay: StartRelay) -> None:
    relay = start_relay(poll=30)
    outbox.commit()
    relay.await_event("messages_published")
    for _ in range(3):
        outbox.commit()
        eventually(outbox.is_empty, within=3)


def test_a_letter_nobody_was_notified_of_leaves_with_the_next_poll(
    outbox: Outbox, infra: Infra, start_relay: StartRelay
) -> None:
    relay = start_relay(poll=0.5)
    outbox.commit()
    relay.await_event("messages_published")
    with psycopg2.connect(infra.postgres_admin_url) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'auth-relay-listener'"
        )

    outbox.commit()

    eventually(outbox.is_empty, within=4)


def test_two_relays_side_by_side_send_each_letter_once(
    outbox: Outbox, broker: VirtualHost, start_relay: StartRelay
) -> None:
    relays = [start_relay(window=20), start_relay(window=20)]
    for relay in relays:
        relay.await_event("broker_connected")

    letters = outbox.commit(400)

    assert_all_left(outbox, broker, letters)
    assert all(relay.events("messages_published") for relay in relays)


def test_what_a_killed_relay_held_is_sent_by_the_next_one(
    outbox: Outbox, broker: VirtualHost, start_relay: StartRelay
) -> None:
    letters = outbox.commit(800)
    first = start_relay(lease=2, window=50)
    eventually(lambda: broker.depth(MAILER_URGENT) > 50, every=0.01)

    first.kill()
    start_relay(lease=2, window=50)

    assert_all_left(outbox, broker, letters, copies=50)


@pytest.mark.slow
def test_a_broker_killed_while_letters_are_published_loses_none_and_needs_no_restart_of_the_relay(
    infra: Infra, outbox: Outbox, broker: VirtualHost, start_relay: StartRelay
) -> None:
    letters = outbox.commit(800)
    relay = start_relay(lease=3, window=50)
    eventually(lambda: broker.depth(MAILER_URGENT) > 50, every=0.01)

    infra.kill_broker()
    relay.await_event("broker_lost")
    infra.start_broker()

    assert_all_left(outbox, broker, letters, copies=100)
    assert relay.is_running


def test_without_a_binding_the_letter_stays_and_leaves_once_the_binding_is_back(
    outbox: Outbox, broker: VirtualHost, start_relay: StartRelay
) -> None:
    key = "mail.urgent.#"
    binding = ("bindings", broker.vhost, "e", MAIL, "q", MAILER_URGENT)
    broker.admin.delete(*binding, key)
    relay = start_relay()
    letters = outbox.commit(3)

    eventually(lambda: all(row.attempts >= 2 for row in outbox.rows()))
    assert {row.last_error for row in outbox.rows()} == {"returned 312"}
    assert outbox.states() == {DeliveryState.ACCEPTED: 3}
    assert len(relay.events("messages_not_published")) <= 12, "it spins"
    broker.admin.post(*binding, body={"routing_key": key})

    assert_all_left(outbox, broker, letters)


def test_without_its_exchange_the_letter_stays_and_leaves_once_the_exchange_is_back(
    outbox: Outbox, broker: VirtualHost, start_relay: StartRelay
) -> None:
    exchange = ("exchanges", broker.vhost, MAIL)
    broker.admin.delete(*exchange)
    relay = start_relay()
    letters = outbox.commit(3)

    eventually(lambda: sum(row.attempts for row in outbox.rows()) >= 3, within=20)
    assert "404" in relay.events("broker_lost")[0]["why"]
    assert outbox.states() == {DeliveryState.ACCEPTED: 3}
    broker.admin.put(*exchange, body={"type": "topic", "durable": True})
    binding = ("bindings", broker.vhost, "e", MAIL, "q", MAILER_URGENT)
    broker.admin.post(*binding, body={"routing_key": "mail.urgent.#"})

    assert_all_left(outbox, broker, letters, copies=3)


@pytest.mark.slow
def test_a_full_queue_keeps_its_letters_waiting_and_no_others(
    outbox: Outbox, broker: VirtualHost, start_relay: StartRelay
) -> None:
    full = {"max-length": 1, "overflow": "reject-publish"}
    policy = {"pattern": "^mailer.bulk$", "definition": full, "priority": 100, "apply-to": "queues"}
    broker.admin.put("policies", broker.vhost, "full", body=policy)
    eventually(lambda: broker.report(MAILER_BULK).get("policy") == "full")
    relay = start_relay()
    # The queue counts a moment later than it takes: what comes in one go may all find room.
    outbox.commit(2, LetterClass.BULK)
    relay.await_event("messages_published")
    outbox.commit(40, LetterClass.BULK)

    relay.await_event("messages_not_published")
    urgent = outbox.commit(1)

    eventually(lambda: set(ids_of(broker.peek(MAILER_URGENT))) == set(urgent))
    assert {row.last_error for row in outbox.rows()} <= {"nacked", None}
    # On a new channel from time to time: a nack may be the channel's fault.
    eventually(lambda: len(relay.events("broker_connected")) > 1, within=30)
    broker.admin.delete("policies", broker.vhost, "full")
    eventually(outbox.is_empty, within=60)
    assert ids_of(broker.take(MAILER_BULK)).total() == 42


@pytest.mark.slow
def test_a_frozen_broker_is_noticed_and_the_letters_leave_when_it_thaws(
    infra: Infra, outbox: Outbox, broker: VirtualHost, start_relay: StartRelay
) -> None:
    relay = start_relay()
    outbox.commit(1)
    relay.await_event("messages_published")
    broker.take(MAILER_URGENT)

    infra.broker.freeze()
    try:
        letters = outbox.commit(20)
        relay.await_event("broker_lost", within=20)
        assert outbox.size() == 20
    finally:
        infra.broker.thaw()

    eventually(outbox.is_empty, within=60)
    assert set(ids_of(broker.take(MAILER_URGENT))) == set(letters)


@pytest.mark.slow
def test_the_rows_of_a_frozen_relay_are_taken_over_and_it_settles_nothing_when_it_thaws(
    outbox: Outbox, broker: VirtualHost, start_relay: StartRelay
) -> None:
    letters = outbox.commit(800)
    frozen = start_relay(lease=2, window=50)
    eventually(lambda: broker.depth(MAILER_URGENT) > 50, every=0.01)
    frozen.freeze()
    other = start_relay(lease=2, window=50)
    eventually(outbox.is_empty, within=60)

    frozen.thaw()
    more = outbox.commit(50)

    assert_all_left(outbox, broker, letters + more, copies=50)
    assert frozen.is_running
    assert other.is_running


@pytest.mark.slow
def test_a_memory_alarm_holds_letters_back_without_hanging_the_relay_or_settling_a_row(
    outbox: Outbox, broker: VirtualHost, start_relay: StartRelay, memory_alarm: Callable[[bool], None]
) -> None:
    relay = start_relay(lease=3)
    outbox.commit(1)
    relay.await_event("messages_published")
    broker.take(MAILER_URGENT)

    memory_alarm(True)
    letters = outbox.commit(300)
    eventually(lambda: len(relay.events("broker_lost")) >= 2, within=30)
    assert outbox.size() == 300
    trials = sum(row.attempts for row in outbox.rows())
    assert trials < 300, "after the first window one letter at a time finds out that the alarm goes on"
    memory_alarm(False)

    eventually(outbox.is_empty, within=60)
    assert set(ids_of(broker.take(MAILER_URGENT, 10_000))) == set(letters)


def test_an_expired_letter_does_not_leave(
    outbox: Outbox, broker: VirtualHost, start_relay: StartRelay
) -> None:
    (late,) = outbox.commit(lifetime=timedelta(seconds=-1))
    outbox.commit()
    start_relay()

    eventually(outbox.is_empty)

    assert late not in ids_of(broker.take(MAILER_URGENT))
    assert outbox.states() == {DeliveryState.EXPIRED: 1, DeliveryState.QUEUED: 1}
    assert outbox.timeline(late) == [DeliveryState.ACCEPTED, DeliveryState.EXPIRED]


def test_a_letter_the_mailer_has_reported_on_is_not_published_again(
    outbox: Outbox, broker: VirtualHost, start_relay: StartRelay
) -> None:
    outbox.commit(state=DeliveryState.SENT)
    start_relay()

    eventually(outbox.is_empty)

    assert broker.depth(MAILER_URGENT) == 0
    assert outbox.states() == {DeliveryState.SENT: 1}


def test_a_row_that_cannot_be_published_holds_back_no_other(
    outbox: Outbox, auth_database: Database, broker: VirtualHost, start_relay: StartRelay
) -> None:
    (spoilt,) = outbox.commit()
    with psycopg2.connect(auth_database.url) as connection, connection.cursor() as cursor:
        cursor.execute("UPDATE outbox SET payload = '{}' WHERE id = %s", (str(spoilt),))
    good = outbox.commit(5)
    start_relay()

    eventually(lambda: set(ids_of(broker.peek(MAILER_URGENT))) == set(good))

    (row,) = eventually(lambda: [row for row in outbox.rows() if row.attempts])
    assert row.id == spoilt
    assert row.last_error == "unpublishable ValidationError"


def test_asked_to_stop_the_relay_settles_what_it_sent_and_gives_back_the_rest(
    outbox: Outbox, broker: VirtualHost, start_relay: StartRelay
) -> None:
    letters = outbox.commit(800)
    relay = start_relay(window=50)
    eventually(lambda: broker.depth(MAILER_URGENT) > 50, every=0.01)

    assert relay.stop(within=5) == 0

    assert all(row.claimed_by is None for row in outbox.rows())
    sent = ids_of(broker.take(MAILER_URGENT, 10_000))
    assert sent.total() == len(sent) == len(letters) - outbox.size()


def test_asked_to_stop_while_the_broker_is_away_the_relay_stops_and_the_letter_stays(
    outbox: Outbox, start_relay: StartRelay
) -> None:
    outbox.commit(1)
    relay = start_relay(broker_url="amqp://auth:password@127.0.0.1:1/postern")
    relay.await_event("broker_lost")

    assert relay.stop(within=8) == 0

    (row,) = outbox.rows()
    assert row.claimed_by is None
    assert row.attempts == 0


def test_a_database_killed_and_restarted_needs_no_restart_of_the_relay(
    infra: Infra, outbox: Outbox, broker: VirtualHost, start_relay: StartRelay
) -> None:
    relay = start_relay(lease=2)
    outbox.commit(1)
    relay.await_event("messages_published")
    broker.take(MAILER_URGENT)

    infra.kill_postgres()
    relay.await_event("database_unavailable")
    infra.start_postgres()
    letters = outbox.commit(5)

    eventually(outbox.is_empty, within=30)
    # The tests' database does not flush its commits: killed, it may forget the last one, and the first letter goes again.
    assert set(ids_of(broker.take(MAILER_URGENT))) >= set(letters)
    assert relay.is_running
