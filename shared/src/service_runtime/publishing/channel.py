"""A publisher's own connection to the broker: one channel in confirm mode, dropped and never repaired.

After any error nobody knows which of the unanswered messages the broker has, and confirms that come late could be
taken for later ones. So there is no retry in here: the channel is dropped, and whoever publishes knows what to send again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, cast

from amqp.exceptions import AMQPError
from celery import Celery
from kombu.exceptions import KombuError

from service_runtime.celery.app import HEARTBEAT_SECONDS
from service_runtime.celery.read_ahead import ReadAheadTransport
from service_runtime.errors import BrokerLost
from service_runtime.publishing.confirms import PublisherConfirms
from service_runtime.publishing.message import OutgoingMessage

_PERSISTENT = 2
"""AMQP 0-9-1 `delivery-mode`."""


class ConfirmingChannel:
    """A connection, its channel and the window of what is unanswered on it.

    Attributes:
        confirms: what became of what is published.
    """

    def __init__(self, app: Celery) -> None:
        """Connects; raises BrokerLost. No step of it waits longer than the timeouts of `service_runtime.celery.app`."""
        self.confirms = PublisherConfirms()
        # The setting's own confirms would wait for each message before the next; here they are counted by hand.
        self._connection = app.connection_for_write(
            heartbeat=HEARTBEAT_SECONDS, transport_options={"confirm_publish": False}
        )
        self._answers = 0
        try:
            with self._broken_by_any_error():
                self._open()
        except BrokerLost:
            self.drop()
            raise

    def _open(self) -> None:
        # Every node of the cluster once; a new connection begins with the first again.
        nodes = len(self._connection.alt)
        self._connection.ensure_connection(max_retries=max(0, nodes - 1))
        self._amqp = cast("Any", self._connection.connection)
        self._channel = cast("Any", self._connection.channel())
        self._channel.events["basic_return"].add(self.confirms.on_return)
        self._channel.events["basic_ack"].add(self._on_ack)
        self._channel.events["basic_nack"].add(self._on_nack)
        self._channel.confirm_select()

    @property
    def proven(self) -> bool:
        """Whether the broker has answered a publish on this channel.

        A connection alone proves nothing: under a memory or disk alarm the broker accepts connections and reads no
        messages from them.
        """
        return self._answers > 0

    def fileno(self) -> int:
        """The socket, to wait on."""
        return int(self._amqp.sock.fileno())

    def publish(self, message: OutgoingMessage) -> None:
        """Writes the message to the socket, with `mandatory`; its answer comes later.

        Raises:
            BrokerLost: the message may have left or not.
        """
        number = self.confirms.add()
        with self._broken_by_any_error():
            prepared = self._channel.prepare_message(
                message.body,
                priority=message.priority,  # always said, for kombu would send 0
                content_type=message.content_type,
                content_encoding=message.content_encoding,
                headers=dict(message.headers),
                properties={
                    **message.properties,
                    "delivery_mode": _PERSISTENT,
                    "message_id": str(number),  # by which a return tells what it returns
                },
            )
            self._channel.basic_publish(
                prepared,
                exchange=message.route.exchange,
                routing_key=message.route.routing_key,
                mandatory=True,
            )
        self._require_open()

    @contextmanager
    def gathering(self) -> Iterator[None]:
        """Sends what is published inside in one go, where the socket can.

        Raises:
            BrokerLost: at the end too; then what was published inside stays unanswered.
        """
        transport = self._amqp.transport
        if not isinstance(transport, ReadAheadTransport):
            yield
            return
        with self._broken_by_any_error(), transport.gathering():
            yield

    def read_answers(self, *, seconds: float) -> None:
        """Reads the broker's answers until none is missing or the time is over.

        Raises:
            BrokerLost: the connection broke; the answers read so far stay in `confirms`.
        """
        until = time.monotonic() + seconds
        with self._broken_by_any_error(), suppress(TimeoutError):
            while not self.confirms.answered:
                # At least once: what has arrived already is read even when it is too late to wait for more.
                self._amqp.drain_events(timeout=max(0.001, until - time.monotonic()))
                self._require_open()

    def tend(self) -> None:
        """Reads what came unasked, sends a heartbeat when it is time and misses those of the broker; about once a second.

        Raises:
            BrokerLost: closed by the broker, or nothing was heard of it for two heartbeats.
        """
        with self._broken_by_any_error():
            with suppress(TimeoutError):
                while True:
                    self._amqp.drain_events(timeout=0)
            self._require_open()
            self._amqp.heartbeat_tick(rate=2)

    def drop(self) -> None:
        """Closes the socket without a word: a blocked or frozen broker would not answer a polite close."""
        with suppress(AMQPError, OSError):
            self._connection.collect()

    def close(self) -> None:
        """Says goodbye to a broker that is well."""
        with suppress(AMQPError, OSError):
            self._connection.release()

    def _on_ack(self, delivery_tag: int, multiple: bool) -> None:
        self._answers += 1
        self.confirms.on_ack(delivery_tag, multiple)

    def _on_nack(self, delivery_tag: int, multiple: bool) -> None:
        self._answers += 1
        self.confirms.on_nack(delivery_tag, multiple)

    def _require_open(self) -> None:
        # When the broker closes a channel (exchange gone, right revoked), py-amqp opens it anew, without confirm mode,
        # and where that happens inside a read that does not wait, its exception is swallowed.
        if not self._channel.is_open:
            raise BrokerLost("channel closed")

    @contextmanager
    def _broken_by_any_error(self) -> Iterator[None]:
        try:
            yield
        except (AMQPError, KombuError, OSError) as error:
            cause = error.__cause__ or error
            code = getattr(cause, "reply_code", None)
            raise BrokerLost(f"{type(cause).__name__} {code}" if code else type(cause).__name__) from error
