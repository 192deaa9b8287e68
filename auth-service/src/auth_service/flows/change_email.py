"""② Another address: asked for by a signed-in person, and waiting until the new mailbox's reader confirms it.

Whether the new address is taken shows neither in the answer nor in its time, nor in the account: only its owner is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from sqlalchemy.orm import Session

from auth_service.account_errors import NotSignedIn
from auth_service.db.account_changes import lock_account
from auth_service.db.account_tokens import void_account_tokens
from auth_service.db.accounts import find_account
from auth_service.db.audit import record
from auth_service.db.email_changes import EmailChange, add_email_change, end_pending_change
from auth_service.db.mailboxes import is_refused, mailbox_in_hand
from auth_service.db.transactions import Transactions
from auth_service.domain.account import Account
from auth_service.domain.address import Address
from auth_service.domain.audit import AuditAction, account_actor
from auth_service.domain.one_time_token import Purpose
from auth_service.flows.account_letters import AccountLetters, LetterRequest
from auth_service.flows.authenticate import SignedIn
from auth_service.flows.confirm_identity import require_open
from auth_service.flows.limits import MailboxLimit
from auth_service.outbox import withdraw_letters_of_account
from auth_service.security.secrets import KeyedHash, Secret
from mail_contract.letters import LetterName
from mail_contract.messages import CancellationReason


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeEmail:
    """A person wants letters to go elsewhere."""

    transactions: Transactions
    letters: AccountLetters
    keyed_hash: KeyedHash
    requests: MailboxLimit

    def __call__(self, signed_in: SignedIn, address: Address, *, device: str) -> Secret:
        """Sends the new address a letter, and forgets an older wish; returns a receipt that says `accepted`.

        Raises:
            NotSignedIn: the session ended meanwhile, perhaps with the account.
            DatabaseUnavailable: perhaps sent, perhaps not.
        """
        receipt, tag = Secret.new(), self.keyed_hash.recipient_tag(address.canonical)
        with self.transactions.begin() as session, mailbox_in_hand(session, tag) as now:
            admission = self.requests.admit_from_anybody(session, address)
            account = lock_account(session, signed_in.session.account_id)
            if account is None or account.is_disabled:
                raise NotSignedIn
            require_open(session, signed_in)
            self._forget_older(session, account, now=now)
            there = find_account(session, address.canonical)
            change = _pending(account, address, tag, now=now)
            add_email_change(session, change)
            request = LetterRequest(
                account=None if there is None or there.id == account.id else there,
                recipient_tag=tag,
                now=now,
                receipt=receipt,
                device=device,
                # Whoever wants no letters of sign-up wants none of these either.
                limited=is_refused(session, tag) or not admission.admitted,
            )
            self.letters.confirm_email(session, change, request, locale=account.locale)
            actor = account_actor(account.id)
            record(session, AuditAction.EMAIL_CHANGE_REQUEST, actor=actor, target=account.id)
        return receipt

    def _forget_older(self, session: Session, account: Account, *, now: datetime) -> None:
        end_pending_change(session, account.id)
        void_account_tokens(session, account.id, [Purpose.CONFIRM_EMAIL])
        superseded = CancellationReason.SUPERSEDED
        withdraw_letters_of_account(session, account.id, [LetterName.CONFIRM_EMAIL], superseded, at=now)


def _pending(account: Account, address: Address, recipient_tag: str, *, now: datetime) -> EmailChange:
    return EmailChange(
        id=uuid4(),
        account_id=account.id,
        email=address.typed,
        canonical_email=address.canonical,
        recipient_tag=recipient_tag,
        old_email=account.email,
        old_canonical_email=account.canonical_email,
        created_at=now,
        confirmed_at=None,
        reverted_at=None,
        ended_at=None,
    )
