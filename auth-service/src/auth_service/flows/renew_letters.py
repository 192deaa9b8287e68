"""② Replace letters that expired unsent by fresh ones, at most twice a request: no dead link is ever delivered.

The mailer's word `expired` and the fresh letter are one transaction, and so are the relay's and its letter: a repeated
word finds the first one recorded. A decoy is renewed as a decoy; its receipt tells the same story.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from auth_service.domain.account import Account
from auth_service.domain.renewal import RequestedLetter, still_makes_sense
from auth_service.errors import UnknownLetter
from auth_service.flows.sign_up_letters import Recipient, SignUpLetters
from auth_service.inbox.record import Recorded, record_report
from auth_service.store.accounts import lock_by_id
from auth_service.store.letters import find_due, find_requested, is_withdrawn, take_due
from auth_service.store.transactions import Transactions
from mail_contract.messages import DeliveryReport, ReportedState

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """A letter while nobody else may write to its mailbox or change its account."""

    letter: RequestedLetter
    recipient: Recipient
    account: Account | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewLetters:
    """The worker takes the mailer's reports, and looks after letters that never reached it."""

    transactions: Transactions
    letters: SignUpLetters

    def take(self, report: DeliveryReport) -> Recorded:
        """Records a report; of a letter that expired, writes its successor with it.

        Raises:
            UnknownLetter: no letter of that id.
            DatabaseUnavailable: perhaps recorded, perhaps not; the same report may come again.
        """
        with self.transactions.begin() as session:
            if report.state is not ReportedState.EXPIRED:
                return record_report(session, report)
            held = self._hold(session, report.letter_id)
            recorded = record_report(session, report)
            if recorded is Recorded.MOVED:
                self._renew(session, held)
            return recorded

    def renew_due(self, *, limit: int) -> int:
        """Renews letters that expired in the outbox, each in a transaction of its own; returns how many were looked at.

        Raises:
            DatabaseUnavailable: the rest is still due.
        """
        with self.transactions.begin() as session:
            due = find_due(session, limit=limit)
        for letter_id in due:
            # One withdrawn a moment ago may be purged by now.
            with suppress(UnknownLetter), self.transactions.begin() as session:
                held = self._hold(session, letter_id)
                if take_due(session, letter_id):
                    self._renew(session, held)
        return len(due)

    def _hold(self, session: Session, letter_id: UUID) -> _Held:
        """Locks mailbox, then account, as every flow does; only then may the letter's own row be locked."""
        letter = find_requested(session, letter_id)
        if letter is None:
            raise UnknownLetter
        recipient = self.letters.lock_again(session, letter.recipient_tag)
        return _Held(letter=letter, recipient=recipient, account=lock_by_id(session, letter.account_id))

    def _renew(self, session: Session, held: _Held) -> None:
        letter, renewal = held.letter, held.letter.next
        # Whatever was written to this mailbox since has withdrawn the letter, in time or not.
        if (
            renewal is None
            or is_withdrawn(session, letter.id)
            or not still_makes_sense(letter.letter, held.account)
        ):
            _log.info("letter_not_renewed", letter_id=str(letter.id))
            return
        self.letters.renew(session, held.recipient, held.account, letter.letter, renewal)
        _log.info("letter_renewed", letter_id=str(letter.id), renewal=renewal.number)
