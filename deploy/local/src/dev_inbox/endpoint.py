"""Where a server listens."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass

from dev_inbox.errors import CannotListen

# Room for a burst of clients between two turns of the event loop.
_WAITING_TO_BE_ACCEPTED = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A host and a port; port 0 is any free one."""

    host: str = "127.0.0.1"
    port: int = 0

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def listen(self) -> socket.socket:
        """Returns a listening socket that does not block; raises CannotListen."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        try:
            listening = socket.create_server(
                (self.host, self.port), family=family, backlog=_WAITING_TO_BE_ACCEPTED
            )
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno and error.errno > 0 else "no such host"
            raise CannotListen(f"{self}: {reason}") from error
        listening.setblocking(False)
        return listening

    def at(self, listening: socket.socket) -> Endpoint:
        """Returns the same host with the port the socket got."""
        return Endpoint(host=self.host, port=listening.getsockname()[1])
