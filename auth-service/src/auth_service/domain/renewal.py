"""A letter that expired unsent is replaced by a fresh one, while its registration is remembered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from mail_contract.letters import LETTERS, LetterName

MAX_RENEWALS: Final = 2
"""Fresh letters a request gets at most. Whoever has waited three days for a letter has asked again or given up."""

RENEWABLE_LETTERS: Final = tuple(name for name, definition in LETTERS.items() if definition.renewable)
"""The letters whose requests may have a fresh one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """A letter's place in the story of its request.

    Attributes:
        of: the first letter of the request, whose receipt tells the story.
        number: 1 for the first renewal.
    """

    of: UUID
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedLetter:
    """A letter as its renewal sees it.

    Attributes:
        id: of the letter.
        letter: which one.
        recipient_tag: whose mailbox.
        registration_id: which registration asked for it; None for a decoy, whose receipt has nothing more to tell.
        receipt_tells: whether the request's receipt tells what becomes of it.
        renewal_of: the first letter of the request, None if it is this one.
        renewal: how many fresh ones there were before it.
    """

    id: UUID
    letter: LetterName
    recipient_tag: str
    registration_id: UUID | None
    receipt_tells: bool
    renewal_of: UUID | None
    renewal: int

    @property
    def next(self) -> Renewal | None:
        """The place of the letter that would replace it, if there may be one more."""
        if not LETTERS[self.letter].renewable or self.renewal >= MAX_RENEWALS:
            return None
        return Renewal(of=self.renewal_of or self.id, number=self.renewal + 1)
