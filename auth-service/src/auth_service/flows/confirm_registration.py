"""② Ending a registration as the one that counts: by the link or code that reached the mailbox, and by a second thing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy.orm import Session

from auth_service.db.accounts import create_account
from auth_service.db.registrations import confirm_registration
from auth_service.db.tokens import Token, use_token
from auth_service.domain.registration import EndedFor, Registration, SecondThing
from auth_service.errors import (
    AlreadyConfirmed,
    ExpiredLink,
    PasswordNeeded,
    RefusedRegistration,
    ReplacedLink,
    RequestError,
    UsedLink,
)
from auth_service.outbox import withdraw_letters
from auth_service.security.secrets import Secret
from mail_contract.messages import CancellationReason

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A proved address, as its registration had it, and since when."""

    email: str
    verified_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenPassword:
    """A password that the mailbox's reader chose just now, hashed with the address's salt."""

    password_hash: str


Second = Secret | ChosenPassword | None
"""What came beside the link or code: a registration's secret, a password, or nothing."""


def confirm(session: Session, token: Token, second: Second) -> Verified:
    """Makes the token's registration the account of its address; the mailbox is locked.

    Raises:
        UsedLink, ExpiredLink, ReplacedLink, AlreadyConfirmed, RefusedRegistration: no more.
        PasswordNeeded: what came beside does not say whose password counts; nothing is used up.
    """
    registration = token.registration
    if token.repeatable and _is_the_same(registration, second):
        return _verified(registration, registration.ended_at)
    ended = end_of(token)
    if ended is not None:
        raise ended
    if not fits(registration, second):
        raise PasswordNeeded
    password_hash = second.password_hash if isinstance(second, ChosenPassword) else registration.password_hash
    # Both guards hold whatever else is wrong: one use of a token, one account of an address.
    if not use_token(session, token):
        raise UsedLink
    at = create_account(session, registration, password_hash=password_hash)
    if at is None:
        raise AlreadyConfirmed
    confirm_registration(session, registration, second=_kind_of(second), password_hash=password_hash)
    # A copy on its way would only confuse. Letters of other registrations go on: their receipts must not tell.
    withdraw_letters(session, [registration.id], CancellationReason.SUPERSEDED, at=at)
    _log.info("registration_confirmed", registration_id=str(registration.id))
    return _verified(registration, at)


def end_of(token: Token) -> RequestError | None:
    """Says why a link or code that was once good is not any more, if it is not."""
    if token.used_at is not None:
        return UsedLink()
    match token.registration.ended_for:
        case EndedFor.CONFIRMED | EndedFor.OVERTAKEN | EndedFor.TAKEN:
            return AlreadyConfirmed()
        case EndedFor.REFUSED:
            return RefusedRegistration()
        case None:
            pass
    if token.voided_at is not None:
        return ReplacedLink()
    return ExpiredLink() if token.expired else None


def fits(registration: Registration, second: Second) -> bool:
    """Says whether what came beside a link or code decides whose password is to count."""
    if isinstance(second, Secret):
        return second.digest == registration.secret_hash
    return second is not None


def _is_the_same(registration: Registration, second: Second) -> bool:
    """Says whether a confirmed registration was confirmed with this."""
    if second is None or registration.confirmed_with is not _kind_of(second):
        return False
    if isinstance(second, Secret):
        return second.digest == registration.secret_hash
    return second.password_hash == registration.password_hash


def _kind_of(second: Second) -> SecondThing:
    return SecondThing.REGISTRATION_SECRET if isinstance(second, Secret) else SecondThing.PASSWORD


def _verified(registration: Registration, at: datetime | None) -> Verified:
    assert at is not None  # noqa: S101 - for the type checker: a CHECK of the table says so
    return Verified(email=registration.email, verified_at=at)
