"""How letters stand, as Prometheus reads it: from the ledger, and from those that are taken from their queues just now."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import Engine, Row, text

from mail_contract.letters import LetterClass
from mailer_service.db.tables import IN_HAND, LetterState
from mailer_service.errors import LedgerUnavailable
from mailer_service.queue_delay import QueueDelay
from service_runtime.database.engine import translated

_OPEN: Final = frozenset({LetterState.WAITING, *IN_HAND})
_FRESH_SECONDS: Final = 10.0
_PATIENCE_SECONDS: Final = 1.0
"""A database that is frozen answers late; whoever reads the other figures does not wait for it."""
_DUTY: Final = 20
"""The ledger has no index for this question, so it is asked at most one twentieth of the time, however large it is."""

_LETTERS: Final = text(
    """
    SELECT state, coalesce(letter_class, 'unknown') AS letter_class,
           CASE WHEN state IN ('waiting', 'dead') THEN coalesce(last_reason, '') ELSE '' END AS reason,
           count(*) AS letters, extract(epoch FROM now() - min(first_seen_at)) AS oldest_seconds
    FROM letters GROUP BY 1, 2, 3
    """
)


class LedgerCollector(Collector):
    """Asks the ledger how its letters stand, when somebody asks us.

    Args:
        engine: of the ledger.
        queue_delay: how long letters lie in their queues.
        untaken: how long letters of a class have lain where nobody takes any, seconds.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        engine: Engine,
        queue_delay: QueueDelay,
        *,
        untaken: Callable[[LetterClass], float] = lambda _: 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._engine = engine
        self._queue_delay = queue_delay
        self._untaken = untaken
        self._clock = clock
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ledger-figures")
        self._asked: tuple[float, Future[Sequence[Row[Any]]]] | None = None
        self._seen: Sequence[Row[Any]] | None = None
        self._good_until = float("-inf")

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yields counts and ages, or only that the ledger is away."""
        rows = self._look()
        yield GaugeMetricFamily("mailer_ledger_up", "Whether the ledger answers.", value=rows is not None)
        oldest = {letter_class: self._queue_delay.seconds(letter_class) for letter_class in LetterClass}
        queued = GaugeMetricFamily(
            "mailer_queue_seconds",
            "How long letters lie in their queue until a replica takes them, as far as can be seen from those taken.",
            labels=["class"],
        )
        for letter_class, seconds in oldest.items():
            queued.add_metric([letter_class], seconds)
        yield queued
        # Not in the figure above: more replicas would not take what paused ones leave.
        oldest = {each: max(seconds, self._untaken(each)) for each, seconds in oldest.items()}
        if rows is not None:
            letters = GaugeMetricFamily(
                "mailer_ledger_letters",
                "Letters that the ledger knows, by where they stand; waiting and dead ones by why.",
                labels=["state", "letter_class", "reason"],
            )
            counts: dict[tuple[str, str, str], int] = defaultdict(int)
            counts.update({(state, known, ""): 0 for state in LetterState for known in LetterClass})
            for row in rows:
                counts[row.state, row.letter_class, row.reason] += row.letters
                if row.state in _OPEN and row.letter_class in oldest:
                    known = LetterClass(row.letter_class)
                    oldest[known] = max(oldest[known], float(row.oldest_seconds))
            for labels, count in counts.items():
                letters.add_metric(labels, count)
            yield letters
        ages = GaugeMetricFamily(
            "mailer_oldest_letter_seconds",
            "Age of the oldest letter on its way: waiting or in hand, or still in its queue as far as can be seen.",
            labels=["class"],
        )
        for letter_class, seconds in oldest.items():
            ages.add_metric([letter_class], seconds)
        yield ages

    def _look(self) -> Sequence[Row[Any]] | None:
        now = self._clock()
        if self._asked is None and now < self._good_until:
            return self._seen
        begun, answer = self._asked = self._asked or (now, self._thread.submit(self._ask))
        try:
            self._seen = answer.result(timeout=_PATIENCE_SECONDS)
        except TimeoutError:
            return None
        except LedgerUnavailable:
            self._seen = None
        self._asked = None
        self._good_until = begun + max(_FRESH_SECONDS, _DUTY * (self._clock() - begun))
        return self._seen

    def _ask(self) -> Sequence[Row[Any]]:
        with translated(LedgerUnavailable), self._engine.connect() as connection:
            return connection.execute(_LETTERS).all()
