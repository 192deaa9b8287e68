"""② Forgotten password, or sign in without one: whoever names an address has a letter sent to its mailbox, if it has an account.

Anybody may name any address, so everything takes the same steps whatever is known of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from auth_service.db.accounts import find_account
from auth_service.db.audit import record, record_nothing
from auth_service.db.mailboxes import mailbox_in_hand
from auth_service.db.transactions import Transactions
from auth_service.domain.address import Address
from auth_service.domain.audit import STRANGER, AuditAction
from auth_service.flows.account_letters import AccountLetters, LetterRequest
from auth_service.flows.limits import MailboxLimit
from auth_service.security.secrets import KeyedHash, Secret

Write = Callable[[Session, LetterRequest], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestAccountLetter:
    """A person asks for a way into their account; an address without one, or with pending registrations only, gets a decoy."""

    transactions: Transactions
    letters: AccountLetters
    keyed_hash: KeyedHash
    requests: MailboxLimit

    def reset(self, address: Address, *, device: str) -> Secret:
        """Sends the way to a new password; returns a receipt that says `accepted`; raises DatabaseUnavailable."""
        return self._send(self.letters.reset_password, AuditAction.PASSWORD_RESET_REQUEST, address, device)

    def sign_in(self, address: Address, *, device: str) -> Secret:
        """Sends a link and a code that sign in; returns a receipt that says `accepted`; raises DatabaseUnavailable."""
        return self._send(self.letters.sign_in_link, AuditAction.SIGN_IN_LINK_REQUEST, address, device)

    def _send(self, write: Write, asked: AuditAction, address: Address, device: str) -> Secret:
        receipt, tag = Secret.new(), self.keyed_hash.recipient_tag(address.canonical)
        with self.transactions.begin() as session, mailbox_in_hand(session, tag) as now:
            admission = self.requests.admit_from_anybody(session, address)
            account = find_account(session, address.canonical)
            request = LetterRequest(
                account=None if account is None or account.is_disabled else account,
                recipient_tag=tag,
                now=now,
                receipt=receipt,
                device=device,
                limited=not admission.admitted,
            )
            # Nothing older is voided or withdrawn: what a stranger asks for must not spoil what she asked for.
            write(session, request)
            # Not beyond the mailbox's limit, or anybody could fill the audit.
            if admission.admitted:
                target = tag if account is None else account.id
                record(session, asked, actor=STRANGER, target=target, detail={"device": device})
            else:
                record_nothing(session)
        return receipt
