"""② An account is deleted: its sessions end, its unsent letters are withdrawn, and nothing that is kept leads to its person."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.orm import Session

from auth_service.account_errors import NotSignedIn
from auth_service.db.account_changes import delete_account
from auth_service.db.audit import forget_mailbox, record
from auth_service.db.email_changes import former_addresses
from auth_service.db.registrations import delete_registrations, registrations_of
from auth_service.db.transactions import Transactions
from auth_service.domain.audit import AuditAction, account_actor
from auth_service.flows.account_in_hand import AccountInHand, take_in_hand
from auth_service.flows.account_letters import AccountLetters
from auth_service.flows.authenticate import SignedIn
from auth_service.flows.confirm_identity import ConfirmIdentity, Proof, require_unchanged
from auth_service.outbox import withdraw_letters, withdraw_letters_of_account
from auth_service.outbox.forget import forget_letters
from auth_service.security.secrets import KeyedHash
from mail_contract.letters import LetterName
from mail_contract.messages import CancellationReason


@dataclass(frozen=True, slots=True, kw_only=True)
class EraseAccount:
    """An account goes, whoever decided it."""

    transactions: Transactions
    keyed_hash: KeyedHash
    letters: AccountLetters

    def __call__(self, account_id: UUID, *, actor: str) -> None:
        """Deletes an account; for the audit, `actor` is who does it. Raises NotSignedIn if it is gone, DatabaseUnavailable."""
        with self.transactions.begin() as session:
            self.erase(
                session, take_in_hand(session, account_id, self.keyed_hash, gone=NotSignedIn), actor=actor
            )

    def erase(self, session: Session, held: AccountInHand, *, actor: str) -> None:
        """Does the same inside a transaction that has the account in hand."""
        account, deleted = held.account, CancellationReason.ACCOUNT_DELETED
        # What came later to a former address is of whoever wants that since.
        addresses = [(account.canonical_email, None), *former_addresses(session, account.id)]
        mailboxes = [(self.keyed_hash.recipient_tag(address), until) for address, until in addresses]
        registrations = [
            id_ for address, until in addresses for id_ in registrations_of(session, address, until=until)
        ]
        withdraw_letters(session, registrations, deleted, at=held.now)
        withdraw_letters_of_account(session, account.id, list(LetterName), deleted, at=held.now)
        forget_letters(session, account.id, mailboxes, at=held.now)
        delete_registrations(session, registrations)
        for tag, until in mailboxes:
            forget_mailbox(session, tag, until=until)
        delete_account(session, account.id)
        self.letters.account_deleted(session, account, now=held.now)
        # Its id is a pseudonym from now on: nothing else is left that bears it.
        record(session, AuditAction.ACCOUNT_DELETE, actor=actor, target=account.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteAccount:
    """A person leaves."""

    identity: ConfirmIdentity
    erase: EraseAccount

    def __call__(self, signed_in: SignedIn, proof: Proof) -> None:
        """Deletes the account of a signed-in person.

        Args:
            signed_in: who.
            proof: that it is them.

        Raises:
            CurrentPasswordNeeded, WrongPassword, RecentSignInNeeded, NotSignedIn: it is not proved that it is them.
            TooBusy, DatabaseUnavailable: perhaps deleted, perhaps not.
        """
        account, erase = self.identity(signed_in, proof), self.erase
        with erase.transactions.begin() as session:
            held = take_in_hand(session, account.id, erase.keyed_hash, gone=NotSignedIn)
            require_unchanged(session, signed_in, account, held.account)
            erase.erase(session, held, actor=account_actor(account.id))
