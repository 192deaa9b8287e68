"""What a receipt tells: of a registration what became of its letter and of itself, of every other request only `accepted`.

A decoy cannot imitate a slow or refusing mail server over time, so a request that may be answered by a decoy has a receipt
that tells nothing, for everybody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

_SOONEST: Final = timedelta(seconds=1)
_LATEST: Final = timedelta(seconds=60)
_SHARE_OF_AGE: Final = 5  # who has waited a minute need not know to the second


class ReceiptState(StrEnum):
    """What a request has come to: the states of its email, and the one of its registration that anybody may be told."""

    ACCEPTED = "accepted"
    QUEUED = "queued"
    DEFERRED = "deferred"
    SENT = "sent"
    CONFIRMED = "confirmed"
    UNCONFIRMED = "unconfirmed"
    FAILED = "failed"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    SUPPRESSED = "suppressed"
    LIMITED = "limited"


_S = ReceiptState
_READABLE: Final = frozenset({_S.SENT, _S.UNCONFIRMED})
_ENDS: Final = frozenset({_S.FAILED, _S.EXPIRED, _S.SUPERSEDED, _S.SUPPRESSED, _S.LIMITED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One entry of a timeline; `detail` is a short machine token such as `5.1.1`."""

    at: datetime
    state: ReceiptState
    detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterProgress:
    """What is known of a request, all of one moment.

    Attributes:
        tells: whether its receipt may say more than that it was accepted.
        steps: of its letters, oldest first; at least one.
        expires_at: when its newest letter makes sense no more.
        renewal_due: whether a fresh letter is about to be written.
        confirmed_at: when its registration was confirmed, if it was.
        now: the database's time.
    """

    tells: bool
    steps: Sequence[Step]
    expires_at: datetime
    renewal_due: bool
    confirmed_at: datetime | None
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What a receipt tells.

    Attributes:
        state: now.
        final: whether nothing more is to be expected.
        poll_after: when asking again makes sense; None if it does not.
        timeline: how it came there, oldest first.
    """

    state: ReceiptState
    final: bool
    poll_after: timedelta | None
    timeline: Sequence[Step]


def progress_of(letters: LetterProgress) -> Progress:
    """Returns what the receipt of a request tells."""
    if not letters.tells:
        accepted = Step(at=letters.steps[0].at, state=_S.ACCEPTED)
        return Progress(state=_S.ACCEPTED, final=True, poll_after=None, timeline=[accepted])
    if letters.confirmed_at is not None:
        return _confirmed(letters.steps, letters.confirmed_at)
    newest = letters.steps[-1]
    final = _is_final(letters, newest.state)
    return Progress(
        state=newest.state,
        final=final,
        poll_after=None if final else _pause(letters.now - newest.at),
        timeline=letters.steps,
    )


def _confirmed(steps: Sequence[Step], at: datetime) -> Progress:
    before = [step for step in steps if step.at <= at]
    after = [step for step in steps if step.at > at]
    timeline = [*before, Step(at=at, state=_S.CONFIRMED), *after]
    return Progress(state=_S.CONFIRMED, final=True, poll_after=None, timeline=timeline)


def _is_final(letters: LetterProgress, state: ReceiptState) -> bool:
    if state in _ENDS:
        return not letters.renewal_due
    # The reader of a letter that was sent may still confirm, until its link is too old.
    return state in _READABLE and letters.now >= letters.expires_at


def _pause(age: timedelta) -> timedelta:
    return min(max(age / _SHARE_OF_AGE, _SOONEST), _LATEST)
