"""A few letters of each reason go first, and the others only when those few did not come back.

A provider that still refuses would turn every redriven letter away again, each with an attempt that its reputation counts.
What became of the few is in the ledger, where the mailers write it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from mailer_service.db.tables import IN_HAND, LetterState
from mailer_service.deadletters.message import UNCONFIRMED

CAME_BACK = "came_back"
UNDECIDED = "undecided"
USUAL = 5
"""Letters of a reason that go first, where nothing else is said."""
MANY = 20
"""With so few letters of a reason at hand nobody waits for the first of them."""
_LOOK_SECONDS = 0.25
_ON_THEIR_WAY = IN_HAND | {LetterState.WAITING}
_FAILED = frozenset({LetterState.DEAD, LetterState.UNCONFIRMED})


class Statuses(Protocol):
    """Where it is written what became of letters: the ledger."""

    def statuses(self, letter_ids: Sequence[UUID]) -> Mapping[UUID, tuple[LetterState, str | None]]:
        """As `DeadLedger` has it."""


@dataclass(slots=True, kw_only=True)
class _OfReason:
    """What is known of the letters of one reason.

    Attributes:
        sent: those sent so far.
        trusted: whether the first of them arrived.
        stopped: why no more go.
    """

    sent: list[UUID] = field(default_factory=list)
    trusted: bool = False
    stopped: str | None = None


class Canaries:
    """Watches what becomes of letters that were sent again, for one command."""

    def __init__(
        self,
        *,
        size: int = USUAL,
        many: int = MANY,
        patience: float,
        waiting: Callable[[int], None] = lambda _: None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Sends `size` first of a reason with more than `many` at hand, and waits up to `patience` seconds for them.

        `waiting` is told how many are waited for, each time there is another look.
        """
        self._size = size
        self._many = many
        self._patience = patience
        self._waiting = waiting
        self._sleep = sleep
        self._clock = clock
        self._reasons: dict[str, _OfReason] = {}

    def portion(self, reason: str, at_hand: int, statuses: Statuses) -> int | str:
        """Returns how many of a reason may go now, of those at hand; or why no more do. Raises LedgerUnavailable."""
        known = self._reasons.setdefault(reason, _OfReason())
        if known.stopped is None and len(known.sent) >= self._size:
            self._judge(reason, known, statuses)
        if known.stopped is not None:
            return known.stopped
        if known.trusted or at_hand + len(known.sent) <= self._many:
            return at_hand
        return self._size - len(known.sent)

    def went(self, reason: str, letter_ids: Sequence[UUID]) -> None:
        """Takes note of letters that were sent."""
        self._reasons.setdefault(reason, _OfReason()).sent.extend(letter_ids)

    def _judge(self, reason: str, known: _OfReason, statuses: Statuses) -> None:
        if known.trusted:
            # Those sent since the first: it may have begun to refuse again.
            if _back(reason, statuses.statuses(known.sent).values()) > self._size:
                known.stopped = CAME_BACK
            return
        until = self._clock() + self._patience
        while True:
            found = statuses.statuses(known.sent)
            if _back(reason, found.values()):
                known.stopped = CAME_BACK
                return
            settled = [state for state, _ in found.values() if state not in _ON_THEIR_WAY]
            over = self._clock() >= until
            if over or len(settled) == len(known.sent):
                break
            self._waiting(len(known.sent) - len(settled))
            self._sleep(_LOOK_SECONDS)
        known.trusted = any(state not in _FAILED for state in settled)
        if not known.trusted:
            known.stopped = CAME_BACK if settled else UNDECIDED


def _back(reason: str, statuses: Iterable[tuple[LetterState, str | None]]) -> int:
    """Returns how many failed again for the reason they had."""
    return sum(
        state in _FAILED and (why == reason or (reason == UNCONFIRMED and state is LetterState.UNCONFIRMED))
        for state, why in statuses
    )
