"""An example of each letter, for previews and tests: what the link leads to is nobody's."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from uuid import UUID

from mail_contract.letters import (
    AccountDeleted,
    AccountDisabled,
    AccountExists,
    ConfirmEmail,
    EmailChanged,
    EmailChangeUndone,
    LetterContext,
    LetterName,
    NewSignIn,
    PasswordChanged,
    RegistrationReminder,
    ResetPassword,
    SignInLink,
    TermsChanged,
    VerifyAddress,
    definition_of,
)
from mail_contract.messages import EnvelopeHeader

BASE = "https://gate.example"
TOKEN = "Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6"  # noqa: S105 - it opens nothing
CREATED = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)

CODE = "48215937"
DEVICE = "Firefox on Linux"
REQUEST: Mapping[str, str] = MappingProxyType({"requested_at": CREATED.isoformat(), "device": DEVICE})
SIGN_UP: Mapping[str, str] = MappingProxyType({"refusal": f"{BASE}/refuse#token={TOKEN}", **REQUEST})
EVENT: Mapping[str, str] = MappingProxyType({"at": CREATED.isoformat(), "device": DEVICE})
FORGOTTEN = f"{BASE}/forgot"
EXAMPLES: Mapping[LetterName, LetterContext] = MappingProxyType(
    {
        definition_of(context).name: context
        for context in (
            VerifyAddress(link=f"{BASE}/verify#token={TOKEN}", code=CODE, **SIGN_UP),
            AccountExists(home=f"{BASE}/sign-in", **SIGN_UP),
            TermsChanged(url=f"{BASE}/terms/2027", applies_on="2027-01-31"),
            ResetPassword(link=f"{BASE}/reset#token={TOKEN}", **REQUEST),
            SignInLink(link=f"{BASE}/sign-in#token={TOKEN}", code=CODE, **REQUEST),
            PasswordChanged(reset=FORGOTTEN, **EVENT),
            NewSignIn(place="203.0.113.7", sessions=f"{BASE}/account", reset=FORGOTTEN, **EVENT),
            ConfirmEmail(link=f"{BASE}/confirm-email#token={TOKEN}", **REQUEST),
            EmailChanged(new_address="a…@example.test", revert=f"{BASE}/revert-email#token={TOKEN}", **EVENT),
            EmailChangeUndone(**EVENT),
            AccountDisabled(at=CREATED.isoformat()),
            AccountDeleted(at=CREATED.isoformat()),
            RegistrationReminder(link=f"{BASE}/verify#token={TOKEN}", code=CODE, **SIGN_UP),
        )
    }
)


def example_header(letter: LetterName, *, locale: str, letter_id: UUID | None = None) -> EnvelopeHeader:
    """Returns the clear part of the example's envelope."""
    definition = definition_of(EXAMPLES[letter])
    return EnvelopeHeader(
        id=letter_id or UUID(int=0),
        letter=letter,
        letter_class=definition.letter_class,
        priority=definition.priority,
        created_at=CREATED,
        expires_at=CREATED + definition.lifetime,
        locale=locale,
        recipient_tag="nobody",
    )
