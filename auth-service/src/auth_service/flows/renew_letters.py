"""② Replace letters that expired unsent by fresh ones, at most twice a request: no dead link is ever delivered.

The mailer's word `expired` and the fresh letter are one transaction, and so are the relay's and its letter: a repeated
word finds the first one recorded. The fresh letter says what is true by then: prove the address, or you have an account.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from auth_service.db.accounts import find_account
from auth_service.db.letters import find_due, find_requested, is_withdrawn, take_due
from auth_service.db.mailboxes import is_refused, lock_mailbox
from auth_service.db.registrations import find_by_id
from auth_service.db.reports import Recorded, record_report
from auth_service.db.transactions import Transactions
from auth_service.domain.registration import is_over
from auth_service.domain.renewal import RequestedLetter
from auth_service.errors import UnknownLetter
from auth_service.flows.sign_up_letters import LetterOrder, SignUpLetters
from mail_contract.messages import DeliveryReport, ReportedState

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """A letter while nobody else may write to its mailbox or end its registration, at the database's time."""

    letter: RequestedLetter
    now: datetime


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
        """Locks the mailbox, as every flow does first; only then may the letter's own row be locked."""
        letter = find_requested(session, letter_id)
        if letter is None:
            raise UnknownLetter
        return _Held(letter=letter, now=lock_mailbox(session, letter.recipient_tag))

    def _renew(self, session: Session, held: _Held) -> None:
        letter, renewal = held.letter, held.letter.next
        registration = find_by_id(session, letter.registration_id)
        account = None if registration is None else find_account(session, registration.canonical_email)
        if (
            renewal is None
            or registration is None
            # Whatever was written for this registration since has withdrawn the letter, in time or not.
            or is_withdrawn(session, letter.id)
            or is_over(registration, has_account=account is not None)
        ):
            _log.info("letter_not_renewed", letter_id=str(letter.id))
            return
        order = LetterOrder(
            registration=registration,
            account=account,
            recipient_tag=letter.recipient_tag,
            now=held.now,
            receipt=renewal,
            receipt_tells=letter.receipt_tells,
            limited=is_refused(session, letter.recipient_tag),
            held_for=registration.held_for,
        )
        self.letters.write(session, order)
        _log.info("letter_renewed", letter_id=str(letter.id), renewal=renewal.number)
