"""② An account while one flow alone may change it, and what ends every way into it but the one just used."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from auth_service.db.account_changes import find_account_by_id, lock_account
from auth_service.db.account_tokens import LEADING_IN, void_account_tokens
from auth_service.db.email_changes import end_pending_change
from auth_service.db.mailboxes import lock_mailbox
from auth_service.db.sessions import end_sessions
from auth_service.domain.account import Account
from auth_service.domain.session import SessionEnd
from auth_service.errors import DatabaseUnavailable, RequestError
from auth_service.flows.account_letters import LETTERS_WITH_SECRETS
from auth_service.outbox import withdraw_letters_of_account
from auth_service.security.secrets import KeyedHash
from mail_contract.messages import CancellationReason


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountInHand:
    """An account, the tag of its mailbox, and the database's time; both are locked until the transaction ends."""

    account: Account
    recipient_tag: str
    now: datetime


def take_in_hand(
    session: Session, account_id: UUID, keyed_hash: KeyedHash, *, gone: type[RequestError]
) -> AccountInHand:
    """Locks an account's mailbox and then its row, as every flow does.

    Raises:
        gone: it was deleted a moment ago.
        DatabaseUnavailable: its address was changed a moment ago; the same request may be sent again.
    """
    seen = find_account_by_id(session, account_id)
    if seen is None:
        raise gone
    tag = keyed_hash.recipient_tag(seen.canonical_email)
    now = lock_mailbox(session, tag)
    account = lock_account(session, account_id)
    if account is None:
        raise gone
    if account.canonical_email != seen.canonical_email:
        # Another mailbox must not be waited for with the row in hand: two who do so would wait for each other.
        raise DatabaseUnavailable
    return AccountInHand(account=account, recipient_tag=tag, now=now)


def shut_other_ways_in(
    session: Session, account_id: UUID, ended_for: SessionEnd, *, now: datetime, keep: UUID | None = None
) -> None:
    """Ends the account's sessions but the one to keep, its open links and codes, their letters, and its change of address.

    Whoever asked for one of these may have been somebody else; only the way back to an old address stays.
    """
    end_sessions(session, account_id, ended_for, but=keep)
    void_account_tokens(session, account_id)
    end_pending_change(session, account_id)
    letters = [LETTERS_WITH_SECRETS[purpose] for purpose in LEADING_IN]
    withdraw_letters_of_account(session, account_id, letters, CancellationReason.SUPERSEDED, at=now)
