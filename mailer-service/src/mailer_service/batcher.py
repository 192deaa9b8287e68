"""Group commit: requests of many threads go to the database or the broker in batches, a round batch for each batch.

A thread that asks while no batch is under way flushes one at once, unless the last one began a moment ago. Threads that
ask meanwhile wait, and the first of them flushes the next batch for all. So a quiet replica waits for nobody, a busy one
shares, and there is no thread to start, to stop or to die.
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
    """Answers requests of type `Q` with answers of type `A`.

    Args:
        flush: takes the requests of one batch, in the order they were made, and returns an answer for each; an exception
            among the answers is raised to whoever made that request.
        concerns_all: whether an error of `flush` concerns the whole batch. After any other each request of the batch is
            flushed alone, so that one which cannot be answered fails by itself.
        every: seconds from the start of a batch to that of the next, at least; a flush is short, and without this few
            would come meanwhile.
        most: requests in one batch.
    """

    def __init__(
        self,
        flush: Callable[[Sequence[Q]], Sequence[A | Exception]],
        *,
        concerns_all: Callable[[Exception], bool],
        every: float = 0.0,
        most: int = 100,
    ) -> None:
        self._flush_batch = flush
        self._concerns_all = concerns_all
        self._every = every
        self._most = most
        self._begun_at = -math.inf
        self._lock = Lock()
        self._waiting: deque[_Request[Q]] = deque()
        self._under_way = False

    def ask(self, content: Q) -> A:
        """Returns the answer, or raises what answering came to; as long as a batch takes, twice at most."""
        request = _Request(content)
        with self._lock:
            self._waiting.append(request)
            flushes, self._under_way = not self._under_way, True
        if not flushes:
            request.woken.acquire()
        if request.answer is _NOTHING:
            self._flush()
        if isinstance(request.answer, BaseException):
            raise request.answer
        return cast("A", request.answer)

    def _flush(self) -> None:
        early = self._begun_at + self._every - time.monotonic()
        if early > 0:
            time.sleep(early)
        self._begun_at = time.monotonic()
        with self._lock:
            batch = [self._waiting.popleft() for _ in range(min(self._most, len(self._waiting)))]
        try:
            self._answer(batch)
        finally:
            with self._lock:
                next_one = self._waiting[0] if self._waiting else None
                self._under_way = next_one is not None
            if next_one is not None:
                next_one.woken.release()
            for request in batch[1:]:
                request.woken.release()

    def _answer(self, batch: Sequence[_Request[Q]]) -> None:
        try:
            answers = self._flush_batch([request.content for request in batch])
            for request, answer in zip(batch, answers, strict=True):
                request.answer = answer
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must hear of it
            if len(batch) == 1 or self._concerns_all(error):
                _give(batch, error)
            else:
                for request in batch:
                    self._answer([request])
        except BaseException as error:
            _give(batch, error)
            raise


class _Request(Generic[Q]):
    """One request; the lock `woken` is released when it is answered, or when its thread is to flush the next batch."""

    __slots__ = ("answer", "content", "woken")

    def __init__(self, content: Q) -> None:
        self.content = content
        self.answer: object = _NOTHING
        self.woken = Lock()
        self.woken.acquire()


def _give(batch: Sequence[_Request[Q]], answer: object) -> None:
    for request in batch:
        request.answer = answer
