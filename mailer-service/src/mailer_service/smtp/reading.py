"""Reading replies against the clock: each wait is bounded, all of them together too, and so is what is read."""

from __future__ import annotations

import io
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_MAX_REPLY_OCTETS = 64 * 1024


class BoundedReader(io.RawIOBase):
    """The reading half of a socket.

    A server that sends a byte a second never runs into a socket's timeout, and one that never stops sending would fill
    the memory: the deadline ends the first, a limit an answer the second.
    """

    def __init__(self, sock: socket.socket, *, operation_seconds: float) -> None:
        self._socket = sock
        self._operation_seconds = operation_seconds
        self._deadline = float("inf")
        self._left = _MAX_REPLY_OCTETS
        self._held = False

    def expect(self, *, deadline: float) -> None:
        """Prepares for one command and its reply, both to be over by the deadline; raises TimeoutError if it is past."""
        self._deadline = deadline
        self._left = _MAX_REPLY_OCTETS
        self._arm()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Inside, nothing is read from the socket: a buffer on top shows only what it has already."""
        self._held = True
        try:
            yield
        finally:
            self._held = False

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Reads what there is; raises TimeoutError past a limit of time, OSError past that of octets."""
        if self._held:
            return None
        self._arm()
        count = self._socket.recv_into(buffer)
        self._left -= count
        if self._left < 0:
            raise OSError("the reply does not end")
        return count

    def _arm(self) -> None:
        remaining = self._deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError("the attempt's time is over")
        self._socket.settimeout(min(self._operation_seconds, remaining))
