"""Reading ahead: what arrived in one go is served frame by frame, and nothing is taken that a waiting reader needs."""

import socket
import struct
from collections.abc import Iterator
from typing import Any, cast

import pytest

from service_runtime.celery.read_ahead import Connection, ReadAheadTransport

HEARTBEAT = 8


def frame(payload: bytes, kind: int = HEARTBEAT) -> bytes:
    return struct.pack(">BHI", kind, 0, len(payload)) + payload + b"\xce"


class Line:
    """A connection whose other end the test holds."""

    def __init__(self) -> None:
        self.broker, ours = socket.socketpair()
        ours.settimeout(1)
        self.transport = cast("Any", ReadAheadTransport("localhost:5672"))
        self.transport.sock = ours
        self.transport._setup_transport()
        self.transport.connected = True
        self.connection = cast("Any", Connection("localhost:5672"))
        self.connection._transport = self.transport
        self.frames: list[bytes] = []
        self.connection.on_inbound_frame = self._note

    def _note(self, read: tuple[int, int, bytes]) -> bool:
        self.frames.append(bytes(read[2]))
        return True

    def read(self, timeout: float | None) -> Any:
        return self.connection.blocking_read(timeout)

    def close(self) -> None:
        self.broker.close()
        self.transport.sock.close()


@pytest.fixture
def line() -> Iterator[Line]:
    made = Line()
    yield made
    made.close()


def test_frames_that_came_together_are_read_once_and_handed_on_one_by_one(line: Line) -> None:
    line.broker.sendall(frame(b"one") + frame(b"two") + frame(b""))

    line.read(0)
    line.transport.sock.setblocking(False)
    with pytest.raises(BlockingIOError):
        line.transport.sock.recv(1)
    line.read(0)
    line.read(0)

    assert line.frames == [b"one", b"two", b""]


def test_with_nothing_there_a_reader_that_does_not_wait_is_told_at_once(line: Line) -> None:
    with pytest.raises(TimeoutError):
        line.read(0)


@pytest.mark.parametrize("arrived", [1, 6, 7, 9, 10])
def test_a_frame_that_came_in_part_is_handed_on_once_it_is_whole(line: Line, arrived: int) -> None:
    whole = frame(b"one")
    line.broker.sendall(whole[:arrived])
    with pytest.raises(TimeoutError):
        line.read(0)

    line.broker.sendall(whole[arrived:])
    line.read(0)

    assert line.frames == [b"one"]


def test_a_reader_that_waits_begins_with_what_was_read_ahead(line: Line) -> None:
    line.broker.sendall(frame(b"one") + frame(b"two")[:5])
    line.read(0)
    line.broker.sendall(frame(b"two")[5:])

    line.read(None)

    assert line.frames == [b"one", b"two"]


def test_a_reader_that_waits_leaves_the_next_frame_to_the_event_loop(line: Line) -> None:
    line.broker.sendall(frame(b"one") + frame(b"two"))

    line.read(1)

    assert line.frames == [b"one"]
    assert line.transport.sock.recv(100) == frame(b"two")


def test_a_broker_that_hung_up_is_an_error_and_no_silence(line: Line) -> None:
    line.broker.close()

    with pytest.raises(OSError, match="closed connection"):
        line.read(0)
    assert not line.transport.connected


def test_what_is_gathered_leaves_in_one_go_at_the_end(line: Line) -> None:
    line.broker.setblocking(False)
    with line.transport.gathering():
        line.transport.write(b"one")
        line.transport.write(memoryview(b"two"))
        with pytest.raises(BlockingIOError):
            line.broker.recv(100)
    assert line.broker.recv(100) == b"onetwo"
    line.transport.write(b"three")
    assert line.broker.recv(100) == b"three"


def test_much_that_is_gathered_leaves_in_pieces_of_a_bounded_size(line: Line) -> None:
    with line.transport.gathering():
        line.transport.write(b"x" * 40_000)
        line.transport.write(b"y" * 40_000)
        first = line.broker.recv(100_000)
        line.transport.write(b"z")
    line.transport.sock.close()
    assert first
    assert (
        first + b"".join(iter(lambda: line.broker.recv(100_000), b"")) == b"x" * 40_000 + b"y" * 40_000 + b"z"
    )


def test_what_was_gathered_when_something_failed_does_not_leave_later(line: Line) -> None:
    def fail() -> None:
        with line.transport.gathering():
            line.transport.write(b"half a message")
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    line.transport.write(b"whole")
    assert line.broker.recv(100) == b"whole"


def test_a_broker_that_is_gone_when_the_gathered_leaves_is_an_error(line: Line) -> None:
    line.broker.close()
    with pytest.raises(OSError), line.transport.gathering():  # noqa: PT011 - whichever the system says
        line.transport.write(b"one")
    assert not line.transport.connected
