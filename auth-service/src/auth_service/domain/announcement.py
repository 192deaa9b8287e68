"""A letter to everybody who is verified: what is announced under which name, and how far it has come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from mail_contract.letters import LetterName


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """An announcement as the database remembers it.

    Attributes:
        name: given by the operator; the same name goes on where it stopped.
        letter: which letter.
        context: what it says.
        started_at: by the database; whoever was verified by then gets it.
        recipients: how many those were.
        letters: written so far.
        last_account_id: they were written in the order of the accounts' ids, up to this one.
        finished_at: None while there may be somebody left.
    """

    name: str
    letter: LetterName
    context: Mapping[str, str]
    started_at: datetime
    recipients: int
    letters: int
    last_account_id: UUID | None
    finished_at: datetime | None

    @property
    def is_finished(self) -> bool:
        """Whether everybody has a letter."""
        return self.finished_at is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressee:
    """Somebody who gets one.

    Attributes:
        account_id: whose letter it is.
        email: where it goes.
        canonical_email: what the recipient's tag is made of.
        locale: BCP 47, the language of the letter.
    """

    account_id: UUID
    email: str
    canonical_email: str
    locale: str
