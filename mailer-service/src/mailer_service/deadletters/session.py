"""An operator's session on the dead letters: queue, ledger and publisher, opened together and closed in order.

Order is what keeps a letter from being lost or doubled: the ledger first, then what is published with its confirm, and the
dead letter goes last. Killed anywhere in between, the next run finds it in the queue and does the same again, and the
ledger sends a letter once however many messages of it there are.
"""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Protocol, assert_never

from sqlalchemy import Engine

from mail_contract.keys import VerifyingKeys
from mailer_service.deadletters.decision import Decision, Discard, Keep, SendAgain, TellAuth
from mailer_service.deadletters.info import DeadLetterInfo, read
from mailer_service.deadletters.queue import DeadQueue
from mailer_service.deadletters.selection import Selection, Summary
from mailer_service.delivery.dead_ledger import DeadLedger
from mailer_service.errors import NotTaken
from mailer_service.reports import outgoing_report
from service_runtime.celery.app import build_app
from service_runtime.publishing.channel import ConfirmingChannel
from service_runtime.publishing.message import OutgoingMessage
from service_runtime.publishing.publisher import Publisher

_CONFIRM_SECONDS = 15.0


class Decide(Protocol):
    """Decides what is done with dead letters."""

    def __call__(
        self,
        infos: Sequence[DeadLetterInfo],
        ledger: DeadLedger,
        *,
        keys: VerifyingKeys | None,
        dry_run: bool,
    ) -> Iterable[Decision]:
        """As `redrive` and `drop` have it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterSession:
    """What one person works with, alone until it is closed.

    Attributes:
        keys: auth's public keys, if they are at hand.
    """

    publisher: Publisher
    queue: DeadQueue
    ledger: DeadLedger
    keys: VerifyingKeys | None

    def count(self) -> int:
        """Returns how many dead letters there are."""
        return self.queue.ready()

    def look(
        self, selection: Selection, *, progress: Callable[[int], None] = lambda _: None
    ) -> Iterator[DeadLetterInfo]:
        """Yields those that are meant, from the head of the queue; all go back untouched in the end."""
        left = selection.limit
        for window in self.queue.walk():
            for info in filter(selection.takes, map(read, window)):
                if left == 0:
                    return
                left = None if left is None else left - 1
                yield info
            progress(len(window))

    def run(
        self,
        decide: Decide,
        takes: Callable[[DeadLetterInfo], bool],
        summary: Summary,
        *,
        limit: int | None,
        dry_run: bool,
        progress: Callable[[int], None],
    ) -> None:
        """Does what was decided with each dead letter that is meant, a window at a time.

        Args:
            decide: `redrive` or `drop` of `deadletters.decision`.
            takes: which are meant.
            summary: grows as things are done, so that it is true even if this ends with an error.
            limit: stop once so many were acted upon; those that stay do not count.
            dry_run: publishes nothing and takes nothing out.
            progress: is told how many more were looked at.

        Raises:
            BrokerLost, BrokerRefuses, NotTaken, LedgerUnavailable: what was not done stays in the queue.
        """
        left = limit
        for window in self.queue.walk():
            meant = [info for info in map(read, window) if takes(info)]
            while meant and left != 0:
                portion, meant = (meant, []) if left is None else (meant[:left], meant[left:])
                decided = decide(portion, self.ledger, keys=self.keys, dry_run=dry_run)
                acted = self._carry_out(list(decided), summary, dry_run=dry_run)
                left = None if left is None else left - acted
                summary.matched += len(portion)
            summary.looked_at += len(window)
            progress(len(window))
            if left == 0:
                return

    def _carry_out(self, decided: Sequence[Decision], summary: Summary, *, dry_run: bool) -> int:
        going: list[Decision] = []
        outgoing: list[OutgoingMessage] = []
        acted = 0
        for decision in decided:
            action = decision.action
            if isinstance(action, Keep):
                summary.keep(decision.info, action.reason)
                continue
            acted += 1
            if dry_run:
                summary.done[decision.done] += 1
                continue
            match action:
                case SendAgain(route=route):
                    call = decision.info.incoming
                    priority = call.priority if call else 0
                    outgoing.append(decision.info.message.redriven(route, priority=priority))
                    going.append(decision)
                case TellAuth(report=report):
                    outgoing.append(outgoing_report(report))
                    going.append(decision)
                case Discard():
                    self._take_out(decision, summary)
                case _:
                    assert_never(action)
        outcomes = self.publisher.publish(outgoing) if outgoing else []
        for decision, outcome in zip(going, outcomes, strict=True):
            if outcome.confirmed:
                self._take_out(decision, summary)
        reasons = [outcome.reason for outcome in outcomes if not outcome.confirmed]
        if reasons:
            raise NotTaken(reasons[0])
        return acted

    def _take_out(self, decision: Decision, summary: Summary) -> None:
        self.queue.remove(decision.info.message)
        summary.done[decision.done] += 1


@contextmanager
def session_at(
    *, broker_url: str, engine: Engine, keys: VerifyingKeys | None, on_wait: Callable[[], None]
) -> Iterator[DeadLetterSession]:
    """Opens a session; waits while somebody else has one.

    Args:
        broker_url: as the user `operator`.
        engine: of the ledger, in autocommit mode.
        keys: auth's public keys, if they are at hand.
        on_wait: called once if there is somebody to wait for.

    Raises:
        BrokerLost, BrokerRefuses, LedgerUnavailable: also later, while it is open.
    """
    app = build_app("mailer-operator", broker_url=broker_url)
    publisher = Publisher(partial(ConfirmingChannel, app), confirm_seconds=_CONFIRM_SECONDS)
    try:
        with (
            DeadLedger(engine, actor=operator_name(), on_wait=on_wait) as ledger,
            DeadQueue(app) as queue,
        ):
            yield DeadLetterSession(publisher=publisher, queue=queue, ledger=ledger, keys=keys)
    finally:
        publisher.close()
        app.close()


def operator_name() -> str:
    """Returns who runs this process, `user@machine`."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user need not have a name
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"
