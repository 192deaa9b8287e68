"""An operator's session on letters that lie on the broker: queues, ledger and publisher, opened together and closed in order.

Order is what keeps a letter from being lost or doubled: the ledger first, then what is published with its confirm, and the
message that lay there goes last. Killed anywhere in between, the next run finds it in the queue and does the same again, and
the ledger sends a letter once however many messages of it there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import assert_never

import structlog
from sqlalchemy import Engine

from mail_contract.keys import VerifyingKeys
from mail_contract.topology import MAILER_DEAD
from mailer_service.deadletters.decision import Decision, Discard, Keep, SendAgain, TellAuth
from mailer_service.deadletters.info import LetterInfo, read
from mailer_service.deadletters.queue import LetterQueue
from mailer_service.deadletters.selection import Selection, Summary, letter_id_of
from mailer_service.delivery.dead_ledger import DeadLedger
from mailer_service.errors import NotTaken
from mailer_service.reports import outgoing_report
from service_runtime.celery.app import build_app
from service_runtime.publishing.channel import ConfirmingChannel
from service_runtime.publishing.message import OutgoingMessage
from service_runtime.publishing.publisher import Publisher

log = structlog.get_logger(__name__)

_CONFIRM_SECONDS = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterSession:
    """What one person works with, alone until it is closed.

    Attributes:
        queues: where the letters lie.
        keys: auth's public keys, if they are at hand.
    """

    publisher: Publisher
    queues: Sequence[LetterQueue]
    ledger: DeadLedger
    keys: VerifyingKeys | None

    def count(self) -> int:
        """Returns how many messages there are."""
        return sum(queue.ready() for queue in self.queues)

    def abandon(self) -> None:
        """Leaves it to the broker to put everything back: somebody interrupted in the middle of a word."""
        for queue in self.queues:
            queue.abandon()

    def windows(self) -> Iterator[tuple[LetterQueue, list[LetterInfo]]]:
        """Yields the messages, a window at a time, each with the queue it lies in; raises as `LetterQueue.walk`."""
        for queue in self.queues:
            for window in queue.walk():
                yield queue, [read(message) for message in window]

    def look(
        self, selection: Selection, *, seen: Callable[[int], None] = lambda _: None
    ) -> Iterator[LetterInfo]:
        """Yields those that are meant, from the head of the queue; all go back untouched in the end.

        Args:
            selection: which.
            seen: is told how many more were looked at.
        """
        left = selection.limit
        for _, window in self.windows():
            seen(len(window))
            for info in filter(selection.takes, window):
                if left == 0:
                    break
                left = None if left is None else left - 1
                yield info

    def erase_forgotten(self) -> int:
        """Takes out every letter of an account that was deleted, whatever else is said of it; returns how many.

        Raises:
            BrokerLost, BrokerRefuses, LedgerUnavailable: what was not taken out stays in the queue.
        """
        erased = 0
        for queue, window in self.windows():
            ids = [letter_id_of(info) for info in window]
            forgotten = self.ledger.forgotten(letter_id for letter_id in ids if letter_id is not None)
            for info, letter_id in zip(window, ids, strict=True):
                if letter_id in forgotten:
                    queue.remove(info.message)
                    erased += 1
        return erased

    def carry_out(
        self, queue: LetterQueue, decided: Sequence[Decision], summary: Summary, *, dry_run: bool
    ) -> list[Decision]:
        """Does what was decided with letters of one queue, and returns those that do not stay.

        Raises:
            BrokerLost, BrokerRefuses, NotTaken: what was not done stays in the queue.
        """
        for decision in decided:
            summary.decided(decision)
        acting = [decision for decision in decided if not isinstance(decision.action, Keep)]
        if dry_run:
            for decision in acting:
                summary.done[decision.done] += 1
            return acting
        going: list[Decision] = []
        outgoing: list[OutgoingMessage] = []
        for decision in acting:
            action = decision.action
            match action:
                case SendAgain(route=route):
                    call = decision.info.incoming
                    outgoing.append(
                        decision.info.message.redriven(route, priority=call.priority if call else 0)
                    )
                    going.append(decision)
                case TellAuth(report=report):
                    outgoing.append(outgoing_report(report))
                    going.append(decision)
                case Discard():
                    _take_out(queue, decision, summary)
                case Keep():
                    continue
                case _:
                    assert_never(action)
        outcomes = self.publisher.publish(outgoing) if outgoing else []
        for decision, outcome in zip(going, outcomes, strict=True):
            if outcome.confirmed:
                _take_out(queue, decision, summary)
        reasons = [outcome.reason for outcome in outcomes if not outcome.confirmed]
        if reasons:
            raise NotTaken(reasons[0])
        return acting


def _take_out(queue: LetterQueue, decision: Decision, summary: Summary) -> None:
    queue.remove(decision.info.message)
    summary.done[decision.done] += 1


@contextmanager
def session_at(
    *,
    broker_url: str,
    engine: Engine,
    keys: VerifyingKeys | None,
    on_wait: Callable[[], None],
    actor: str,
    queues: Sequence[str] = (MAILER_DEAD,),
) -> Iterator[LetterSession]:
    """Opens a session; waits while somebody else has one.

    Args:
        broker_url: as the user `operator`.
        engine: of the ledger, in autocommit mode.
        keys: auth's public keys, if they are at hand.
        on_wait: called once if there is somebody to wait for.
        actor: who is written down for what is done.
        queues: which; of those that wait, messages leave by themselves.

    Raises:
        BrokerLost, BrokerRefuses, LedgerUnavailable: also later, while it is open.
    """
    app = build_app("mailer-operator", broker_url=broker_url)
    publisher = Publisher(partial(ConfirmingChannel, app), confirm_seconds=_CONFIRM_SECONDS)
    try:
        with DeadLedger(engine, actor=actor, on_wait=on_wait) as ledger, ExitStack() as stack:
            opened = [
                stack.enter_context(LetterQueue(app, name, moving=name != MAILER_DEAD)) for name in queues
            ]
            yield LetterSession(publisher=publisher, queues=opened, ledger=ledger, keys=keys)
    finally:
        publisher.close()
        app.close()


def erase_forgotten(broker_url: str, engine: Engine, *, actor: str) -> int:
    """Takes dead letters of deleted accounts out, once nobody else is at work on them; arguments and errors as `session_at`."""
    with session_at(
        broker_url=broker_url,
        engine=engine,
        keys=None,
        on_wait=lambda: log.info("dead_letters_in_other_hands"),
        actor=actor,
    ) as session:
        return session.erase_forgotten()
