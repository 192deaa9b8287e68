"""An account before it is trusted: what standing an address has, and what a registration changes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class Standing(StrEnum):
    """How an address stands with us. Nobody outside may learn it from an answer."""

    UNKNOWN = "unknown"
    UNVERIFIED = "unverified"
    """Somebody registered it and has not proved to read its mail."""
    VERIFIED = "verified"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account as a flow sees it, its row locked.

    Attributes:
        id: of the account.
        email: as typed by whoever registered last before it was verified.
        canonical_email: the unique form.
        locale: BCP 47, the language of its letters.
        generation: grows with every registration of the unverified address; tokens of an older one are worth nothing.
        verified_at: None until somebody proved to read its mail.
    """

    id: UUID
    email: str
    canonical_email: str
    locale: str
    generation: int
    verified_at: datetime | None


def standing_of(account: Account | None) -> Standing:
    """Returns the standing of the address this account was looked up by."""
    if account is None:
        return Standing.UNKNOWN
    return Standing.UNVERIFIED if account.verified_at is None else Standing.VERIFIED
