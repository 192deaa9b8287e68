"""A mail server that takes everything and keeps only what a bench needs: how many letters came, and how often each.

Run as a process of its own, so that its CPU is not the mailer's. `--reply-ms` is how long it thinks over each reply; of
commands that came together it answers one after the other. Without it the answers to them leave together, as Postfix's
do. To an empty line on standard input it answers its count as JSON, to a JSON list of ids when each letter first came:
seconds of the monotonic clock, null where none came.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
import time
from collections import Counter
from functools import partial

_MESSAGE_ID = re.compile(rb"^message-id: *<([^@>]+)", re.IGNORECASE | re.MULTILINE)
_EXTENSIONS = b"250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n250 SMTPUTF8\r\n"
_REPLIES = {
    b"EHLO": _EXTENSIONS,
    b"HELO": b"250 sink\r\n",
    b"MAIL": b"250 2.1.0 Ok\r\n",
    b"RCPT": b"250 2.1.5 Ok\r\n",
    b"DATA": b"354 Go ahead\r\n",
    b"RSET": b"250 2.0.0 Ok\r\n",
    b"NOOP": b"250 2.0.0 Ok\r\n",
    b"QUIT": b"221 2.0.0 Bye\r\n",
}


class Conversation(asyncio.Protocol):
    """One connection; replies leave in order, each no sooner than `pause` seconds after the one before."""

    def __init__(self, letters: Counter[bytes], arrivals: dict[bytes, float], pause: float) -> None:
        self._letters = letters
        self._arrivals = arrivals
        self._pause = pause
        self._buffer = b""
        self._in_data = False
        self._free_at = 0.0
        self._replies: list[bytes] = []
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greets."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._transport.write(b"220 sink ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        """Answers every command and every letter that is complete."""
        self._buffer += data
        while self._take_data() if self._in_data else self._take_command():
            pass
        if self._replies:
            self._transport.write(b"".join(self._replies))
            self._replies.clear()

    def _take_command(self) -> bool:
        line, found, rest = self._buffer.partition(b"\r\n")
        if not found:
            return False
        self._buffer = rest
        verb = line[:4].upper()
        self._in_data = verb == b"DATA"
        self._say(_REPLIES.get(verb, b"502 5.5.1 No\r\n"))
        return True

    def _take_data(self) -> bool:
        octets, found, rest = self._buffer.partition(b"\r\n.\r\n")
        if not found:
            return False
        self._buffer, self._in_data = rest, False
        named = _MESSAGE_ID.search(octets)
        # Counted before the reply: a letter is here whether or not the reply is heard.
        letter = named[1] if named else b""
        self._letters[letter] += 1
        self._arrivals.setdefault(letter, time.monotonic())
        self._say(b"250 2.0.0 Taken\r\n")
        return True

    def _say(self, reply: bytes) -> None:
        if not self._pause:
            self._replies.append(reply)
            return
        self._free_at = max(self._free_at, self._loop.time()) + self._pause
        self._loop.call_at(self._free_at, self._transport.write, reply)


async def serve(pause: float) -> None:
    """Listens on a free port, printed first, until standard input ends."""
    loop = asyncio.get_running_loop()
    letters: Counter[bytes] = Counter()
    arrivals: dict[bytes, float] = {}
    server = await loop.create_server(partial(Conversation, letters, arrivals, pause), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    questions = asyncio.StreamReader(limit=1 << 20)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(questions), sys.stdin)
    while question := await questions.readline():
        answer: object = {"letters": len(letters), "copies": letters.total() - len(letters)}
        if question.strip():
            answer = [arrivals.get(letter.encode()) for letter in json.loads(question)]
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--reply-ms", type=float, default=0.0)
    asyncio.run(serve(parser.parse_args().reply_ms / 1000))
