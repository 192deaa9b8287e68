"""A letter that expired unsent is replaced by a fresh one, while what was asked for still makes sense."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, assert_never
from uuid import UUID

from auth_service.domain.account import Account, Standing, standing_of
from mail_contract.letters import LetterName

MAX_RENEWALS: Final = 2
"""Fresh letters a request gets at most. Whoever has waited three days for a letter has asked again or given up."""

SIGN_UP_LETTERS: Final = (LetterName.VERIFY_ADDRESS, LetterName.ACCOUNT_EXISTS)
"""The letters of signing up: a newer one withdraws the older, and each is renewed. What is sent to everybody is not: it
has its whole lifetime of a week, and says nothing that would be void."""


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
        account_id: whom it is about; None for a decoy.
        renewal_of: the first letter of the request, None if it is this one.
        renewal: how many fresh ones there were before it.
    """

    id: UUID
    letter: LetterName
    recipient_tag: str
    account_id: UUID | None
    renewal_of: UUID | None
    renewal: int

    @property
    def next(self) -> Renewal | None:
        """The place of the letter that would replace it, if there may be one more."""
        if self.letter not in SIGN_UP_LETTERS or self.renewal >= MAX_RENEWALS:
            return None
        return Renewal(of=self.renewal_of or self.id, number=self.renewal + 1)


def still_makes_sense(letter: LetterName, account: Account | None) -> bool:
    """Says whether what the letter says would still be so.

    A proof nobody was ever asked for, which is what a decoy pretends, is as good as before: its receipt must go on like
    that of a letter.
    """
    match letter:
        case LetterName.VERIFY_ADDRESS:
            return standing_of(account) is not Standing.VERIFIED
        case LetterName.ACCOUNT_EXISTS:
            return standing_of(account) is Standing.VERIFIED
        case LetterName.TERMS_CHANGED:
            return False
        case _:
            assert_never(letter)
