"""Publishes messages together and says what became of each."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from service_runtime.celery.app import HEARTBEAT_SECONDS
from service_runtime.errors import BrokerLost
from service_runtime.publishing.channel import ConfirmingChannel
from service_runtime.publishing.confirms import Answer, PublishOutcome
from service_runtime.publishing.message import OutgoingMessage

_CONFIRM_SECONDS = 5.0
"""As long as a socket may be silent (`read_timeout`): a broker with a memory or disk alarm reads nothing and says nothing."""


class Publisher:
    """One connection, opened when it is needed and dropped as soon as anything on it is unknown; for one thread at a time."""

    def __init__(
        self, connect: Callable[[], ConfirmingChannel], *, confirm_seconds: float = _CONFIRM_SECONDS
    ) -> None:
        """Takes what opens a channel or raises BrokerLost, and how many seconds the answers may take."""
        self._connect = connect
        self._confirm_seconds = confirm_seconds
        self._channel: ConfirmingChannel | None = None
        self._used_at = 0.0

    def publish(self, messages: Sequence[OutgoingMessage]) -> list[PublishOutcome]:
        """Returns what became of each message, in their order; no trouble with the broker is raised."""
        try:
            channel = self._open()
        except BrokerLost as lost:
            return [PublishOutcome(Answer.UNKNOWN, lost.why)] * len(messages)
        reason = "unanswered"
        try:
            with channel.gathering():
                for message in messages:
                    channel.publish(message)
            channel.read_answers(seconds=self._confirm_seconds)
        except BrokerLost as lost:
            reason = lost.why
            self._drop()
        except BaseException:
            self._drop()  # who knows what was written
            raise
        outcomes = channel.confirms.take(unknown_because=reason)
        unwritten = len(messages) - len(outcomes)
        outcomes += [PublishOutcome(Answer.UNKNOWN, reason)] * unwritten
        if any(outcome.answer is Answer.UNKNOWN for outcome in outcomes):
            self._drop()
        elif channel.confirms.stale:
            self.close()
        self._used_at = time.monotonic()
        return outcomes

    def close(self) -> None:
        """Says goodbye, once nobody publishes any more."""
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.close()

    def _open(self) -> ConfirmingChannel:
        # Nobody sends heartbeats between two uses: the broker hangs up on who is silent for two of them.
        if self._channel is not None and time.monotonic() - self._used_at > HEARTBEAT_SECONDS:
            self.close()
        if self._channel is None:
            self._channel = self._connect()
        return self._channel

    def _drop(self) -> None:
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.drop()
