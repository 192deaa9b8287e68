"""Takes messages from each queue on a channel of its own, so that a queue that is missing stops no other.

The broker closes a channel on which somebody asks for a queue that is not there, or not his. Celery consumes all its
queues on one channel, takes that for a broken connection, and begins again for ever: none of them is served.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import structlog
from amqp import spec
from amqp.exceptions import RecoverableConnectionError
from celery.app.amqp import AMQP
from celery.bootsteps import StartStopStep
from celery.worker.consumer.tasks import Tasks
from kombu import Queue
from kombu.serialization import prepare_accept_content

log = structlog.get_logger(__name__)

_LOOK_SECONDS = 1.0
_FIRST_SECONDS, _LONGEST_SECONDS = 1.0, 10.0
"""Between two tries for a missing queue; doubled each time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """A queue that cannot be consumed at present.

    Attributes:
        reason: name of the broker's error.
        pause: seconds before the next try.
        again_at: when that is, in seconds of the monotonic clock.
    """

    reason: str
    pause: float
    again_at: float


def received(channel: Any, raw: Any, accept: Any) -> Any:
    """Returns kombu's message of what py-amqp delivered, as it came.

    kombu unpacks a body whose `compression` header asks for it before anybody has seen how large it becomes.
    """
    headers = raw.properties.get("application_headers") or {}
    compression = headers.pop("compression", None)
    message = channel.message_to_python(raw)
    message.accept = accept
    if compression is not None:
        message.headers["compression"] = compression
    return message


