"""A queue that was missing is consumed as every other, and a channel lost meanwhile is not overlooked."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from amqp.exceptions import RecoverableConnectionError
from kombu import Connection, Producer, Queue

from mail_contract.topology import MAILER_BULK, MAILER_URGENT
from service_runtime.celery.queue_consumers import QueueConsumers
from support.broker import VirtualHost
from support.eventually import eventually

pytestmark = pytest.mark.slow  # waits for queues to come back

PREFETCH = 4


@contextmanager
def consuming(broker: VirtualHost) -> Iterator[tuple[QueueConsumers, Connection]]:
    """As Celery does it, but its loop: a test looks for missing queues itself."""
    queues = [Queue(name, no_declare=True) for name in (MAILER_URGENT, MAILER_BULK)]
    with Connection(broker.url("mailer")) as connection:
        consumers = QueueConsumers(connection, queues=queues, accept=["json"])
        consumers.qos(prefetch_count=PREFETCH)
        yield consumers, connection


def deleted(broker: VirtualHost) -> None:
    broker.admin.delete("queues", broker.vhost, MAILER_BULK)


def forbidden(broker: VirtualHost) -> None:
    user = broker.user_prefix + "mailer"
    body = {"configure": "^$", "write": "^$", "read": f"^{MAILER_URGENT}$".replace(".", r"\.")}
    broker.admin.put("permissions", broker.vhost, user, body=body)


def look_until(consumers: QueueConsumers, wanted: Callable[[], bool]) -> None:
    def looked() -> bool:
        consumers.look()
        return wanted()

    eventually(looked)


def in_vain(consumers: QueueConsumers, *, pause: float) -> None:
    """Look until that many seconds lie between two tries, so that several have found nothing."""
    look_until(consumers, lambda: consumers._absences[MAILER_BULK].pause >= pause)


def taken_at_once(broker: VirtualHost, consumers: QueueConsumers, connection: Connection) -> int:
    """How many of more messages than the limit are handed out."""
    received: list[object] = []
    consumers.on_message = received.append
    with Connection(broker.url("admin")) as other:
        for n in range(2 * PREFETCH):
            Producer(other).publish({"n": n}, routing_key=MAILER_BULK)
    try:
        while True:
            connection.drain_events(timeout=0.5)
    except TimeoutError:
        assert broker.depth(MAILER_BULK) == 2 * PREFETCH - len(received)
        return len(received)


@pytest.mark.parametrize("lost", [deleted, forbidden])
def test_a_queue_missing_at_the_start_is_consumed_with_the_limit_of_all(
    broker: VirtualHost, lost: Callable[[VirtualHost], None]
) -> None:
    lost(broker)
    with consuming(broker) as (consumers, connection):
        consumers.consume()
        in_vain(consumers, pause=4.0)
        broker.apply()
        look_until(consumers, lambda: not consumers.absent)
        assert taken_at_once(broker, consumers, connection) == PREFETCH


def test_a_queue_deleted_under_its_consumer_is_consumed_again_with_the_limit_of_all(
    broker: VirtualHost,
) -> None:
    with consuming(broker) as (consumers, connection):
        consumers.consume()
        deleted(broker)
        connection.drain_events(timeout=10)
        assert consumers.absent == {MAILER_BULK: "ConsumerCancelled"}
        in_vain(consumers, pause=4.0)
        broker.apply()
        look_until(consumers, lambda: not consumers.absent)
        assert taken_at_once(broker, consumers, connection) == PREFETCH


def test_a_channel_lost_while_looking_for_a_missing_queue_breaks_the_connection(broker: VirtualHost) -> None:
    deleted(broker)
    with consuming(broker) as (consumers, connection):
        consumers.consume()
        assert consumers.absent == {MAILER_BULK: "NotFound"}
        consumers._channels[MAILER_URGENT].basic_ack(12345)
        # Of what a timer raises, Celery's loop logs and forgets whatever is no error of the connection.
        assert issubclass(RecoverableConnectionError, connection.connection_errors)
        with pytest.raises(RecoverableConnectionError, match="PRECONDITION_FAILED"):
            look_until(consumers, lambda: False)
