"""② Sign in by the link or the code of a letter: whoever reads the mailbox gets in, once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy.orm import Session

from auth_service.db.account_tokens import AccountToken, find_account_tokens
from auth_service.db.mailboxes import mailbox_in_hand
from auth_service.db.tokens import count_try, use_token
from auth_service.db.transactions import Transactions
from auth_service.domain.address import Address
from auth_service.domain.one_time_token import Purpose
from auth_service.domain.session import Client, Method
from auth_service.errors import RefusedCode, UnknownLink, UsedLink, VoidLink
from auth_service.flows.account_in_hand import take_in_hand
from auth_service.flows.account_links import find_link, require_good
from auth_service.flows.codes import token_of_code
from auth_service.flows.limits import CodeLimit
from auth_service.flows.sessions import Grant, Sessions
from auth_service.security.secrets import KeyedHash, Secret

_PURPOSE: Final = Purpose.SIGN_IN


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInByLetter:
    """A person presses the button of the link's page, or types the code."""

    transactions: Transactions
    keyed_hash: KeyedHash
    codes: CodeLimit
    sessions: Sessions

    def by_link(self, link: Secret, client: Client) -> Grant:
        """Uses the link up and opens a session; a second time it does nothing.

        Raises:
            UnknownLink: never one of ours, or forgotten, or its account is shut.
            UsedLink, ExpiredLink, VoidLink: no more.
            DatabaseUnavailable: perhaps used, perhaps not.
        """
        with self.transactions.begin() as session:
            token = find_link(session, link, _PURPOSE)
        with self.transactions.begin() as session:
            held = take_in_hand(session, token.account.id, self.keyed_hash, gone=UnknownLink)
            token = find_link(session, link, _PURPOSE)
            require_good(token)
            if not token.is_for(held.recipient_tag):
                raise VoidLink
            grant = self._open(session, token, client)
            if grant is None:
                raise UsedLink
        return grant

    def by_code(self, address: Address, code: str, client: Client) -> Grant:
        """Uses the code up and opens a session, or counts a try on every code of the address that it might have been meant for.

        Anybody may post a code for any address, so every failure is the same, in words, in work and in time.

        Raises:
            RefusedCode: whatever the reason.
            DatabaseUnavailable: perhaps used, perhaps not.
        """
        tag = self.keyed_hash.recipient_tag(address.canonical)
        with self.transactions.begin() as session, mailbox_in_hand(session, tag):
            within = self.codes.admit(session, tag)
            found = find_account_tokens(session, address.canonical, _PURPOSE)
            tokens = [token for token in found if token.is_for(tag)]
            token = token_of_code(tokens, code, self.keyed_hash)
            grant = self._open(session, token, client) if token is not None and within else None
            if grant is None:
                count_try(session, tokens)
            else:
                self.codes.take_back(session, tag)
        # Raised only now: the counted try is committed.
        if grant is None:
            raise RefusedCode
        return grant

    def _open(self, session: Session, token: AccountToken, client: Client) -> Grant | None:
        if not use_token(session, token):
            return None
        return self.sessions.open(session, token.account.id, amr=[Method.LINK_OR_CODE], client=client)
