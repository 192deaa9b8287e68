"""Publishes one contract message as a Celery task: always routed, always confirmed, never readable in an event."""

from __future__ import annotations

import json
from collections.abc import Callable
from uuid import UUID

from amqp.exceptions import AMQPError, ChannelError, MessageNacked
from celery import Celery
from kombu import Producer
from kombu.exceptions import LimitExceeded, OperationalError
from pydantic import BaseModel

from mail_contract.errors import BrokerUnavailable, PublishError, Unroutable
from mail_contract.messages import MAX_MESSAGE_BYTES
from mail_contract.telemetry import SEALED
from mail_contract.topology import Route

NO_ROUTE = 312
"""AMQP 0-9-1 reply code of `basic.return` for a message no queue is bound for."""


def publish(
    app: Celery,
    task_name: str,
    message: BaseModel,
    route: Route,
    *,
    task_id: UUID,
    priority: int = 0,
    producer: Producer | None = None,
) -> None:
    """Publishes the message as the single argument of a task.

    Without a `producer` a pooled one is used and the call returns once the broker has confirmed the message. With one,
    the caller has its own channel and watches its confirms and returns: then this only writes to the socket.

    Args:
        app: of `build_app`.
        task_name: the task's name at the other end.
        message: its `model_dump(mode="json")` travels.
        route: where to.
        task_id: the Celery task's id.
        priority: 0 to 9; always given, for kombu would send 0.
        producer: bound to a channel in confirm mode.

    Raises:
        BrokerUnavailable: not confirmed in time, refused by a full queue, or no connection; the broker may have the
            message nevertheless.
        Unroutable: the broker returned it.
        PublishError: larger than `MAX_MESSAGE_BYTES`.
    """
    argument = message.model_dump(mode="json")
    size = len(json.dumps(argument))
    if size > MAX_MESSAGE_BYTES - 1024:  # Celery wraps the arguments and its own options around it
        raise PublishError(f"({task_name}: {size} bytes)")

    def send(through: Producer) -> None:
        app.send_task(
            task_name,
            args=[argument],
            task_id=str(task_id),
            producer=through,
            exchange=route.exchange,
            routing_key=route.routing_key,
            priority=priority,
            mandatory=True,
            retry=False,
            # Celery would make a repr of the arguments, only for telemetry to write over it: half of a publish's time.
            argsrepr=SEALED,
            kwargsrepr=SEALED,
            declare=[],
            ignore_result=True,
        )

    if producer is not None:
        send(producer)
        return
    confirmed(app, send, route)


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
    except (AMQPError, OperationalError, OSError) as error:
        # py-amqp does not compare delivery tags: a late confirm on this channel would be taken for the next
        # message's. So the connection goes.
        producer.connection.collect()  # type: ignore[union-attr] # a pooled connection is missing in the stubs
        if isinstance(error, ChannelError) and error.reply_code == NO_ROUTE:
            raise Unroutable(f"({route.exchange} {route.routing_key})") from error
        reason = "refused" if isinstance(error, MessageNacked) else type(error).__name__
        raise BrokerUnavailable(f"({reason})") from error
