"""Holds: letters of registrations that wait in the outbox while a campaign lasts, and what becomes of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from auth_service.domain.campaign import HoldReason
from mail_contract.letters import LetterClass, LetterName


class HoldEnd(StrEnum):
    """How a hold ended; the word in metrics."""

    RELEASED = "released"
    """An operator let the letter go."""
    DROPPED = "dropped"
    """An operator took it out; its receipt says `limited`."""
    EXPIRED_RELEASED = "expired_released"
    """Its time was over, and the campaign too."""
    EXPIRED_DROPPED = "expired_dropped"
    """Its time was over, and the campaign was not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """That a letter is to be held.

    Attributes:
        reason: why.
        period: for how long at most.
    """

    reason: HoldReason
    period: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldLetter:
    """A letter while it is held; nothing in it says whose it is."""

    letter_id: UUID
    letter: LetterName
    letter_class: LetterClass
    reason: HoldReason
    held_since: datetime
    held_until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which held letters an operator means: those that fit everything that is given, the oldest first.

    Attributes:
        older_than: held at least so long.
        letter_class: of this class only.
        most: so many at most.
    """

    older_than: timedelta | None = None
    letter_class: LetterClass | None = None
    most: int | None = None
