"""The audit: who did what to which account, and whether it was granted. It holds no address and no secret, and outlives the account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

STRANGER: Final = "stranger"
"""The actor where nobody has proved who they are."""

SYSTEM: Final = "system"
"""The actor of scheduled work."""


class AuditAction(StrEnum):
    """What was done, or was to be done. Another action is one more line here: the table takes any word."""

    SIGN_IN = "sign_in"
    SIGN_OUT = "sign_out"
    SESSION_REVOKE = "session_revoke"
    REFRESH_REUSE = "refresh_reuse"
    CODE_REUSE = "code_reuse"
    REAUTHENTICATE = "reauthenticate"
    VERIFY = "verify"
    PASSWORD_RESET_REQUEST = "password_reset_request"  # noqa: S105 - a word, not a secret
    SIGN_IN_LINK_REQUEST = "sign_in_link_request"
    PASSWORD_RESET = "password_reset"  # noqa: S105 - a word, not a secret
    PASSWORD_CHANGE = "password_change"  # noqa: S105 - a word, not a secret
    EMAIL_CHANGE_REQUEST = "email_change_request"
    EMAIL_CHANGE = "email_change"
    EMAIL_REVERT = "email_revert"
    ACCOUNT_UPDATE = "account_update"
    ACCOUNT_DISABLE = "account_disable"
    ACCOUNT_ENABLE = "account_enable"
    ACCOUNT_IMPORT = "account_import"
    ACCOUNT_EXPORT = "account_export"
    ACCOUNT_DELETE = "account_delete"
    REFUSAL_LIFT = "refusal_lift"
    HOLD_RELEASE = "hold_release"
    HOLD_DROP = "hold_drop"
    ANNOUNCE = "announce"
    """Of no account: the target is the announcement's name."""


class AuditResult(StrEnum):
    """Whether it was done."""

    DONE = "done"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """Something that was done or refused, as it is read.

    Attributes:
        at: when, by the database's clock.
        actor: who; see below.
        action: what; not only today's actions, for what is written down stays.
        target: to which account.
        result: whether it was granted.
        detail: a few words more.
    """

    at: datetime
    actor: str
    action: str
    target: str
    result: AuditResult
    detail: Mapping[str, Any]


def account_actor(account_id: UUID) -> str:
    """Returns the actor that a signed-in person is."""
    return f"account:{account_id}"


def operator_actor(name: str) -> str:
    """Returns the actor that an operator at a command line is, by their name on that machine."""
    return f"operator:{name}"
