"""② Remind people who signed up and did not confirm their address within a day: once a registration, and never against their will.

Each is decided under its mailbox's lock by one guarded statement, so however many workers do it at once, one letter is written.
"""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from auth_service.db.mailboxes import lock_mailbox
from auth_service.db.reminders import find_due, take_due, wants_reminder
from auth_service.db.transactions import Transactions
from auth_service.flows.sign_up_letters import SignUpLetters

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RemindRegistrations:
    """The worker looks through pending registrations from time to time."""

    transactions: Transactions
    letters: SignUpLetters

    def remind_due(self, *, limit: int) -> int:
        """Decides about registrations a day old, each in a transaction of its own; returns how many were looked at.

        Raises:
            DatabaseUnavailable: the rest is still due.
        """
        with self.transactions.begin() as session:
            due = find_due(session, limit=limit)
        for registration_id, recipient_tag in due:
            with self.transactions.begin() as session:
                now = lock_mailbox(session, recipient_tag)
                registration = take_due(session, registration_id)
                if registration is not None and wants_reminder(session, registration_id):
                    self.letters.remind(session, registration, now=now)
                    _log.info("registration_reminded", registration_id=str(registration_id))
        return len(due)
