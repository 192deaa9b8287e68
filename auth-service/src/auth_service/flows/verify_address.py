"""② Prove an address: by a letter's link or code, and by a second thing that says whose password counts. Opens no session."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sqlalchemy.orm import Session

from auth_service.db.mailboxes import lock_mailbox, mailbox_in_hand
from auth_service.db.tokens import Token, count_try, find_by_address, find_by_link
from auth_service.db.transactions import Transactions
from auth_service.domain.address import Address
from auth_service.domain.one_time_token import Purpose
from auth_service.domain.password_policy import normalized
from auth_service.errors import PasswordNeeded, RefusedCode, RequestError, UnknownLink
from auth_service.flows.codes import token_of_code
from auth_service.flows.confirm_registration import ChosenPassword, Second, Verified, confirm, end_of
from auth_service.flows.limits import CodeLimit
from auth_service.security.passwords import Passwords
from auth_service.security.secrets import KeyedHash, Secret

_PURPOSE: Final = Purpose.VERIFY_ADDRESS

CheckPassword = Callable[[str, Address], None]
"""Raises if a password is not one that may be chosen for an address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyAddress:
    """A person presses the button of the link's page, or types the code."""

    transactions: Transactions
    passwords: Passwords
    keyed_hash: KeyedHash
    codes: CodeLimit

    def by_link(
        self, link: Secret, *, secret: Secret | None, password: str | None, check: CheckPassword
    ) -> Verified:
        """Uses the link up.

        Who holds a link that was once good reads that mailbox, so they may be told why it is good no more.

        Args:
            link: of the letter.
            secret: of the registration; its password counts then.
            password: chosen now, if no secret is given.
            check: what the password must pass for the link's address.

        Raises:
            UnknownLink: never one of ours, or forgotten.
            UsedLink, ExpiredLink, ReplacedLink, AlreadyConfirmed, RefusedRegistration: no more.
            PasswordNeeded: nothing is used up.
            TooBusy: no turn to hash in time; nothing is used up.
            DatabaseUnavailable: perhaps used, perhaps not; the same request may be sent again.
        """
        with self.transactions.begin() as session:
            token = _find(session, link)
        registration = token.registration
        second: Second = secret
        if secret is None and password is not None:
            ended = end_of(token)
            if ended is not None and not token.repeatable:
                raise ended
            address = Address(typed=registration.email, canonical=registration.canonical_email)
            check(password, address)
            second = self._chosen(password, address)
        with self.transactions.begin() as session:
            lock_mailbox(session, registration.recipient_tag)
            return confirm(session, _find(session, link), second)

    def by_code(
        self, address: Address, code: str, *, secret: Secret | None, password: str | None
    ) -> Verified:
        """Uses the code up, or counts a try on every code of the address that it might have been meant for.

        Anybody may post a code for any address, so every failure is the same, in words, in work and in time.

        Args:
            address: parsed.
            code: eight digits.
            secret: of the registration; its password counts then. A right code with another one's secret is answered like a
                link with one.
            password: chosen now, if no secret is given; it passed the policy.

        Raises:
            RefusedCode: whatever the reason.
            PasswordNeeded: the code is right; nothing is used up or counted.
            TooBusy: no turn to hash in time; nothing is used up.
            DatabaseUnavailable: perhaps used, perhaps not.
        """
        second: Second = secret
        if secret is None and password is not None:
            second = self._chosen(password, address)
        tag = self.keyed_hash.recipient_tag(address.canonical)
        with self.transactions.begin() as session, mailbox_in_hand(session, tag):
            within = self.codes.admit(session, tag)
            tokens = find_by_address(session, address.canonical, _PURPOSE)
            token = token_of_code(tokens, code, self.keyed_hash)
            verified = self._confirm(session, token, second) if token is not None and within else None
            if verified is None:
                count_try(session, tokens)
            else:
                self.codes.take_back(session, tag)
        # Raised only now: the counted try is committed.
        if verified is None:
            raise RefusedCode
        return verified

    def _confirm(self, session: Session, token: Token, second: Second) -> Verified | None:
        try:
            # What was begun for a code that is refused after all must not be committed with the counted try.
            with session.begin_nested():
                return confirm(session, token, second)
        except PasswordNeeded:
            raise
        except RequestError:
            return None

    def _chosen(self, password: str, address: Address) -> ChosenPassword:
        salt = self.keyed_hash.password_salt(address.canonical)
        return ChosenPassword(password_hash=self.passwords.hash(normalized(password), salt=salt))


def _find(session: Session, link: Secret) -> Token:
    token = find_by_link(session, link.digest, _PURPOSE)
    if token is None:
        raise UnknownLink
    return token
