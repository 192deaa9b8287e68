"""Log lines of many threads, none of which waits for another one to write its own.

The standard library's handler holds a lock while it writes. Writing lets go of the interpreter, so under load the threads
of a worker queue up at that lock with a switch each, which costs more than the line. Here whoever finds somebody writing
leaves its line to that one.
"""

from __future__ import annotations

import logging
import os
from collections import deque
from threading import Lock
from typing import TextIO

_MOST_WAITING = 1000
"""Lines left to another thread; with more, whoever logs waits for the stream, which is then stuck."""


class LineHandler(logging.Handler):
    """Writes records to a stream, a line each, in the order in which they came."""

    def __init__(self, stream: TextIO, *, most_waiting: int = _MOST_WAITING) -> None:
        super().__init__()
        self._stream = stream
        self._most_waiting = most_waiting
        self._begin_anew()
        os.register_at_fork(after_in_child=self._begin_anew)

    def handle(self, record: logging.LogRecord) -> bool:
        """Does as the standard library's handlers do, without their lock."""
        found = self.filter(record)
        if found:
            self.emit(found if isinstance(found, logging.LogRecord) else record)
        return bool(found)

    def emit(self, record: logging.LogRecord) -> None:
        """Writes the record's line, or leaves it to the thread that writes at the moment."""
        try:
            self._lines.append(self.format(record) + "\n")
            # Asked again after each turn: a line may have been left between the last look and the release.
            while self._lines and self._writing.acquire(blocking=len(self._lines) > self._most_waiting):
                try:
                    self._write()
                finally:
                    self._writing.release()
        except Exception:  # noqa: BLE001 - the standard library decides what becomes of an error in logging
            self.handleError(record)

    def _write(self) -> None:
        lines = []
        while self._lines:
            lines.append(self._lines.popleft())
        self._stream.write("".join(lines))
        self._stream.flush()

    def _begin_anew(self) -> None:
        # In a forked child too: the thread that was writing is not there, and what was left to it is the parent's to write.
        self._lines: deque[str] = deque()
        self._writing = Lock()
