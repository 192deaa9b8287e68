"""② Forget what a probe registered, as if it had never asked."""

from __future__ import annotations

from dataclasses import dataclass

from auth_service.db.mailboxes import lock_mailbox
from auth_service.db.registrations import delete_registrations, registrations_of
from auth_service.db.transactions import Transactions
from auth_service.domain.address import Address
from auth_service.outbox import withdraw_letters
from auth_service.security.secrets import KeyedHash
from mail_contract.messages import CancellationReason


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetProbe:
    """Deletes the registrations of a probe's own mailbox, so that nobody takes them for a campaign's."""

    transactions: Transactions
    keyed_hash: KeyedHash

    def __call__(self, address: Address) -> None:
        """Deletes them, and withdraws what is still on its way; raises DatabaseUnavailable."""
        with self.transactions.begin() as session:
            now = lock_mailbox(session, self.keyed_hash.recipient_tag(address.canonical))
            registrations = registrations_of(session, address.canonical)
            withdraw_letters(session, registrations, CancellationReason.ACCOUNT_DELETED, at=now)
            delete_registrations(session, registrations)
