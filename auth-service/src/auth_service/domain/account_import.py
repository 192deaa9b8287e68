"""An import of accounts: the lines of a file that other software exported, and how far it has come."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from auth_service.domain.address import Address

DEFAULT_LOCALE = "en"
"""The language of letters to whoever the file says nothing of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedPerson:
    """A line that can be imported.

    Attributes:
        line: its number in the file, from 1.
        address: parsed.
        password_hash: PHC string (`security/stored_hashes.py`); None for who has no password.
        verified: whether they proved there that they read the address's mail.
        locale: BCP 47, the language of letters.
        created_at: of the account there; None for now.
    """

    line: int
    address: Address
    password_hash: str | None = field(repr=False)
    verified: bool
    locale: str
    created_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedLine:
    """A line that is not imported.

    Attributes:
        line: its number in the file, from 1.
        reason: in words, quoting nothing of it.
    """

    line: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountImport:
    """How far the import of one file has come, as the database remembers it.

    Attributes:
        digest: SHA-256 of the file, by which it is known again.
        records: of the file that are done with.
        accounts: that were made of them.
        pending: registrations that were made of unverified ones.
        refused: that were neither.
        finished_at: None while there may be some left.
    """

    digest: bytes
    records: int
    accounts: int
    pending: int
    refused: int
    finished_at: datetime | None
