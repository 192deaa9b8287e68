"""Takes a cancellation: marks the letter in the ledger, and reports it if that is the end of it."""

from __future__ import annotations

import structlog

from mail_contract.messages import Cancellation, ReportedState
from mailer_service.deadletters.publisher import DeadLetter, DeadLetterPublisher
from mailer_service.delivery.ledger import Ledger
from mailer_service.delivery.waiter import Waiter
from mailer_service.errors import GivenBack, LedgerUnavailable, Unauthentic
from mailer_service.incoming import IncomingMessage
from mailer_service.postbox import Postbox
from mailer_service.reports import report_of
from mailer_service.store.tables import LetterState
from mailer_service.worker.publish_with_retry import publish_with_retry

log = structlog.get_logger(__name__)


class Cancellations:
    """Withdraws letters."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        postbox: Postbox,
        dead_letters: DeadLetterPublisher,
        waiter: Waiter,
    ) -> None:
        self._ledger = ledger
        self._postbox = postbox
        self._dead_letters = dead_letters
        self._waiter = waiter

    def take(self, message: IncomingMessage) -> str:
        """Handles one message and returns the letter's state, for monitoring; raises GivenBack."""
        if self._waiter.stopping:
            raise GivenBack
        try:
            cancellation = message.cancellation()
        except Unauthentic as error:
            log.warning("message_unauthentic", reason=error.reason, task_id=message.id)
            return self._bury(message, error.reason)
        try:
            return self._cancel(cancellation)
        except LedgerUnavailable as error:
            raise GivenBack from error

    def _cancel(self, cancellation: Cancellation) -> str:
        standing = self._waiter.until_done(lambda: self._ledger.cancel(cancellation))
        log.info("letter_cancelled", letter_id=str(cancellation.letter_id), state=standing.state)
        # A letter in hand is not cancelled yet: whoever has it reports what became of it.
        if standing.state is LetterState.CANCELLED:
            report = report_of(
                cancellation.letter_id, ReportedState.SUPERSEDED, attempt=standing.attempts, at=standing.at
            )
            publish_with_retry(lambda: self._postbox.post(report), waiter=self._waiter)
        return standing.state

    def _bury(self, message: IncomingMessage, reason: str) -> str:
        dead = DeadLetter(message=message, reason=reason)
        publish_with_retry(lambda: self._dead_letters.publish(dead), waiter=self._waiter)
        return "dead"
