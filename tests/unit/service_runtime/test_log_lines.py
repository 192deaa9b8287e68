"""Log lines: whole, in order, none lost, and nobody waits for a stream that is slow to take another thread's."""

import io
import logging
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Thread
from uuid import uuid4

import pytest

from service_runtime.log_lines import LineHandler
from support.eventually import eventually


class SlowStream(io.StringIO):
    """Takes what it is given only while it is open."""

    def __init__(self) -> None:
        super().__init__()
        self.open = Event()
        self.open.set()
        self.asked = 0

    def write(self, text: str) -> int:
        self.asked += 1
        assert self.open.wait(10)
        return super().write(text)


@pytest.fixture
def stream() -> SlowStream:
    return SlowStream()


@pytest.fixture
def log(stream: SlowStream) -> logging.Logger:
    logger = logging.getLogger(uuid4().hex)
    logger.propagate = False
    logger.addHandler(LineHandler(stream, most_waiting=3))
    return logger


@pytest.fixture
def stuck(log: logging.Logger, stream: SlowStream) -> Iterator[Thread]:
    """A thread whose line the stream does not take for now."""
    stream.open.clear()
    writer = Thread(target=log.warning, args=("first",))
    writer.start()
    eventually(lambda: stream.asked == 1)
    yield writer
    stream.open.set()
    writer.join(10)


def test_lines_of_many_threads_are_whole_and_in_each_threads_order(
    log: logging.Logger, stream: SlowStream
) -> None:
    def say(thread: int) -> None:
        for number in range(500):
            log.warning("%d:%d", thread, number)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(say, range(8)))
    lines = [tuple(map(int, line.split(":"))) for line in stream.getvalue().splitlines()]
    for thread in range(8):
        assert [number for by, number in lines if by == thread] == list(range(500))
    assert len(lines) == 4000


def test_nobody_waits_for_another_threads_line(
    log: logging.Logger, stream: SlowStream, stuck: Thread
) -> None:
    log.warning("second")
    assert stream.getvalue() == ""
    stream.open.set()
    stuck.join(10)
    assert stream.getvalue() == "first\nsecond\n"


def test_a_stream_that_is_stuck_is_waited_for_before_memory_fills(
    log: logging.Logger, stream: SlowStream, stuck: Thread
) -> None:
    for number in range(3):
        log.warning("%d", number)
    last = Thread(target=log.warning, args=("last",))
    last.start()
    last.join(0.2)
    assert last.is_alive()
    stream.open.set()
    last.join(10)
    stuck.join(10)
    assert stream.getvalue() == "first\n0\n1\n2\nlast\n"


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_child_forked_while_a_line_is_written_can_log(
    log: logging.Logger, stream: SlowStream, stuck: Thread
) -> None:
    assert stuck.is_alive()
    child = os.fork()
    if child == 0:
        stream.open.set()
        log.warning("of the child")
        os._exit(0 if stream.getvalue().endswith("of the child\n") else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_a_record_that_cannot_be_written_stops_nobody(
    stream: SlowStream, capsys: pytest.CaptureFixture[str]
) -> None:
    handler = LineHandler(stream)
    handler.handle(logging.makeLogRecord({"msg": "%d", "args": ("no number",)}))
    handler.handle(logging.makeLogRecord({"msg": "next"}))
    assert stream.getvalue() == "next\n"
    assert "Logging error" in capsys.readouterr().err
