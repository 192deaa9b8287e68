"""② Prove an address, by the link or by the code of the newest letter. Opens no session."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog
from sqlalchemy.orm import Session

from auth_service.domain.account import Account
from auth_service.domain.address import Address
from auth_service.domain.one_time_token import Purpose
from auth_service.domain.renewal import SIGN_UP_LETTERS
from auth_service.errors import RefusedCode, UnknownLink, UsedLink
from auth_service.outbox import withdraw_letters
from auth_service.security.secrets import KeyedHash, Secret
from auth_service.store.accounts import lock_by_address, lock_by_link, mark_verified
from auth_service.store.tokens import fate_of_link, find_open_token, use_code, use_link
from auth_service.store.transactions import Transactions
from mail_contract.messages import CancellationReason

_PURPOSE: Final = Purpose.VERIFY_ADDRESS
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A proved address, as its owner typed it, and since when."""

    email: str
    verified_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyAddress:
    """A person presses the button of the link's page, or types the code."""

    transactions: Transactions
    keyed_hash: KeyedHash

    def by_link(self, link: Secret) -> Verified:
        """Uses the link up.

        Who holds a link that was once good reads that mailbox, so they may be told why it is good no more.

        Raises:
            UnknownLink: never one of ours.
            UsedLink, ExpiredLink, ReplacedLink: no more.
            DatabaseUnavailable: perhaps used, perhaps not; the same link may be posted again.
        """
        with self.transactions.begin() as session:
            account = lock_by_link(session, link.digest, _PURPOSE)
            if account is None:
                raise UnknownLink
            if not use_link(session, account, _PURPOSE, link.digest):
                raise fate_of_link(session, link.digest)
            verified_at = self._mark(session, account)
            if verified_at is None:
                raise UsedLink
        return _verified(account, verified_at)

    def by_code(self, address: Address, code: str) -> Verified:
        """Uses the code up, or counts a try.

        Anybody may post a code for any address, so every failure is the same, in words, in work and in time.

        Raises:
            RefusedCode: whatever the reason.
            DatabaseUnavailable: perhaps used, perhaps not.
        """
        with self.transactions.begin() as session:
            account = lock_by_address(session, address.canonical)
            token_id = find_open_token(session, account, _PURPOSE)
            code_hash = self.keyed_hash.code(token_id, code)
            used = use_code(session, account, _PURPOSE, token_id=token_id, code_hash=code_hash)
            verified_at = self._mark(session, account) if used and account is not None else None
        # Raised only now: the counted try is committed.
        if account is None or verified_at is None:
            raise RefusedCode
        return _verified(account, verified_at)

    def _mark(self, session: Session, account: Account) -> datetime | None:
        """Verifies, and withdraws what was still to ask this mailbox for it: a copy on its way would only confuse."""
        at = mark_verified(session, account)
        if at is not None:
            tag = self.keyed_hash.recipient_tag(account.canonical_email)
            withdraw_letters(session, tag, SIGN_UP_LETTERS, CancellationReason.SUPERSEDED, at=at)
        return at


def _verified(account: Account, at: datetime) -> Verified:
    _log.info("address_verified", account_id=str(account.id))
    return Verified(email=account.email, verified_at=at)
