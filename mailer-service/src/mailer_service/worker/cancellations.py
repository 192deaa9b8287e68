"""Takes a cancellation: marks the letter in the ledger, and reports it if that is the end of it."""

from __future__ import annotations

import structlog

from mail_contract.messages import Cancellation, ReportedState
from mailer_service.db.tables import LetterState
from mailer_service.delivery.ledger import Ledger
from mailer_service.delivery.waiter import Waiter
from mailer_service.errors import LedgerUnavailable, Requeued, Unauthentic
from mailer_service.incoming import IncomingMessage
from mailer_service.worker.follow_up import FollowUp

log = structlog.get_logger(__name__)


class Cancellations:
    """Withdraws letters."""

    def __init__(self, *, ledger: Ledger, follow_up: FollowUp, waiter: Waiter) -> None:
        self._ledger = ledger
        self._follow_up = follow_up
        self._waiter = waiter

    def take(self, message: IncomingMessage) -> str:
        """Handles one message and returns the letter's state, for monitoring; raises Requeued."""
        if self._waiter.stopping:
            raise Requeued
        try:
            cancellation = message.cancellation()
        except Unauthentic as error:
            log.warning("message_unauthentic", reason=error.reason, task_id=message.id)
            self._follow_up.dead_letter(message, error.reason)
            return "dead"
        try:
            return self._cancel(cancellation)
        except LedgerUnavailable as error:
            raise Requeued from error

    def _cancel(self, cancellation: Cancellation) -> str:
        status = self._waiter.until_done(lambda: self._ledger.cancel(cancellation))
        log.info("letter_cancelled", letter_id=str(cancellation.letter_id), state=status.state)
        # A letter in hand is not cancelled yet: whoever has it reports what became of it.
        if status.state is LetterState.CANCELLED:
            self._follow_up.report(
                cancellation.letter_id, ReportedState.SUPERSEDED, attempt=status.attempts, at=status.at
            )
        return status.state
