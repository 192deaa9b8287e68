"""What is published after an attempt, each with its confirm; afterwards the message may be acknowledged."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import assert_never
from uuid import UUID

import structlog

from mail_contract.letters import LETTERS
from mail_contract.messages import Envelope, ReportedState
from mail_contract.topology import WaitTier
from mailer_service.deadletters.message import SUPPRESSED, UNCONFIRMED, Why, dead_letter, waiting_letter
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
from service_runtime.publishing.message import OutgoingMessage

log = structlog.get_logger(__name__)

IN_HAND = "in_hand"
"""The reason of a letter that waits because somebody else has a live claim on it."""
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
            case (
                TryLater(reason=reason, after=after)
                | Ambiguous(reason=reason, after=after)
                | Pause(reason=reason, after=after)
            ):
                self._report(ReportedState.DEFERRED, attempt)
                self.wait(envelope, tier_of(after), _why(reason, attempt))
            case Held():
                self.wait(envelope, WaitTier.S10, _why(IN_HAND, attempt))
            case Dead(reason=reason):
                self._lay_down(message, envelope, _why(reason, attempt))
                self._report(ReportedState.FAILED, attempt)
            case Unconfirmed():
                self._lay_down(message, envelope, _why(UNCONFIRMED, attempt))
                self._report(ReportedState.UNCONFIRMED, attempt)
            case Expired():
                self._lay_down(message, envelope, _why("expired", attempt))
                self._report(ReportedState.EXPIRED, attempt)
            case Cancelled():
                self._report(ReportedState.SUPERSEDED, attempt)
            case Suppressed():
                # Kept, for a person may find that the suppression was a mistake.
                self._lay_down(message, envelope, _why(SUPPRESSED, attempt))
                self._report(ReportedState.SUPPRESSED, attempt)
            case _:
                assert_never(outcome)

    def report(
        self, letter_id: UUID, state: ReportedState, *, attempt: int, at: datetime, reason: str | None = None
    ) -> None:
        """Tells auth-service what became of a letter; arguments as `reports.report_of` has them."""
        self._confirmed(outgoing_report(report_of(letter_id, state, attempt=attempt, at=at, reason=reason)))

    def wait(self, envelope: Envelope, tier: WaitTier, why: Why) -> None:
        """Puts a letter into a wait queue."""
        self._confirmed(waiting_letter(envelope, tier, why))

    def dead_letter(self, message: IncomingMessage, why: Why) -> None:
        """Puts a message, as it came, where a person finds it."""
        self._confirmed(dead_letter(message, why))

    def _lay_down(self, message: IncomingMessage, envelope: Envelope, why: Why) -> None:
        # After an account's last letter nobody is there whom a person could send it to again.
        if not LETTERS[envelope.header.letter].farewell:
            self.dead_letter(message, why)

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


def _why(reason: str, attempt: Attempt) -> Why:
    last, claim = attempt.last, attempt.claim
    return Why(
        reason=reason,
        reply=attempt.reply,
        attempts=attempt.number,
        provider=last.provider if last else claim.provider if claim else None,
        first_seen=attempt.first_seen,
        hashes=attempt.hashes,
    )
