"""py-amqp, reading what has arrived in one go instead of in three pieces a frame, and writing as sparingly.

A letter comes as three frames, so nine reads, and each lets go of the interpreter's lock: under load another thread takes
it, and taking it back costs more than the reading. Here a reader that does not want to wait takes all there is, and the
frames that follow are served from memory. A reader that waits still takes no octet too many, for the event loop would not
hear of what lies in memory. Whoever publishes many messages has them gathered and sent in one go.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from amqp.transport import TCPTransport
from kombu.transport import TRANSPORT_ALIASES, pyamqp

_OCTETS = 64 * 1024
_HEADER_OCTETS = 7
_END_OCTETS = 1


def install() -> None:
    """Makes it what kombu takes for `amqp://`; `amqps://` stays as it is."""
    TRANSPORT_ALIASES["amqp"] = f"{__name__}:Transport"


class ReadAheadTransport(TCPTransport):
    """One socket to the broker."""

    sock: socket.socket
    _read_buffer: bytes
    _gathered: bytearray | None = None

    @contextmanager
    def gathering(self) -> Iterator[None]:
        """Sends what is written inside in pieces of 64 KiB, the last one at the end; for a socket that one thread writes.

        Raises:
            OSError: at the end too: of what was written inside, nobody knows what has left.
        """
        self._gathered = bytearray()
        try:
            yield
            self._send_gathered()
        finally:
            self._gathered = None

    def write(self, s: bytes) -> None:
        """Sends it, or gathers it."""
        if self._gathered is None:
            super().write(s)
            return
        self._gathered += s
        if len(self._gathered) >= _OCTETS:
            self._send_gathered()

    def _send_gathered(self) -> None:
        if self._gathered:
            octets, self._gathered = self._gathered, bytearray()
            super().write(bytes(octets))

    def read_what_is_here(self) -> None:
        """Takes what has arrived into memory, unless a whole frame is there already; raises TimeoutError if nothing has.

        Raises:
            OSError: the broker hung up.
        """
        if self.has_frame():
            return
        try:
            octets = self.sock.recv(_OCTETS, socket.MSG_DONTWAIT)
        except (BlockingIOError, InterruptedError):
            raise TimeoutError from None
        except OSError:
            self.connected = False
            raise
        if not octets:
            self.connected = False
            raise OSError("Server unexpectedly closed connection")
        self._read_buffer += octets
        if not self.has_frame():
            raise TimeoutError

    def has_frame(self) -> bool:
        """Whether a whole frame lies in memory (AMQP 0-9-1, section 4.2.3)."""
        buffer = self._read_buffer
        if len(buffer) < _HEADER_OCTETS:
            return False
        size = int.from_bytes(buffer[3:_HEADER_OCTETS], "big")
        return len(buffer) >= _HEADER_OCTETS + size + _END_OCTETS


class Connection(pyamqp.Connection):
    """A connection whose reads without waiting are few."""

    def Transport(  # noqa: N802, PLR0917 - py-amqp's name and arguments
        self,
        host: str,
        connect_timeout: float | None,
        ssl: bool | dict[str, Any] = False,
        read_timeout: float | None = None,
        write_timeout: float | None = None,
        socket_settings: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Any:
        """Returns the socket."""
        if ssl:
            return super().Transport(
                host, connect_timeout, ssl, read_timeout, write_timeout, socket_settings, **options
            )
        return ReadAheadTransport(
            host,
            connect_timeout=connect_timeout,
            read_timeout=read_timeout,
            write_timeout=write_timeout,
            socket_settings=socket_settings,
            **options,
        )

    def blocking_read(self, timeout: float | None = None) -> Any:
        """Reads one frame and hands it on."""
        transport = self.transport
        if not isinstance(transport, ReadAheadTransport):
            return super().blocking_read(timeout)
        if timeout == 0:
            transport.read_what_is_here()
        if transport.has_frame():
            return self.on_inbound_frame(transport.read_frame())
        return super().blocking_read(timeout)


class Transport(pyamqp.Transport):
    """What kombu is given."""

    Connection = Connection