class QueueConsumers:
    """What Celery takes for its one consumer of all queues; only the event loop's thread calls.

    A message's `delivery_info` says under `queue` where it was taken from: its routing key is what its publisher says.

    Attributes:
        on_message: is handed each message; Celery sets it before it begins to consume.
        on_decode_error: of Celery's consumer.
    """

    def __init__(
        self,
        connection: Any,
        *,
        queues: Sequence[Queue],
        accept: Sequence[str],
        on_decode_error: Callable[[Any, Exception], None] | None = None,
    ) -> None:
        self.on_message: Callable[[Any], None] | None = None
        self.on_decode_error = on_decode_error
        self._connection = connection
        self._accept = prepare_accept_content(accept)
        self._prefetch = 1
        self._queues: dict[str, Any] = {queue.name: queue for queue in queues}
        self._channels: dict[str, Any] = {}
        self._tags: dict[str, str] = {}
        self._absences: dict[str, Absence] = {}
        self._numbers = count(1)
        self._asking: Any = None
        self._may_ask = True

    @property
    def queues(self) -> list[Queue]:
        """Those to consume, there or not."""
        return list(self._queues.values())

    @property
    def taken(self) -> frozenset[str]:
        """Names of the queues that messages come from; any thread may ask."""
        return frozenset(self._tags.copy())

    @property
    def absent(self) -> Mapping[str, str]:
        """Names of the queues that cannot be consumed at present, and why; any thread may ask."""
        return {name: absence.reason for name, absence in self._absences.copy().items()}

    def untaken(self, name: str) -> int:
        """Returns how many messages are in a queue that nobody takes from; 0 if somebody does, or it cannot be asked."""
        if not self._may_ask:
            return 0
        try:
            if self._asking is None:
                self._asking = self._connection.channel()
            found = self._asking.queue_declare(name, passive=True)
        except self._connection.channel_errors as error:
            # RabbitMQ 4.2.6 and 4.3.0 want a right for it that we do not have; a queue that is missing is named elsewhere.
            log.warning("queue_not_asked", queue=name, reason=type(error).__name__)
            self._may_ask = False
            return 0
        return 0 if found.consumer_count else int(found.message_count)

    def consuming_from(self, queue: Queue | str) -> bool:
        """Whether messages of the queue are taken, or will be as soon as it is there."""
        name = _name(queue)
        return name in self._tags or name in self._absences

    def add_queue(self, queue: Queue) -> Queue:
        """Adds a queue to those that the next `consume` begins with."""
        self._queues[queue.name] = queue
        return queue

    def consume(self) -> None:
        """Begins with every queue that is not consumed yet."""
        for name in self._queues:
            if not self.consuming_from(name):
                self._begin(name)

    def look(self) -> None:
        """Tries the missing queues whose time has come.

        Raises:
            RecoverableConnectionError: the broker closed the channel of another queue, which is consumed no more.
        """
        now = time.monotonic()
        for name, absence in list(self._absences.items()):
            if now >= absence.again_at:
                self._begin(name)

    def cancel_by_queue(self, queue: Queue | str) -> None:
        """Takes no more from the queue; what was taken may still be acknowledged."""
        name = _name(queue)
        self._queues.pop(name, None)
        self._absences.pop(name, None)
        tag = self._tags.pop(name, None)
        if tag is not None:
            self._channels[name].basic_cancel(tag)

    def cancel(self) -> None:
        """Takes no more from any queue; what was taken may still be acknowledged."""
        self._absences.clear()
        tags, self._tags = self._tags, {}
        for name, tag in tags.items():
            self._channels[name].basic_cancel(tag)

    close = cancel

    def qos(self, prefetch_size: int = 0, prefetch_count: int = 0, apply_global: bool = False) -> None:  # noqa: ARG002 - as Celery calls it
        """Sets how many messages of each queue may be in hand, for consumers that begin from now on."""
        self._prefetch = prefetch_count

    def _begin(self, name: str) -> None:
        try:
            channel = self._channels.get(name) or self._open(name)
            # Each time: py-amqp opens a channel that the broker has closed again by itself, without any limit.
            channel.basic_qos(0, self._prefetch, False)
            tag = f"{name}-{next(self._numbers)}"
            self._queues[name](channel).consume(
                tag,
                lambda raw: self._receive(name, channel, raw),
                no_ack=False,
                on_cancel=lambda _tag: self._cancelled(name),
            )
        except self._connection.channel_errors as error:
            # py-amqp may say here what happened to another channel: then all begin anew, as ever. Of what a timer
            # raises, Celery's loop minds the errors of the connection only.
            if getattr(error, "method_sig", None) != spec.Basic.Consume:
                raise RecoverableConnectionError(f"another channel was closed: {error}") from error
            self._miss(name, type(error).__name__)
            return
        self._tags[name] = tag
        if self._absences.pop(name, None) is not None:
            log.info("queue_consumed_again", queue=name)

    def _open(self, name: str) -> Any:
        self._channels[name] = channel = self._connection.channel()
        return channel

    def _receive(self, name: str, channel: Any, raw: Any) -> None:
        message = received(channel, raw, self._accept)
        message.delivery_info["queue"] = name
        assert self.on_message is not None  # noqa: S101 - set before anything is consumed
        self.on_message(message)

    def _cancelled(self, name: str) -> None:
        """The queue was deleted."""
        if self._tags.pop(name, None) is not None:
            # Not asked for again on this channel: an error would close it, and an acknowledgement of what is still in
            # hand then break the connection.
            del self._channels[name]
            self._miss(name, "ConsumerCancelled")

    def _miss(self, name: str, reason: str) -> None:
        before = self._absences.get(name)
        if before is None:
            log.error("queue_not_consumed", queue=name, reason=reason)
        pause = _FIRST_SECONDS if before is None else min(_LONGEST_SECONDS, 2 * before.pause)
        self._absences[name] = Absence(reason=reason, pause=pause, again_at=time.monotonic() + pause)


class QueueByQueue(AMQP):
    """Gives a Celery app the consumers above."""

    Consumer = QueueConsumers  # type: ignore[assignment] # has what Celery calls, and is no subclass


class QueueWatch(StartStopStep):
    """The step of Celery's consumer that looks for missing queues while it runs."""

    requires = (Tasks,)

    def start(self, parent: Any) -> None:
        """Begins before the event loop does; Celery cancels the timer with the connection."""
        parent.task_consumer.qos(prefetch_count=parent.initial_prefetch_count)
        parent.timer.call_repeatedly(_LOOK_SECONDS, parent.task_consumer.look)


def _name(queue: Queue | str) -> str:
    return queue if isinstance(queue, str) else str(queue.name)
