"""Requests of many threads carried together: a round trip for each becomes one for all who ask meanwhile.

Whoever asks while nobody is under way goes at once, unless the last trip began a moment ago. Those who ask meanwhile
wait, and go together as soon as the way is free, led by the first of them. So a quiet replica waits for nobody, a busy
one shares, and there is no thread to start, to stop or to die.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Generic, TypeVar, cast

Q = TypeVar("Q")
A = TypeVar("A")

_NOTHING = object()
GATHERING_SECONDS = 0.01
"""Five letters come in that time at 500 a second. A letter that comes alone does not wait; one among many waits half of
it, three times, which is less than a mail server takes."""


class Batcher(Generic[Q, A]):
    """Carries questions of type `Q` and brings answers of type `A`.

    Args:
        carry: takes the questions of one trip, in the order they were asked, and returns an answer for each; an
            exception among the answers is raised to whoever asked that question.
        concerns_all: whether an error of `carry` is everybody's on the trip alike. After any other each question of the
            trip is carried alone, so that one which cannot be answered fails by itself.
        every: seconds from the start of a trip to that of the next, at least; a trip is short, and without this
            few would come meanwhile.
        most: questions on one trip.
    """

    def __init__(
        self,
        carry: Callable[[Sequence[Q]], Sequence[A | Exception]],
        *,
        concerns_all: Callable[[Exception], bool],
        every: float = 0.0,
        most: int = 100,
    ) -> None:
        self._carry = carry
        self._concerns_all = concerns_all
        self._every = every
        self._most = most
        self._departed = -math.inf
        self._lock = Lock()
        self._waiting: deque[_Request[Q]] = deque()
        self._under_way = False

    def ask(self, question: Q) -> A:
        """Returns the answer, or raises what answering came to; as long as a trip takes, twice at most."""
        request = _Request(question)
        with self._lock:
            self._waiting.append(request)
            leads, self._under_way = not self._under_way, True
        if not leads:
            request.woken.acquire()
        if request.answer is _NOTHING:
            self._lead()
        if isinstance(request.answer, BaseException):
            raise request.answer
        return cast("A", request.answer)

    def _lead(self) -> None:
        early = self._departed + self._every - time.monotonic()
        if early > 0:
            time.sleep(early)
        self._departed = time.monotonic()
        with self._lock:
            trip = [self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))]
        try:
            self._travel(trip)
        finally:
            with self._lock:
                next_leader = self._waiting[0] if self._waiting else None
                self._under_way = next_leader is not None
            if next_leader is not None:
                next_leader.woken.release()
            for request in trip[1:]:
                request.woken.release()

    def _travel(self, trip: Sequence[_Request[Q]]) -> None:
        try:
            answers = self._carry([request.question for request in trip])
            for request, answer in zip(trip, answers, strict=True):
                request.answer = answer
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must hear of it
            if len(trip) == 1 or self._concerns_all(error):
                _give(trip, error)
            else:
                for request in trip:
                    self._travel([request])
        except BaseException as error:
            _give(trip, error)
            raise


class _Request(Generic[Q]):
    """One question on its way; `woken` is let go when it is answered or is to lead."""

    __slots__ = ("answer", "question", "woken")

    def __init__(self, question: Q) -> None:
        self.question = question
        self.answer: object = _NOTHING
        self.woken = Lock()
        self.woken.acquire()


def _give(trip: Sequence[_Request[Q]], answer: object) -> None:
    for request in trip:
        request.answer = answer
