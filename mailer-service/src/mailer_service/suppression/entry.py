"""What is written down of a suppression, and what is read again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from mailer_service.store.tables import Scope

TAG_DIGITS = 16
"""Hexadecimal digits of a mark that are shown; enough to tell ten million apart, and to take one away by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSuppression:
    """Somebody said that letters are in vain there.

    Attributes:
        mark: keyed hash of the recipient or the domain.
        scope: which of them.
        reason: token of the reply that said so, or a person's word.
        lifetime: for how long; None until a person removes it.
        needed: how often it must be said before it holds.
    """

    mark: bytes
    scope: Scope
    reason: str
    lifetime: timedelta | None = None
    needed: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """One row, as an operator sees it.

    Attributes:
        tag: beginning of its mark, hexadecimal.
        scope: whom it keeps letters from.
        reason: why.
        since: when it was first said.
        expires_at: until when it holds, or counts; None until a person removes it.
        times, needed: how often it was said; how often it must be.
    """

    tag: str
    scope: Scope
    reason: str
    since: datetime
    expires_at: datetime | None
    times: int
    needed: int

    @property
    def holds(self) -> bool:
        """Whether letters are kept back already."""
        return self.times >= self.needed
