"""② What operators do to accounts: each is one transaction under the locks of every other flow, and is written into the audit."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import structlog
from sqlalchemy.orm import Session

from auth_service.account_errors import NotSignedIn
from auth_service.db.account_changes import disable_account, enable_account, find_account_by_id
from auth_service.db.accounts import create_account, find_account
from auth_service.db.audit import record
from auth_service.db.mailboxes import lock_mailbox
from auth_service.db.registrations import (
    confirm_registration,
    find_by_id,
    find_newest_pending,
    overtake_registrations,
)
from auth_service.db.sessions import end_sessions
from auth_service.db.transactions import Transactions
from auth_service.domain.account import Account
from auth_service.domain.address import Address
from auth_service.domain.audit import AuditAction, operator_actor
from auth_service.domain.registration import Registration, SecondThing
from auth_service.domain.session import SessionEnd
from auth_service.errors import NoSuchAccount
from auth_service.flows.account_in_hand import AccountInHand, shut_other_ways_in, take_in_hand
from auth_service.flows.account_letters import AccountLetters
from auth_service.flows.delete_account import EraseAccount
from auth_service.flows.import_accounts import NO_PASSWORD
from auth_service.outbox import withdraw_letters
from auth_service.security.secrets import KeyedHash
from mail_contract.messages import CancellationReason

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operated:
    """What became of an account.

    Attributes:
        account_id: of it.
        changed: whether it was otherwise before.
        sessions: that ended.
    """

    account_id: UUID
    changed: bool
    sessions: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OperateAccounts:
    """An operator acts on somebody's account.

    Every method takes an address or an account's id, and raises NoSuchAccount, or DatabaseUnavailable, and may be repeated then.

    Attributes:
        transactions: for each.
        keyed_hash: for tags of mailboxes.
        letters: tell the account's person.
        erase: deletes one.
        by: the operator's name.
    """

    transactions: Transactions
    keyed_hash: KeyedHash
    letters: AccountLetters
    erase: EraseAccount
    by: str

    def disable(self, about: Address | UUID) -> Operated:
        """Shuts an account: nobody signs in, everybody is signed out, and its person is told."""
        with self.transactions.begin() as session:
            held = self._take_in_hand(session, about)
            account = held.account
            if not disable_account(session, account.id):
                return Operated(account_id=account.id, changed=False)
            ended = end_sessions(session, account.id, SessionEnd.DISABLED, but=None)
            shut_other_ways_in(session, account.id, SessionEnd.DISABLED, now=held.now)
            self.letters.account_disabled(session, account, now=held.now)
            self._record(session, AuditAction.ACCOUNT_DISABLE, account.id, sessions=ended)
        return Operated(account_id=account.id, changed=True, sessions=ended)

    def enable(self, about: Address | UUID) -> Operated:
        """Opens an account that was shut; its person signs in as before."""
        with self.transactions.begin() as session:
            account = self._take_in_hand(session, about).account
            changed = enable_account(session, account.id)
            if changed:
                self._record(session, AuditAction.ACCOUNT_ENABLE, account.id)
        return Operated(account_id=account.id, changed=changed)

    def sign_out(self, about: Address | UUID) -> Operated:
        """Ends all sessions of an account."""
        with self.transactions.begin() as session:
            account = self._take_in_hand(session, about).account
            ended = end_sessions(session, account.id, SessionEnd.OPERATOR, but=None)
            self._record(session, AuditAction.SIGN_OUT, account.id, sessions=ended)
        return Operated(account_id=account.id, changed=ended > 0, sessions=ended)

    def delete(self, about: Address | UUID) -> Operated:
        """Deletes an account as its person could: nothing that is kept leads to them, and they are told."""
        with self.transactions.begin() as session:
            account = self._find(session, about)
        try:
            self.erase(account.id, actor=operator_actor(self.by))
        except NotSignedIn:
            raise NoSuchAccount from None
        return Operated(account_id=account.id, changed=True)

    def verify(self, about: Address | UUID) -> Operated:
        """Makes a pending registration an account, on the operator's word that its person reads the mailbox.

        Args:
            about: an address: whose password it was is not known, so the account has none until its person chooses one by a
                reset. Or the id of a registration, for which the operator vouches: its password stands.
        """
        with self.transactions.begin() as session:
            seen = self._pending(session, about)
            at = None if seen is None else lock_mailbox(session, seen.recipient_tag)
            # Read again: it may have ended while this waited.
            registration = self._pending(session, about)
            if registration is None or at is None:
                return Operated(account_id=self._find(session, about).id, changed=False)
            changed = self._make(session, registration, vouched=about == registration.id)
            if changed:
                withdraw_letters(session, [registration.id], CancellationReason.SUPERSEDED, at=at)
            account = self._of(session, registration)
        return Operated(account_id=account.id, changed=changed)

    def _make(self, session: Session, registration: Registration, *, vouched: bool) -> bool:
        """Says whether it became one; not where its address has an account by now."""
        password_hash = registration.password_hash
        stands = vouched and password_hash != NO_PASSWORD
        if create_account(session, registration, password_hash=password_hash if stands else None) is None:
            return False
        if vouched:
            confirm_registration(
                session, registration, second=SecondThing.OPERATOR, password_hash=password_hash
            )
        else:
            overtake_registrations(session, registration.canonical_email)
        account = self._of(session, registration)
        self._record(session, AuditAction.VERIFY, account.id, password="kept" if stands else "none")
        return True

    def _of(self, session: Session, registration: Registration) -> Account:
        account = find_account(session, registration.canonical_email)
        if account is None:
            raise NoSuchAccount
        return account

    def _pending(self, session: Session, about: Address | UUID) -> Registration | None:
        if isinstance(about, UUID):
            found = find_by_id(session, about)
            return None if found is None or found.ended_for is not None else found
        if find_account(session, about.canonical) is not None:
            return None
        return find_newest_pending(session, typed=about.typed, canonical=about.canonical)

    def _take_in_hand(self, session: Session, about: Address | UUID) -> AccountInHand:
        account = self._find(session, about)
        try:
            return take_in_hand(session, account.id, self.keyed_hash, gone=NotSignedIn)
        except NotSignedIn:
            raise NoSuchAccount from None

    def _find(self, session: Session, about: Address | UUID) -> Account:
        account = (
            find_account_by_id(session, about)
            if isinstance(about, UUID)
            else find_account(session, about.canonical)
        )
        if account is None:
            raise NoSuchAccount
        return account

    def _record(self, session: Session, action: AuditAction, account_id: UUID, **detail: object) -> None:
        record(session, action, actor=operator_actor(self.by), target=account_id, detail=detail)
        _log.info("account_operated", action=action.value, account_id=str(account_id), by=self.by)
