"""Sessions: how long one lives, and why one ends. The pure rules; the flows are in `flows/sessions.py`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

RETRY_WINDOW: Final = timedelta(seconds=10)
"""How long a refresh token that was used gets the same successor: an answer may be lost, and two tabs may ask at once."""

MAX_OPEN_SESSIONS: Final = 100
"""Of an account; whoever signs in once more ends the oldest. A program that never signs out fills no table."""

OWN_CLIENT: Final = "postern"
"""The `client_id` of sessions that no registered application asked for."""

MAX_SOURCE_LENGTH: Final = 64
"""Characters of a network address as it is shown; the longest IPv6 address with a zone has fewer."""


class SessionEnd(StrEnum):
    """Why a session ended before its time."""

    SIGNED_OUT = "signed_out"
    """Its person signed out, or its refresh token was revoked."""
    REVOKED = "revoked"
    """Its person ended it from another session."""
    REUSED = "reused"
    """A refresh token came back that had a successor, or a code that had given the session: two hold it, and one of them stole it."""
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a word, not a secret
    PASSWORD_RESET = "password_reset"  # noqa: S105 - a word, not a secret
    EMAIL_CHANGED = "email_changed"
    DISABLED = "disabled"
    OPERATOR = "operator"
    """An operator signed the account out."""
    OUTNUMBERED = "outnumbered"
    """The account had as many newer ones as may be open."""


DISTRUSTED: Final = (
    SessionEnd.REUSED,
    SessionEnd.PASSWORD_RESET,
    SessionEnd.EMAIL_CHANGED,
    SessionEnd.OPERATOR,
)
"""Ends of sessions that may have been somebody else's: where they came from says nothing about the account's person."""


class Method(StrEnum):
    """How somebody proved to be the account's person: names of RFC 8176."""

    PASSWORD = "pwd"  # noqa: S105 - a word, not a secret
    LINK_OR_CODE = "otp"
    """Read a letter of ours in the account's mailbox."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetimes:
    """How long a session stays open: unused, and at most."""

    idle: timedelta
    absolute: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """With what, from where and through which application somebody signs in.

    Attributes:
        device: in words of ours; empty if unknown.
        source: the network address, as its person is shown it.
        client_id: of the application.
    """

    device: str = ""
    source: str = ""
    client_id: str = OWN_CLIENT


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSession:
    """A session as a flow sees it; open where it was found, unless it says otherwise.

    Attributes:
        id: of the session.
        account_id: whose.
        client_id: of the application that asked for it.
        amr: how its person proved who they are (RFC 8176).
        auth_time: when they last did.
        device: with what they signed in, in words of ours.
        source: the network address it was last used from.
        created_at, last_used_at: by the database.
        idle_until: when it ends if nobody uses it.
        expires_at: when it ends whoever uses it.
        ended_at: when it was ended before.
        delegated: whether it was opened by an authorization code: its access tokens are for the application's own servers.
    """

    id: UUID
    account_id: UUID
    client_id: str
    amr: Sequence[str]
    auth_time: datetime
    device: str
    source: str
    created_at: datetime
    last_used_at: datetime
    idle_until: datetime
    expires_at: datetime
    ended_at: datetime | None
    delegated: bool = False

    def is_open(self, now: datetime) -> bool:
        """Says whether it may be used."""
        return self.ended_at is None and now < self.idle_until


class Presented(StrEnum):
    """What a refresh token that came in is to its session."""

    FRESH = "fresh"
    """The newest: it is used now, and gets a successor."""
    REPEATED = "repeated"
    """It was used a moment ago: it gets the same successor."""
    REUSED = "reused"
    """It was used before: somebody has a copy."""


def judge(used_at: datetime | None, now: datetime) -> Presented:
    """Returns what a refresh token is that was first used then, by the database's clock."""
    if used_at is None:
        return Presented.FRESH
    return Presented.REPEATED if now - used_at <= RETRY_WINDOW else Presented.REUSED
