"""The listening sockets of the SMTP side."""

from __future__ import annotations

import asyncio
import socket
import ssl
from functools import partial

from dev_inbox.conversation import Conversation
from dev_inbox.line import Line
from dev_inbox.reception import Reception


class Listener:
    """The listening sockets and the conversations they started."""

    def __init__(self, reception: Reception) -> None:
        self._reception = reception
        self._live: set[Line] = set()
        self._servers: list[asyncio.Server] = []

    async def start(self, listening: socket.socket, *, implicit_tls: ssl.SSLContext | None = None) -> None:
        """Takes connections from the socket, which is its own from then on; under TLS from the first byte, if given."""
        loop = asyncio.get_running_loop()
        begin = partial(Conversation, self._reception, self._live, loop, implicit_tls=implicit_tls)
        self._servers.append(await loop.create_server(begin, sock=listening))

    async def stop(self) -> None:
        """Stops listening and ends every conversation."""
        for server in self._servers:
            server.close()
        for line in tuple(self._live):
            line.hang_up()
        for server in self._servers:
            await server.wait_closed()
