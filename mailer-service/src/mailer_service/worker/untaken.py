"""Queues that nobody takes from: how long the letters in them have been left alone, which nothing else can say.

While replicas are paused no letter is taken, so none is in the ledger, and no time to acceptance is measured.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from celery.bootsteps import StartStopStep
from celery.worker.consumer.tasks import Tasks

from mail_contract.letters import LetterClass
from mail_contract.topology import CLASS_QUEUES

_LOOK_SECONDS = 5.0


class UntakenLetters:
    """Since when letters lie in queues that nobody takes from; any thread may ask.

    Args:
        clock: seconds, monotonic.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since: dict[LetterClass, float] = {}

    def found(self, counts: Mapping[str, int]) -> None:
        """Says how many letters are in queues that nobody takes from; from all others they are taken."""
        now = self._clock()
        self._since = {
            letter_class: self._since.get(letter_class, now)
            for letter_class, queue in CLASS_QUEUES.items()
            if counts.get(queue)
        }

    def seconds(self, letter_class: LetterClass) -> float:
        """Returns how long letters of a class have been left alone; 0 where they are not."""
        since = self._since.get(letter_class)
        return 0.0 if since is None else self._clock() - since


def untaken_step(letters: UntakenLetters, queues: Sequence[str]) -> type[StartStopStep]:
    """Returns the step of Celery's consumer that looks into those of its queues that it does not take from."""

    class UntakenStep(StartStopStep):
        requires = (Tasks,)

        def start(self, parent: Any) -> None:
            # Belongs to this connection: Celery cancels it with the connection, and starts the step again.
            parent.timer.call_repeatedly(_LOOK_SECONDS, self.look, (parent.task_consumer,))

        def look(self, consumers: Any) -> None:
            letters.found({queue: consumers.untaken(queue) for queue in set(queues) - consumers.taken})

    return UntakenStep
