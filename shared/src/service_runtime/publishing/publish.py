"""Publishes one contract message as a Celery task: always routed, always confirmed, never readable in an event."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID, uuid4

from amqp.exceptions import AMQPError, ChannelError, MessageNacked
from celery import Celery
from kombu import Producer
from kombu.exceptions import LimitExceeded, OperationalError
from pydantic import BaseModel

from mail_contract.messages import MAX_MESSAGE_BYTES
from mail_contract.topology import Route
from service_runtime.errors import BrokerUnavailable, PublishError, Unroutable
from service_runtime.telemetry import CORRELATION_HEADER, SEALED, current_correlation_id

NO_ROUTE = 312
"""AMQP 0-9-1 reply code of `basic.return` for a message no queue is bound for."""
_PERSISTENT = 2
"""AMQP 0-9-1 `delivery-mode`."""


def publish(
    app: Celery,
    task_name: str,
    message: BaseModel,
    route: Route,
    *,
    task_id: UUID,
    priority: int = 0,
    correlation_id: str | None = None,
    producer: Producer | None = None,
) -> None:
    """Publishes the message as the single argument of a task.

    The message is written here and not by Celery's `send_task`, which takes three times as long for the same task.

    Without a `producer` a pooled one is used and the call returns once the broker has confirmed the message. With one,
    the caller has its own channel and watches its confirms and returns: then this only writes to the socket.

    Args:
        app: of `build_app`.
        task_name: the task's name at the other end.
        message: its `model_dump_json()` travels.
        route: where to.
        task_id: the Celery task's id.
        priority: 0 to 9; always given, for kombu would send 0.
        correlation_id: rides in the headers; this thread's, or a new one, where none is given.
        producer: bound to a channel in confirm mode.

    Raises:
        BrokerUnavailable: not confirmed in time, refused by a full queue, or no connection; the broker may have the
            message nevertheless.
        Unroutable: the broker returned it.
        PublishError: larger than `MAX_MESSAGE_BYTES`.
    """
    body = _body(message)
    if len(body) > MAX_MESSAGE_BYTES:
        raise PublishError(f"({task_name}: {len(body)} bytes)")

    def send(through: Producer) -> None:
        through.publish(
            body,
            exchange=route.exchange,
            routing_key=route.routing_key,
            headers=_headers(task_name, str(task_id), correlation_id or current_correlation_id()),
            content_type="application/json",
            content_encoding="utf-8",
            delivery_mode=_PERSISTENT,
            correlation_id=str(task_id),
            priority=priority,
            mandatory=True,
            retry=False,
        )

    if producer is not None:
        send(producer)
        return
    confirmed(app, send, route)


def _body(message: BaseModel) -> bytes:
    """A call with one argument, by Celery's protocol 2 (its manual, "Message Protocol"): args, kwargs, embed."""
    argument = message.model_dump_json().encode()
    return b'[[%s], {}, {"callbacks": null, "errbacks": null, "chain": null, "chord": null}]' % argument


def _headers(task_name: str, task_id: str, correlation_id: str | None) -> dict[str, str | int | None]:
    """What a worker must know. Celery's own `send_task` writes twice as many, none of which is of use here."""
    return {
        "lang": "py",
        "task": task_name,
        "id": task_id,
        "root_id": task_id,
        "parent_id": None,
        "group": None,
        "retries": 0,
        "argsrepr": SEALED,
        "kwargsrepr": SEALED,
        CORRELATION_HEADER: correlation_id or uuid4().hex,
    }


def confirmed(app: Celery, send: Callable[[Producer], None], route: Route) -> None:
    """Calls `send` with a pooled producer in confirm mode and returns once the broker has confirmed what it published.

    Args:
        app: of `build_app`.
        send: publishes one message, with `mandatory`.
        route: where to, for the error.

    Raises:
        BrokerUnavailable: not confirmed in time, refused, or no connection; the broker may have it nevertheless.
        Unroutable: the broker returned it.
    """
    try:
        with app.producer_or_acquire() as producer:
            _watch(send, producer, route)
    except LimitExceeded as error:
        raise BrokerUnavailable("(every pooled connection is busy)") from error


def _watch(send: Callable[[Producer], None], producer: Producer, route: Route) -> None:
    try:
        send(producer)
    except (AMQPError, MessageNacked, OperationalError, OSError) as error:
        # py-amqp does not compare delivery tags: a late confirm on this channel would be taken for the next
        # message's. So the connection goes.
        producer.connection.collect()  # type: ignore[union-attr] # a pooled connection is missing in the stubs
        if isinstance(error, ChannelError) and error.reply_code == NO_ROUTE:
            raise Unroutable(f"({route.exchange} {route.routing_key})") from error
        reason = "refused" if isinstance(error, MessageNacked) else type(error).__name__
        raise BrokerUnavailable(f"({reason})") from error
