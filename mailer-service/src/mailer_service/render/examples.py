"""An example of each letter, for previews and tests: what the link leads to is nobody's."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from uuid import UUID

from mail_contract.letters import (
    AccountExists,
    LetterContext,
    LetterName,
    TermsChanged,
    VerifyAddress,
    definition_of,
)
from mail_contract.messages import EnvelopeHeader

BASE = "https://gate.example"
TOKEN = "Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6"  # noqa: S105 - it opens nothing
CREATED = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)

REQUEST: Mapping[str, str] = MappingProxyType(
    {
        "refusal": f"{BASE}/refuse#token={TOKEN}",
        "requested_at": CREATED.isoformat(),
        "device": "Firefox on Linux",
    }
)
EXAMPLES: Mapping[LetterName, LetterContext] = MappingProxyType(
    {
        definition_of(context).name: context
        for context in (
            VerifyAddress(link=f"{BASE}/verify#token={TOKEN}", code="48215937", **REQUEST),
            AccountExists(home=f"{BASE}/sign-in", **REQUEST),
            TermsChanged(url=f"{BASE}/terms/2027", applies_on="2027-01-31"),
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
