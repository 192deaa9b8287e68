"""The classes of letters: whatever differs between two of them stands here, and all else is derived from it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType


class LetterClass(StrEnum):
    """How soon somebody expects the letter, the soonest first: in this order letters leave the outbox after an outage."""

    URGENT = "urgent"
    """Someone is staring at the screen."""
    STANDARD = "standard"
    """Someone expects it today."""
    BULK = "bulk"
    """Everybody gets one."""

    @property
    def queue(self) -> str:
        """The queue's name; every class has one of its own."""
        return f"mailer.{self}"

    @property
    def rate_lead(self) -> timedelta:
        """How far ahead a letter may reserve its moment with a provider whose rate is limited.

        The less urgent, the less: so that an urgent letter finds a moment soon.
        """
        return _RATE_LEADS[self]


_RATE_LEADS: Mapping[LetterClass, timedelta] = MappingProxyType(
    {
        LetterClass.URGENT: timedelta(seconds=30),
        LetterClass.STANDARD: timedelta(seconds=0.5),
        LetterClass.BULK: timedelta(seconds=0.25),
    }
)
