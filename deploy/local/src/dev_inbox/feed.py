"""How open pages learn of new messages without asking."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from dev_inbox.messages import Message

# A reader this far behind is cheaper to send to the list than to keep in step.
_WAITING_AT_MOST = 500


class Notice(StrEnum):
    """What a reader is told when it is not a message."""

    RELOAD = "reload"
    """The list changed in a way that is best read again."""
    END = "end"
    """Nothing more will come."""


News = Message | Notice


class Feed:
    """Hands every announcement to every reader; a reader that falls behind is told to reload instead."""

    def __init__(self) -> None:
        self._readers: set[asyncio.Queue[News]] = set()

    @contextmanager
    def reader(self) -> Iterator[asyncio.Queue[News]]:
        """Subscribes for as long as the context lasts."""
        queue: asyncio.Queue[News] = asyncio.Queue(_WAITING_AT_MOST)
        self._readers.add(queue)
        try:
            yield queue
        finally:
            self._readers.discard(queue)

    def announce(self, message: Message) -> None:
        """Tells of a new message."""
        for queue in self._readers:
            if queue.full():
                _replace(queue, Notice.RELOAD)
            else:
                queue.put_nowait(message)

    def reset(self) -> None:
        """Tells that the list is another one now."""
        for queue in self._readers:
            _replace(queue, Notice.RELOAD)

    def send_away(self, queue: asyncio.Queue[News]) -> None:
        """Ends one reader's stream."""
        _replace(queue, Notice.END)


def _replace(queue: asyncio.Queue[News], notice: Notice) -> None:
    while not queue.empty():
        queue.get_nowait()
    queue.put_nowait(notice)
