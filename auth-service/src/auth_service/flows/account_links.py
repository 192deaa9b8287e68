"""② The links of an account's letters: found, and why one is good no more."""

from __future__ import annotations

from sqlalchemy.orm import Session

from auth_service.db.account_tokens import AccountToken, find_account_token
from auth_service.db.email_changes import EmailChange, find_email_change
from auth_service.domain.one_time_token import Purpose
from auth_service.errors import ExpiredLink, UnknownLink, UsedLink, VoidLink
from auth_service.security.secrets import Secret


def find_link(session: Session, link: Secret, purpose: Purpose) -> AccountToken:
    """Returns the token of a link; raises UnknownLink."""
    token = find_account_token(session, link.digest, purpose)
    if token is None:
        raise UnknownLink
    return token


def require_good(token: AccountToken) -> None:
    """Raises why a link that was once good is not any more, if it is not: who holds it reads that mailbox, so they may know."""
    if token.used_at is not None:
        raise UsedLink
    if token.voided_at is not None:
        raise VoidLink
    if token.expired:
        raise ExpiredLink


def change_of(session: Session, token: AccountToken) -> EmailChange:
    """Returns the change of address a link is of; raises UnknownLink."""
    if token.email_change_id is None:
        raise UnknownLink
    return find_email_change(session, token.email_change_id)
