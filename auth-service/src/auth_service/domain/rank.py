"""In which order messages leave the outbox after an outage; inside a rank the oldest first."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from mail_contract.classes import LetterClass

CANCELLATION_RANK: Final = 0
"""Cancellations leave first: one that comes after its letter was sent is worth nothing."""

LETTER_RANKS: Final[Mapping[LetterClass, int]] = MappingProxyType(
    {letter_class: rank for rank, letter_class in enumerate(LetterClass, start=CANCELLATION_RANK + 1)}
)
"""By class, in the order of `LetterClass`: the most urgent first."""
