"""One command's way through the letters it is about: portion by portion, in one session or in several.

Each letter is acted upon once: one that was sent again and came back meanwhile is left for another command.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from mail_contract.keys import VerifyingKeys
from mail_contract.topology import CANCELLATION_ROUTE
from mailer_service.deadletters.canaries import Canaries
from mailer_service.deadletters.decision import Action, Decision, SendAgain
from mailer_service.deadletters.info import LetterInfo
from mailer_service.deadletters.queue import LetterQueue
from mailer_service.deadletters.selection import Summary
from mailer_service.deadletters.session import LetterSession
from mailer_service.delivery.dead_ledger import DeadLedger

_PORTION_SECONDS = 0.5
_SESSION_SECONDS = 600.0
"""RabbitMQ takes back what a consumer has held for 30 minutes, and others wait for the session: a slow run takes a break."""


class Decide(Protocol):
    """Decides what is done with letters."""

    def __call__(
        self,
        infos: Sequence[LetterInfo],
        ledger: DeadLedger,
        *,
        keys: VerifyingKeys | None,
        dry_run: bool,
    ) -> Iterable[Decision]:
        """As `redrive` and `drop` have it."""


@dataclass(slots=True, kw_only=True)
class Run:
    """What a command has done so far, and how it goes on.

    Attributes:
        decide: one of `deadletters.verbs`.
        takes: which are meant.
        summary: grows as things are done, so that it is true even if this ends with an error.
        limit: stop once so many were acted upon; those that stay do not count.
        dry_run: publish nothing and take nothing out.
        once: leave a second message of a letter alone.
        canaries: lets a few go first; None lets all go.
        rate: letters a second, at most; None for as fast as it goes.
        progress: is told how many were looked at so far.
    """

    decide: Decide
    takes: Callable[[LetterInfo], bool]
    summary: Summary = field(default_factory=Summary)
    limit: int | None = None
    dry_run: bool = False
    once: bool = False
    canaries: Canaries | None = None
    rate: float | None = None
    progress: Callable[[int], None] = lambda _: None
    _seen: set[tuple[str, str]] = field(default_factory=set)
    _looked_at: int = 0
    _begun: bool = False
    _due: float = 0.0

    def go_on(self, session: LetterSession) -> bool:
        """Works in a session; returns False where another one is to go on, for this one lasted long enough.

        Raises:
            BrokerLost, BrokerRefuses, NotTaken, LedgerUnavailable: what was not done stays in the queue.
        """
        again, self._begun = self._begun, True
        until = time.monotonic() + (float("inf") if self.rate is None else _SESSION_SECONDS)
        for queue, window in session.windows():
            meant = [info for info in window if self.takes(info)]
            if not again:
                self.summary.looked_at += len(window)
                self._advance(len(window) - len(meant))
            for reason, group in self._groups(meant):
                if not self._work_through(session, queue, reason, group, until=until):
                    return False
                if self.limit == 0:
                    return True
        return True

    def _groups(self, meant: Sequence[LetterInfo]) -> Iterable[tuple[str, list[LetterInfo]]]:
        if self.once:
            meant = list({info.key: info for info in meant if info.key not in self._seen}.values())
        if self.canaries is None:
            return [("", list(meant))]
        groups: dict[str, list[LetterInfo]] = {}
        for info in meant:
            groups.setdefault(info.reason, []).append(info)
        return groups.items()

    def _work_through(
        self,
        session: LetterSession,
        queue: LetterQueue,
        reason: str,
        group: Sequence[LetterInfo],
        *,
        until: float,
    ) -> bool:
        left = list(group)
        while left and self.limit != 0:
            size: int | str = len(left)
            if self.canaries is not None:
                size = self.canaries.portion(reason, len(left), session.ledger)
            if isinstance(size, str):
                for info in left:
                    self.summary.keep(info, size)
                self._done_with(left)
                return True
            portion = left[: self._at_most(size)]
            left = left[len(portion) :]
            self._act(session, queue, reason, portion)
            if time.monotonic() > until:
                return False
        return True

    def _at_most(self, size: int) -> int:
        """Returns how many go in one portion; waits for the moment where there is a rate."""
        if self.rate is not None:
            size = min(size, max(1, int(self.rate * _PORTION_SECONDS)))
            time.sleep(max(0.0, self._due - time.monotonic()))
            self._due = max(self._due, time.monotonic()) + size / self.rate
        return size if self.limit is None else min(size, self.limit)

    def _act(
        self, session: LetterSession, queue: LetterQueue, reason: str, portion: Sequence[LetterInfo]
    ) -> None:
        decided = list(self.decide(portion, session.ledger, keys=session.keys, dry_run=self.dry_run))
        acted = session.carry_out(queue, decided, self.summary, dry_run=self.dry_run)
        if self.limit is not None:
            self.limit -= len(acted)
        if self.canaries is not None:
            self.canaries.went(reason, [UUID(one.info.id) for one in acted if _is_sent(one.action)])
        self._done_with(portion)

    def _done_with(self, portion: Sequence[LetterInfo]) -> None:
        self.summary.matched += len(portion)
        if self.once:
            self._seen.update(info.key for info in portion)
        self._advance(len(portion))

    def _advance(self, count: int) -> None:
        self._looked_at += count
        self.progress(self._looked_at)


def _is_sent(action: Action) -> bool:
    """Whether a letter goes; a cancellation has no place of its own in the ledger."""
    return isinstance(action, SendAgain) and action.route != CANCELLATION_ROUTE
