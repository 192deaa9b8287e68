"""An account: somebody who proved to read an address's mail. Before that there are only registrations."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account as a flow sees it.

    Attributes:
        id: of the account.
        email: as typed by whoever proved to read its mail; letters go to this spelling.
        canonical_email: the unique form.
        locale: BCP 47, the language of its letters.
        verified_at: when the address was proved, by the database's clock.
    """

    id: UUID
    email: str
    canonical_email: str
    locale: str
    verified_at: datetime
