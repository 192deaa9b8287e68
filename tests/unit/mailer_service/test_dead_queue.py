"""What is said to the broker about the dead letters, in which order; against a broker that only listens."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

from celery import Celery

from mailer_service.deadletters.queue import LetterQueue


class Listener:
    """A connection and its only channel, with letters in the queue; notes what changes it."""

    def __init__(self, letters: int) -> None:
        self.said: list[str] = []
        self._ready = list(range(1, letters + 1))
        self._deliver: Callable[[Any], None] | None = None

    def connection_for_write(self, **_: Any) -> "Listener":
        return self

    def ensure_connection(self, **_: Any) -> None:
        pass

    def channel(self) -> "Listener":
        return self

    def queue_declare(self, _queue: str, *, passive: bool) -> SimpleNamespace:
        assert passive
        return SimpleNamespace(message_count=len(self._ready))

    def basic_qos(self, _size: int, _count: int, _all_consumers: bool) -> None:
        pass

    def basic_consume(self, _queue: str, *, consumer_tag: str, callback: Callable[[Any], None]) -> None:
        self.said.append(f"consume {consumer_tag}")
        self._deliver = callback

    def drain_events(self, *, timeout: float) -> None:
        assert timeout > 0
        assert self._deliver is not None
        tag = self._ready.pop(0)
        self._deliver(SimpleNamespace(body=b"{}", properties={}, delivery_info={"delivery_tag": tag}))

    def basic_ack(self, tag: int) -> None:
        self.said.append(f"ack {tag}")

    def basic_cancel(self, consumer_tag: str) -> None:
        self.said.append(f"cancel {consumer_tag}")

    def release(self) -> None:
        self.said.append("close")


def test_acks_are_followed_by_what_is_answered_through_the_queues_log_before_the_connection_closes() -> None:
    listener = Listener(2)
    with LetterQueue(cast("Celery", listener), "dead") as queue:
        for window in queue.walk():
            for message in window:
                queue.remove(message)
    assert listener.said == [
        "consume dead-1",
        "cancel dead-1",
        "ack 1",
        "ack 2",
        "consume dead-2",
        "cancel dead-2",
        "close",
    ]


def test_after_a_mere_look_there_is_nothing_to_wait_for() -> None:
    listener = Listener(0)
    with LetterQueue(cast("Celery", listener), "dead") as queue:
        assert list(queue.walk()) == []
    assert listener.said == ["close"]
