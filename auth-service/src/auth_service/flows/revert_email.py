"""② The way back: the old mailbox's reader says that the change of address wasn't theirs.

Whoever changed it had a session and a recent sign-in, so perhaps the password: everybody is signed out, the password is gone, and
the old address gets a letter by which its reader chooses another one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from auth_service.db.account_changes import lock_account, set_address, set_password
from auth_service.db.account_tokens import void_later_ways_back
from auth_service.db.audit import record
from auth_service.db.email_changes import EmailChange, revert_email_change
from auth_service.db.mailboxes import lock_mailboxes
from auth_service.db.registrations import overtake_registrations
from auth_service.db.tokens import use_token
from auth_service.db.transactions import Transactions
from auth_service.domain.account import Account
from auth_service.domain.audit import AuditAction, account_actor
from auth_service.domain.one_time_token import Purpose
from auth_service.domain.session import SessionEnd
from auth_service.errors import AlreadyConfirmed, DatabaseUnavailable, UnknownLink, UsedLink, VoidLink
from auth_service.flows.account_in_hand import shut_other_ways_in
from auth_service.flows.account_letters import AccountLetters, LetterRequest
from auth_service.flows.account_links import change_of, find_link, require_good
from auth_service.security.secrets import KeyedHash, Secret

_PURPOSE: Final = Purpose.REVERT_EMAIL


@dataclass(frozen=True, slots=True, kw_only=True)
class RevertEmail:
    """A person takes a change of address back, for seven days."""

    transactions: Transactions
    keyed_hash: KeyedHash
    letters: AccountLetters

    def __call__(self, link: Secret, *, device: str) -> str:
        """Uses the link up; returns the address that the account has again, and the same for ten minutes.

        Args:
            link: of the letter to the old address.
            device: in words of ours, for the letter that asks for a new password.

        Raises:
            UnknownLink: never one of ours, or forgotten, or its account is shut.
            UsedLink, ExpiredLink, VoidLink: no more.
            AlreadyConfirmed: another account has the address by now.
            DatabaseUnavailable: perhaps used, perhaps not; the same request may be sent again.
        """
        with self.transactions.begin() as session:
            token = find_link(session, link, _PURPOSE)
            change = change_of(session, token)
        seen = token.account.canonical_email
        tag = self.keyed_hash.recipient_tag(change.old_canonical_email)
        with self.transactions.begin() as session:
            # Also the mailbox the account has now: what is sent there meanwhile would open the account after the way back.
            now = lock_mailboxes(session, {tag, change.recipient_tag, self.keyed_hash.recipient_tag(seen)})
            account = lock_account(session, change.account_id)
            if account is None:
                raise UnknownLink
            token = find_link(session, link, _PURPOSE)
            if token.repeatable:
                return change.old_email
            require_good(token)
            if account.canonical_email != seen:
                raise DatabaseUnavailable
            if not use_token(session, token):
                raise UsedLink
            void_later_ways_back(session, token)
            self._take_back(session, account, change, now=now)
            self.letters.email_change_undone(session, account, now=now, device=device)
            self._ask_for_a_password(session, account, change, tag, now=now, device=device)
        return change.old_email

    def _take_back(self, session: Session, account: Account, change: EmailChange, *, now: datetime) -> None:
        if not revert_email_change(session, change.id):
            raise VoidLink
        if not set_address(session, account.id, change.old):
            raise AlreadyConfirmed
        overtake_registrations(session, change.old_canonical_email)
        set_password(session, account.id, None)
        shut_other_ways_in(session, account.id, SessionEnd.EMAIL_CHANGED, now=now)
        record(session, AuditAction.EMAIL_REVERT, actor=account_actor(account.id), target=account.id)

    def _ask_for_a_password(
        self, session: Session, account: Account, change: EmailChange, tag: str, *, now: datetime, device: str
    ) -> None:
        request = LetterRequest(
            account=replace(account, email=change.old_email, canonical_email=change.old_canonical_email),
            recipient_tag=tag,
            now=now,
            receipt=Secret.new(),
            device=device,
            # Not counted: only its reader can ask for this one.
            limited=False,
        )
        self.letters.reset_password(session, request)
