"""② A signed-in person looks at their account, and chooses the language of its letters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from auth_service.account_errors import NotSignedIn
from auth_service.db.account_changes import find_account_by_id, set_locale
from auth_service.db.account_letters import SentLetter, letters_to_account
from auth_service.db.audit import record
from auth_service.db.email_changes import find_pending_change
from auth_service.db.limits import admit
from auth_service.db.transactions import Transactions
from auth_service.domain.account import Account
from auth_service.domain.audit import AuditAction, account_actor
from auth_service.domain.limit import parse_limit
from auth_service.errors import RateLimited
from auth_service.security.secrets import KeyedHash

PAGE: Final = 20
"""Letters a page."""

CHANGES: Final = parse_limit("30/hour")
"""Of what asks for no proof, by one account: each is written into the audit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """An account as its person sees it.

    Attributes:
        account: as it is.
        pending_email: an address that waits to be confirmed, as typed.
    """

    account: Account
    pending_email: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SentLetters:
    """A page of what was sent.

    Attributes:
        letters: newest first.
        next: what asks for the next page; None where this is the last.
    """

    letters: Sequence[SentLetter]
    next: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadAccount:
    """Every method raises NotSignedIn where the account is gone, and DatabaseUnavailable."""

    transactions: Transactions
    keyed_hash: KeyedHash

    def __call__(self, account_id: UUID) -> AccountView:
        """Returns the account."""
        with self.transactions.begin() as session:
            account = find_account_by_id(session, account_id)
            pending = find_pending_change(session, account_id)
        if account is None:
            raise NotSignedIn
        return AccountView(account=account, pending_email=None if pending is None else pending.email)

    def set_locale(self, account_id: UUID, locale: str) -> AccountView:
        """Sets the language of its letters; returns the account as it is then; raises RateLimited above `CHANGES`."""
        with self.transactions.begin() as session:
            admission = admit(session, self.keyed_hash.limit_key("account", str(account_id)), CHANGES)
            if not admission.admitted:
                raise RateLimited(admission.whole_seconds)
            set_locale(session, account_id, locale)
            actor = account_actor(account_id)
            record(session, AuditAction.ACCOUNT_UPDATE, actor=actor, target=account_id)
        return self(account_id)

    def letters(self, account_id: UUID, *, after: UUID | None = None) -> SentLetters:
        """Returns what was sent to its mailbox, newest first, `PAGE` at a time, those after a page's last letter."""
        with self.transactions.begin() as session:
            account = find_account_by_id(session, account_id)
            if account is None:
                raise NotSignedIn
            tag = self.keyed_hash.recipient_tag(account.canonical_email)
            found = letters_to_account(session, account, tag, after=after, limit=PAGE + 1)
        page = found[:PAGE]
        return SentLetters(letters=page, next=page[-1].id if len(found) > PAGE else None)
