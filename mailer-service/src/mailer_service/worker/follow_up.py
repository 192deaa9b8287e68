"""What is published after an attempt, each with its confirm; afterwards the message may be acknowledged."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import assert_never
from uuid import UUID

import structlog

from mail_contract.messages import Envelope, ReportedState
from mail_contract.tasks import DELIVER_LETTER
from mail_contract.topology import WaitTier, wait_route
from mailer_service.deadletters.message import UNCONFIRMED, dead_letter
from mailer_service.delivery.attempt import Attempt
from mailer_service.delivery.claim import reason_of
from mailer_service.delivery.outcome import (
    Ambiguous,
    Cancelled,
    Dead,
    Discarded,
    Expired,
    Held,
    Pause,
    Sent,
    Suppressed,
    TryLater,
    Unconfirmed,
)
from mailer_service.delivery.retry import tier_of
from mailer_service.delivery.waiter import Waiter
from mailer_service.errors import Requeued
from mailer_service.incoming import IncomingMessage
from mailer_service.reports import outgoing_report, report_of
from service_runtime.publishing.confirms import PublishOutcome
from service_runtime.publishing.message import OutgoingMessage, call_of

log = structlog.get_logger(__name__)

_PAUSES = (0.1, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0, 15.0)
"""Seconds. A stale connection fails once; a restarting broker is back within half a minute; a missing binding must not
become a hot loop, nor use up the message's deliveries (ten) before somebody can mend it: here after ten minutes."""


class FollowUp:
    """Publishes; every method returns once the broker has confirmed, and raises Requeued if it does not.

    Args:
        publish: publishes one message and says what became of it.
        waiter: waits between two tries.
    """

    def __init__(self, *, publish: Callable[[OutgoingMessage], PublishOutcome], waiter: Waiter) -> None:
        self._publish = publish
        self._waiter = waiter

    def on(self, attempt: Attempt, message: IncomingMessage, envelope: Envelope) -> None:
        """Does what the outcome of an attempt asks for."""
        outcome = attempt.outcome
        match outcome:
            case Sent() | Discarded():
                self._report(ReportedState.SENT, attempt)
            case TryLater(after=after) | Ambiguous(after=after) | Pause(after=after):
                self._report(ReportedState.DEFERRED, attempt)
                self.wait(envelope, tier_of(after))
            case Held():
                self.wait(envelope, WaitTier.S10)
            case Dead(reason=reason):
                self.dead_letter(message, reason, attempt)
                self._report(ReportedState.FAILED, attempt)
            case Unconfirmed():
                self.dead_letter(message, UNCONFIRMED, attempt)
                self._report(ReportedState.UNCONFIRMED, attempt)
            case Expired():
                self.dead_letter(message, "expired", attempt)
                self._report(ReportedState.EXPIRED, attempt)
            case Cancelled():
                self._report(ReportedState.SUPERSEDED, attempt)
            case Suppressed():
                self._report(ReportedState.SUPPRESSED, attempt)
            case _:
                assert_never(outcome)

    def report(
        self, letter_id: UUID, state: ReportedState, *, attempt: int, at: datetime, reason: str | None = None
    ) -> None:
        """Tells auth-service what became of a letter; arguments as `reports.report_of` has them."""
        self._confirmed(outgoing_report(report_of(letter_id, state, attempt=attempt, at=at, reason=reason)))

    def wait(self, envelope: Envelope, tier: WaitTier) -> None:
        """Puts a letter into a wait queue."""
        header = envelope.header
        route = wait_route(header.letter_class, tier)
        self._confirmed(call_of(DELIVER_LETTER, envelope, route, task_id=header.id, priority=header.priority))

    def dead_letter(self, message: IncomingMessage, reason: str, attempt: Attempt | None = None) -> None:
        """Puts a message where a person finds it.

        Args:
            message: as it came.
            reason: a short token.
            attempt: what is known of the letter; None where nothing of the message is believed.
        """
        self._confirmed(
            dead_letter(
                message,
                reason,
                reply=attempt.reply if attempt else None,
                attempts=attempt.number if attempt else 0,
                first_seen=attempt.first_seen if attempt else None,
            )
        )

    def _report(self, state: ReportedState, attempt: Attempt) -> None:
        self.report(
            attempt.header.id,
            state,
            attempt=attempt.number,
            at=attempt.decided_at,
            reason=reason_of(attempt.outcome),
        )

    def _confirmed(self, message: OutgoingMessage) -> None:
        """Repeats a publish until it is confirmed; raises Requeued when that takes too long, or on a stop."""
        for pause in _PAUSES:
            outcome = self._publish(message)
            if outcome.confirmed:
                return
            log.warning("publish_failed", answer=outcome.answer, reason=outcome.reason, pause=pause)
            if not self._waiter.pause(pause):
                break
        raise Requeued
