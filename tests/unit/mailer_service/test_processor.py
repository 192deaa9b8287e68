"""One processor for a replica."""

import os
import threading
from collections.abc import Iterator

import pytest

from mailer_service.processor import keep_to_one_processor


@pytest.fixture
def everywhere() -> Iterator[set[int]]:
    before = os.sched_getaffinity(0)
    yield before
    os.sched_setaffinity(0, before)


def test_every_thread_started_afterwards_stays_on_the_one_processor(everywhere: set[int]) -> None:
    found = []

    def choose_and_start() -> None:
        keep_to_one_processor()
        found.append(os.sched_getaffinity(0))
        inner = threading.Thread(target=lambda: found.append(os.sched_getaffinity(0)))
        inner.start()
        inner.join()

    outer = threading.Thread(target=choose_and_start)
    outer.start()
    outer.join()

    assert found[0] == found[1]
    assert len(found[0]) == 1
    assert found[0] <= everywhere
