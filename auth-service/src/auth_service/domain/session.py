"""Sessions: how long one lives, and why one ends. The pure rules; the flows are in `flows/sessions.py`."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Final

RETRY_WINDOW: Final = timedelta(seconds=10)
"""How long a refresh token that was used gets the same successor: an answer may be lost, and two tabs may ask at once."""

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
    """A refresh token came back that had a successor: two hold the family, and one of them stole it."""
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a word, not a secret
    PASSWORD_RESET = "password_reset"  # noqa: S105 - a word, not a secret
    EMAIL_CHANGED = "email_changed"
    DISABLED = "disabled"
    OPERATOR = "operator"
    """An operator signed the account out."""


class Method(StrEnum):
    """How somebody proved to be the account's person: names of RFC 8176."""

    PASSWORD = "pwd"  # noqa: S105 - a word, not a secret
    LINK_OR_CODE = "otp"
    """Read a letter of ours in the account's mailbox."""
