"""② Remind people who signed up and did not confirm their address within a day: once a registration, and never against their will.

Each is decided under its mailbox's lock by one guarded statement, so however many workers do it at once, one letter is written.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import structlog

from auth_service.db.mailboxes import lock_mailbox
from auth_service.db.reminders import find_due, take_due, wants_reminder
from auth_service.db.transactions import Transactions
from auth_service.domain.address import Address
from auth_service.errors import DatabaseUnavailable
from auth_service.flows.campaign_watch import CampaignWatch
from auth_service.flows.limits import MailboxLimit
from auth_service.flows.sign_up_letters import SignUpLetters

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RemindRegistrations:
    """The worker looks through pending registrations from time to time."""

    transactions: Transactions
    letters: SignUpLetters
    requests: MailboxLimit
    watch: CampaignWatch

    def remind_due(self, *, limit: int) -> int:
        """Decides about registrations a day old, each in a transaction of its own; returns how many were looked at.

        One that fails gets no reminder, and those behind it are decided about.

        Raises:
            DatabaseUnavailable: the rest is still due.
        """
        with self.transactions.begin() as session:
            due = find_due(session, limit=limit)
        for registration_id, recipient_tag in due:
            try:
                self._decide(registration_id, recipient_tag)
            except DatabaseUnavailable:
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, it would come back with each run, and stop all behind it
                _log.error(
                    "reminder_failed", registration_id=str(registration_id), error=type(error).__name__
                )
                with self.transactions.begin() as session:
                    take_due(session, registration_id)
        return len(due)

    def _decide(self, registration_id: UUID, recipient_tag: str) -> None:
        with self.transactions.begin() as session:
            now = lock_mailbox(session, recipient_tag)
            registration = take_due(session, registration_id)
            if registration is None:
                return
            # What strangers typed in a campaign is not worth a second letter.
            campaign = self.watch.look(session).prove
            if not wants_reminder(session, registration_id, proved_only=campaign):
                return
            address = Address(typed=registration.email, canonical=registration.canonical_email)
            if self.requests.admit(session, address).admitted:
                self.letters.remind(session, registration, now=now)
                _log.info("registration_reminded", registration_id=str(registration_id))
