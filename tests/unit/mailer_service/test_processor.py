"""One processor for a replica: which one, and when another is better."""

import os
import threading
from collections.abc import Iterator

import pytest

from mailer_service.processor import Processor, Reading, better

START = Reading(at=100.0, own=3.0, busy={0: 50.0, 1: 60.0})


def after(seconds: float, *, own: float, busy: dict[int, float]) -> Reading:
    return Reading(
        at=START.at + seconds,
        own=START.own + own,
        busy={processor: START.busy[processor] + used for processor, used in busy.items()},
    )


def test_a_processor_that_only_this_process_uses_is_kept_however_busy() -> None:
    assert better(0, START, after(5, own=5.0, busy={0: 5.0, 1: 0.1})) is None


def test_a_processor_that_others_use_is_left_for_one_they_leave_alone() -> None:
    assert better(0, START, after(5, own=1.0, busy={0: 5.0, 1: 0.5})) == 1


def test_where_all_are_as_busy_nobody_moves() -> None:
    assert better(0, START, after(5, own=1.0, busy={0: 5.0, 1: 4.0})) is None


def test_a_processor_the_kernel_says_nothing_of_is_kept() -> None:
    assert better(7, START, after(5, own=1.0, busy={0: 5.0, 1: 0.0})) is None


@pytest.fixture
def everywhere() -> Iterator[set[int]]:
    before = os.sched_getaffinity(0)
    yield before
    os.sched_setaffinity(0, before)


def test_the_kernel_tells_how_busy_processors_are(everywhere: set[int]) -> None:
    reading = Reading.take(everywhere)

    assert reading.busy.keys() == everywhere
    assert all(seconds > 0 for seconds in reading.busy.values())


def test_every_thread_started_after_it_settled_stays_on_the_one_processor(everywhere: set[int]) -> None:
    stopping, found = threading.Event(), []

    def settle_and_start() -> None:
        Processor(stopping=stopping).settle()
        found.append(os.sched_getaffinity(0))
        inner = threading.Thread(target=lambda: found.append(os.sched_getaffinity(0)))
        inner.start()
        inner.join()

    outer = threading.Thread(target=settle_and_start)
    outer.start()
    outer.join()
    stopping.set()

    assert found[0] == found[1]
    assert len(found[0]) == 1
    assert found[0] <= everywhere
