"""One round through the dead letters: walk, choose, decide, publish, take out; the same for redriving and dropping.

Order is what keeps a letter from being lost or doubled: the ledger first, then what is published with its confirm, and the
dead letter goes last. Killed anywhere in between, the next round finds it in the queue and does the same again, and the
ledger sends a letter once however many messages of it there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias, assert_never

from mailer_service.deadletters.action import Keep, SendAgain, TellAuth
from mailer_service.deadletters.info import DeadLetterInfo, read
from mailer_service.deadletters.queue import DeadQueue
from mailer_service.deadletters.redrive_publisher import RedrivePublisher
from mailer_service.deadletters.summary import Done, Summary


@dataclass(frozen=True, slots=True, kw_only=True)
class Discard:
    """It goes, and nobody is told."""


Step: TypeAlias = SendAgain | TellAuth | Discard | Keep


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What is done with one dead letter, and how that is counted; for one that stays `done` means nothing."""

    info: DeadLetterInfo
    step: Step
    done: Done


Decide: TypeAlias = Callable[[Sequence[DeadLetterInfo]], Iterable[Decision]]


def run_through(
    queue: DeadQueue,
    publisher: RedrivePublisher | None,
    *,
    takes: Callable[[DeadLetterInfo], bool],
    decide: Decide,
    limit: int | None,
    summary: Summary,
    progress: Callable[[int], None],
) -> None:
    """Does what was decided with each dead letter that is meant, a window at a time.

    Args:
        queue: to walk.
        publisher: None for a dry run: then nothing is published and nothing taken out.
        takes: which are meant.
        decide: what to do with some of them; may write to the ledger.
        limit: stop once so many were acted upon; those that stay do not count.
        summary: grows as things are done, so that it is true even if this ends with an error.
        progress: is told how many more were looked at.

    Raises:
        BrokerLost, BrokerRefuses, NotTaken, LedgerUnavailable: what was not done stays in the queue.
    """
    left = limit
    for window in queue.walk():
        meant = [info for info in map(read, window) if takes(info)]
        while meant and left != 0:
            portion, meant = (meant, []) if left is None else (meant[:left], meant[left:])
            acted = _carry_out(queue, publisher, list(decide(portion)), summary)
            left = None if left is None else left - acted
            summary.matched += len(portion)
        summary.looked_at += len(window)
        progress(len(window))
        if left == 0:
            return


def _carry_out(
    queue: DeadQueue, publisher: RedrivePublisher | None, decisions: Sequence[Decision], summary: Summary
) -> int:
    published: dict[int, Decision] = {}
    acted = 0
    for decision in decisions:
        step = decision.step
        if isinstance(step, Keep):
            summary.keep(decision.info, step.reason)
            continue
        acted += 1
        if publisher is None:
            summary.done[decision.done] += 1
            continue
        match step:
            case SendAgain(route=route):
                arrival = decision.info.arrival
                priority = arrival.priority if arrival else 0
                published[publisher.send(decision.info.message, route, priority=priority)] = decision
            case TellAuth(report=report):
                published[publisher.report(report)] = decision
            case Discard():
                _take_out(queue, decision, summary)
            case _:
                assert_never(step)
    if publisher is not None:
        for number in sorted(publisher.confirmed()):
            _take_out(queue, published[number], summary)
        publisher.require_all()
    return acted


def _take_out(queue: DeadQueue, decision: Decision, summary: Summary) -> None:
    queue.remove(decision.info.message)
    summary.done[decision.done] += 1
