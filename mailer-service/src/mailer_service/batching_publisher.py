"""Publishes for all threads over one channel: those that publish at the same time wait for their confirms together."""

from __future__ import annotations

import time
from collections.abc import Sequence

from celery import Celery

from mailer_service.batcher import GATHERING_SECONDS, Batcher
from service_runtime.celery.app import HEARTBEAT_SECONDS
from service_runtime.errors import BrokerLost, BrokerUnavailable, PublishError, Unroutable
from service_runtime.publishing.channel import ConfirmingChannel
from service_runtime.publishing.confirms import BrokerAnswers
from service_runtime.publishing.message import OutgoingMessage

_CONFIRM_SECONDS = 5.0
"""As long as a socket may be silent (`read_timeout`): a broker with a memory or disk alarm reads nothing and says nothing."""


class BatchingPublisher:
    """One connection, opened when it is needed. Whoever posts leads now and then; no thread is kept for it."""

    def __init__(self, app: Celery) -> None:
        self._app = app
        self._channel: ConfirmingChannel | None = None
        self._used_at = 0.0
        self._batcher: Batcher[OutgoingMessage, None] = Batcher(
            self._post_all,
            every=GATHERING_SECONDS,
            concerns_all=lambda error: isinstance(error, BrokerUnavailable),
        )

    def post(self, message: OutgoingMessage) -> None:
        """Returns once the broker has confirmed it.

        Raises:
            BrokerUnavailable: not confirmed in time, refused by a full queue, or no connection; the broker may have it
                nevertheless.
            Unroutable: the broker returned it.
            PublishError: it is too large.
        """
        self._batcher.ask(message)

    def close(self) -> None:
        """Says goodbye, once nobody posts any more."""
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.close()

    def _post_all(self, messages: Sequence[OutgoingMessage]) -> Sequence[PublishError | None]:
        try:
            channel = self._open_channel()
        except BrokerLost as lost:
            raise BrokerUnavailable(f"({lost.why})") from lost
        answers: list[PublishError | None] = [None] * len(messages)
        reason = "unanswered"
        try:
            with channel.gathering():
                for place, message in enumerate(messages):
                    try:
                        channel.publish(message)
                    except PublishError as error:
                        answers[place] = error
            channel.read_answers(seconds=_CONFIRM_SECONDS)
        except BrokerLost as lost:
            reason = lost.why
        answers_given = channel.confirms.take()
        if answers_given.unknown or reason != "unanswered":
            self._channel = None
            channel.drop()
        elif channel.confirms.stale:
            self.close()
        self._used_at = time.monotonic()
        return [
            answer or _error_of(message, answers_given, reason)
            for message, answer in zip(messages, answers, strict=True)
        ]

    def _open_channel(self) -> ConfirmingChannel:
        # Nobody sends heartbeats between two letters: the broker hangs up on who is silent for two of them.
        if self._channel is not None and time.monotonic() - self._used_at > HEARTBEAT_SECONDS:
            self.close()
        if self._channel is None:
            self._channel = ConfirmingChannel(self._app)
        return self._channel


def _error_of(message: OutgoingMessage, answers_given: BrokerAnswers, reason: str) -> PublishError | None:
    # The same message may be there twice: then it counts as confirmed only if both are.
    refused = answers_given.refused.get(message.id)
    if refused is not None:
        route = f"({message.route.exchange} {message.route.routing_key})"
        return Unroutable(route) if refused.startswith("returned") else BrokerUnavailable("(refused)")
    if message.id in answers_given.unknown or message.id not in answers_given.confirmed:
        return BrokerUnavailable(f"({reason})")
    return None
