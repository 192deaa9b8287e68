"""Takes a cancellation: marks the letter in the ledger, and reports it if that is the end of it."""

from __future__ import annotations

import structlog

from mail_contract.messages import Cancellation, ReportedState
from mailer_service.deadletters.publisher import DeadLetter, DeadLetterPublisher
from mailer_service.delivery.ledger import Ledger
from mailer_service.delivery.patience import Patience
from mailer_service.errors import GivenBack, LedgerUnavailable, Unauthentic
from mailer_service.inbox.arrival import Arrival
from mailer_service.inbox.persistence import persist
from mailer_service.reports.publisher import ReportPublisher
from mailer_service.store.tables import LetterState

log = structlog.get_logger(__name__)


class CancellationInbox:
    """The door for cancellations."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        reports: ReportPublisher,
        dead_letters: DeadLetterPublisher,
        patience: Patience,
    ) -> None:
        self._ledger = ledger
        self._reports = reports
        self._dead_letters = dead_letters
        self._patience = patience

    def take(self, arrival: Arrival) -> str:
        """Handles one message and returns the letter's state, for monitoring; raises GivenBack."""
        if self._patience.exhausted:
            raise GivenBack
        try:
            cancellation = arrival.cancellation()
        except Unauthentic as error:
            log.warning("message_unauthentic", reason=error.reason, task_id=arrival.id)
            return self._bury(arrival, error.reason)
        try:
            return self._cancel(cancellation)
        except LedgerUnavailable as error:
            raise GivenBack from error

    def _cancel(self, cancellation: Cancellation) -> str:
        standing = self._patience.insist(lambda: self._ledger.cancel(cancellation))
        log.info("letter_cancelled", letter_id=str(cancellation.letter_id), state=standing.state)
        # A letter in hand is not cancelled yet: whoever has it reports what became of it.
        if standing.state is LetterState.CANCELLED:
            persist(
                lambda: self._reports.publish(
                    cancellation.letter_id,
                    ReportedState.SUPERSEDED,
                    attempt=standing.attempts,
                    at=standing.at,
                ),
                patience=self._patience,
            )
        return standing.state

    def _bury(self, arrival: Arrival, reason: str) -> str:
        dead = DeadLetter(
            task=arrival.task,
            id=arrival.id,
            args=arrival.args,
            kwargs=arrival.kwargs,
            priority=arrival.priority,
            letter_class=None,
            reason=reason,
        )
        persist(lambda: self._dead_letters.publish(dead), patience=self._patience)
        return "dead"
