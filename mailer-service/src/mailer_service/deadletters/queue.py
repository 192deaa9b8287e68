"""A queue in which letters lie, dead or waiting, walked from its head without disturbing it.

What was not taken out goes back in the order it was in. If the walker dies, the broker puts it back by itself: nothing is
ever out of the queue without being in the walker's hands or safe elsewhere. Memory is bounded by the window.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, Self, cast

from amqp.exceptions import AccessRefused, AMQPError
from celery import Celery
from kombu.exceptions import KombuError

from mailer_service.deadletters.message import QueuedMessage
from mailer_service.errors import BrokerLost, BrokerRefuses

WINDOW = 500
"""Messages in hand at once: with the largest allowed 32 MB, usually one."""
_KEPT_IN_ORDER = 20_000
"""With more messages than this a walk that ends half-way leaves their order another, and is quick about it."""
_SILENCE_SECONDS = 5.0
_MOVING_SECONDS = 0.5
"""Of a queue whose messages leave by themselves: those that were counted may be gone when they are asked for."""
_RETURNED_AT_ONCE = 30
"""RabbitMQ 3.10 shuffles what comes back in larger portions: a client of a quorum queue that is further ahead than 32
commands lets the queue have the rest as one, which walks a hash map."""


class LetterQueue:
    """A connection as the operator and what it holds of the queue; a context manager."""

    def __init__(self, app: Celery, name: str, *, moving: bool = False) -> None:
        """Takes the queue's name, and whether messages leave it by themselves."""
        self._name = name
        self._moving = moving
        self._silence = _MOVING_SECONDS if moving else _SILENCE_SECONDS
        self._connection = app.connection_for_write(heartbeat=0, transport_options={"confirm_publish": False})
        self._held: dict[int, None] = {}
        self._consumers = 0
        self._removing = False
        self._abandoned = False

    def __enter__(self) -> Self:
        with _translated():
            self._connection.ensure_connection(max_retries=1)
            self._channel = cast("Any", self._connection.channel())
            self._channel.auto_decode = False  # bodies stay the bytes they are
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        polite = kind is None and not self._abandoned
        try:
            if polite:
                with _translated():
                    self._finish_removing()
                    self._give_back()
        finally:
            # Without a word where something went wrong: a blocked broker would not answer a polite close.
            with suppress(AMQPError, OSError):
                self._connection.release() if polite else self._connection.collect()

    def abandon(self) -> None:
        """Leaves it to the broker to put everything back: the connection was interrupted in the middle of a word."""
        self._abandoned = True

    def ready(self) -> int:
        """Returns how many messages are in the queue and in nobody's hands."""
        with _translated():
            return int(self._channel.queue_declare(self._name, passive=True).message_count)

    def walk(self) -> Iterator[list[QueuedMessage]]:
        """Yields the messages from head to tail, a window at a time; all stay in hand until `remove` or the end.

        No more than was there at the beginning: what is sent again and comes back would have no end.

        Raises:
            BrokerLost, BrokerRefuses: the broker has everything that was not removed.
        """
        left = self.ready()
        while left > 0 and (ready := self.ready()) > 0:
            window = self._next_window(min(WINDOW, ready, left))
            if not window:
                return
            left -= len(window)
            yield window

    def remove(self, message: QueuedMessage) -> None:
        """Takes a message out of the queue for good."""
        with _translated():
            self._channel.basic_ack(message.tag)
        del self._held[message.tag]
        self._removing = True

    def _next_window(self, size: int) -> list[QueuedMessage]:
        with _translated(), self._consuming(size) as window:
            until = time.monotonic() + self._silence
            while len(window) < size and time.monotonic() < until:
                with suppress(TimeoutError):
                    self._connection.drain_events(timeout=self._silence)
                    until = time.monotonic() + self._silence
        return window

    @contextmanager
    def _consuming(self, size: int) -> Iterator[list[QueuedMessage]]:
        window: list[QueuedMessage] = []

        def take(delivered: Any) -> None:
            message = QueuedMessage.received(delivered)
            self._held[message.tag] = None
            window.append(message)

        self._consumers += 1
        name = f"{self._name}-{self._consumers}"
        self._channel.basic_qos(0, size, False)
        self._channel.basic_consume(self._name, consumer_tag=name, callback=take)
        yield window
        self._channel.basic_cancel(name)
        self._removing = False

    def _finish_removing(self) -> None:
        # Acks have no answer, and with its channel RabbitMQ forgets those a quorum queue has not been sent yet (it is
        # sent 32 at once). Both commands of a consumer are answered through the queue's log: the first brings the
        # channel to send the rest, and the second is behind that.
        if self._removing:
            with self._consuming(1):
                pass

    def _give_back(self) -> None:
        # What is given back goes behind what was given back before and is still there: so all of it is taken first.
        while (
            not self._moving
            and self._held
            and len(self._held) < _KEPT_IN_ORDER
            and (ready := self.ready()) > 0
        ):
            if not self._next_window(min(WINDOW, ready)):
                break
        before = self.ready()
        for count, tag in enumerate(self._held, start=1):
            self._channel.basic_reject(tag, requeue=True)
            if not self._moving and count % _RETURNED_AT_ONCE == 0:
                self._wait_for(before + count)
        self._held.clear()

    def _wait_for(self, ready: int) -> None:
        until = time.monotonic() + 1.0
        while self.ready() < ready and time.monotonic() < until:
            pass  # each question is a round trip to the queue, a fraction of a millisecond


@contextmanager
def _translated() -> Iterator[None]:
    """Turns the client libraries' errors into ours.

    Raises:
        BrokerRefuses: this user may not.
        BrokerLost: anything else.
    """
    try:
        yield
    except AccessRefused as error:
        raise BrokerRefuses(error.reply_text or "") from error
    except (AMQPError, KombuError, OSError) as error:
        raise BrokerLost(type(error.__cause__ or error).__name__) from error
