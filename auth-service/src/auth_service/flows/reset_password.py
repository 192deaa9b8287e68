"""② A new password, by the link of a letter: whoever reads the mailbox chooses it, and everybody else is signed out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy.orm import Session

from auth_service.db.account_changes import set_password
from auth_service.db.audit import record
from auth_service.db.tokens import use_token
from auth_service.db.transactions import Transactions
from auth_service.domain.account import Account
from auth_service.domain.audit import AuditAction, account_actor
from auth_service.domain.one_time_token import Purpose
from auth_service.domain.password_policy import normalized
from auth_service.domain.session import SessionEnd
from auth_service.errors import UnknownLink, UsedLink, VoidLink
from auth_service.flows.account_in_hand import shut_other_ways_in, take_in_hand
from auth_service.flows.account_letters import AccountLetters
from auth_service.flows.account_links import find_link, require_good
from auth_service.flows.verify_address import CheckPassword
from auth_service.security.passwords import Passwords
from auth_service.security.secrets import KeyedHash, Secret

_PURPOSE: Final = Purpose.RESET_PASSWORD


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetPassword:
    """A person chooses a password they will not forget, or the first one of an account that had none."""

    transactions: Transactions
    passwords: Passwords
    keyed_hash: KeyedHash
    letters: AccountLetters

    def __call__(self, link: Secret, password: str, *, check: CheckPassword, device: str) -> None:
        """Uses the link up; the same request again within ten minutes changes nothing and succeeds.

        Args:
            link: of the letter.
            password: of the right length.
            check: what it must pass for the account's address.
            device: in words of ours, for the notice.

        Raises:
            UnknownLink: never one of ours, or forgotten, or its account is shut.
            UsedLink, ExpiredLink, VoidLink: no more.
            TooBusy: no turn to hash in time; nothing is used up.
            DatabaseUnavailable: perhaps used, perhaps not; the same request may be sent again.
        """
        with self.transactions.begin() as session:
            token = find_link(session, link, _PURPOSE)
        if not token.repeatable:
            require_good(token)
        account = token.account
        check(password, account.address)
        salt = self.keyed_hash.password_salt(account.canonical_email)
        password_hash = self.passwords.hash(normalized(password), salt=salt)
        with self.transactions.begin() as session:
            self._reset(session, link, account, password_hash, device)

    def _reset(
        self, session: Session, link: Secret, account: Account, password_hash: str, device: str
    ) -> None:
        held = take_in_hand(session, account.id, self.keyed_hash, gone=UnknownLink)
        token = find_link(session, link, _PURPOSE)
        if token.repeatable and token.account.password_hash == password_hash:
            return
        require_good(token)
        if not token.is_for(held.recipient_tag):
            raise VoidLink
        if not use_token(session, token):
            raise UsedLink
        set_password(session, account.id, password_hash)
        shut_other_ways_in(session, account.id, SessionEnd.PASSWORD_RESET, now=held.now)
        self.letters.password_changed(session, held.account, now=held.now, device=device)
        record(session, AuditAction.PASSWORD_RESET, actor=account_actor(account.id), target=account.id)
