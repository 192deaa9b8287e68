"""An account: somebody who proved to read an address's mail. Before that there are only registrations."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from auth_service.domain.address import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account as a flow sees it.

    Attributes:
        id: of the account.
        email: as typed by whoever proved to read its mail; letters go to this spelling.
        canonical_email: the unique form.
        locale: BCP 47, the language of its letters.
        verified_at: when the address was proved, by the database's clock.
        password_hash: None for whoever signs in by link or code only.
        disabled_at: since when an operator has shut it, if one has; to everybody outside it is not there then.
    """

    id: UUID
    email: str
    canonical_email: str
    locale: str
    verified_at: datetime
    password_hash: str | None = field(repr=False)
    disabled_at: datetime | None

    @property
    def is_disabled(self) -> bool:
        """Whether an operator has shut it."""
        return self.disabled_at is not None

    @property
    def address(self) -> Address:
        """Its address."""
        return Address(typed=self.email, canonical=self.canonical_email)
