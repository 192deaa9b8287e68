"""The stream that keeps open pages up to date."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import assert_never

from tornado.iostream import StreamClosedError

from dev_inbox.answers import Answer
from dev_inbox.feed import News, Notice
from dev_inbox.messages import Message
from dev_inbox.schemas import summary_json

_HEARTBEAT_SECONDS = 15.0
"""Shorter than the idle limits of common proxies, so that a quiet stream is not cut."""


class NewsStream(Answer):
    """Server-sent events: `message` with a list line; `reload` when the list is better read again."""

    _news: asyncio.Queue[News] | None = None

    async def get(self) -> None:
        """Streams until the reader leaves or the server stops."""
        self.set_header("Content-Type", "text/event-stream")
        with self.reception.feed.reader() as self._news, suppress(StreamClosedError):
            await self._send(": listening")
            while (event := await self._next(self._news)) is not None:
                await self._send(event)

    def on_connection_close(self) -> None:
        """Ends the stream at once rather than at the next heartbeat."""
        if self._news is not None:
            self.reception.feed.send_away(self._news)

    async def _next(self, news: asyncio.Queue[News]) -> str | None:
        try:
            item = await asyncio.wait_for(news.get(), _HEARTBEAT_SECONDS)
        except TimeoutError:
            return ": still here"
        match item:
            case Message():
                return f"event: message\ndata: {json.dumps(summary_json(item))}"
            case Notice.RELOAD:
                return "event: reload\ndata: {}"
            case Notice.END:
                return None
            case _:
                assert_never(item)

    async def _send(self, event: str) -> None:
        self.write(f"{event}\n\n")
        await self.flush()
