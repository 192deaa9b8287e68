"""① How long bytes of a connection have been on this machine before they were read.

Under overload a request first waits in the kernel: in the queue of connections that nobody has accepted, or on one that
nobody has read from. No clock of ours runs there, and the time a person waits is mostly this.
"""

from __future__ import annotations

import socket
import struct
from typing import Final

_LAST_DATA_RECEIVED: Final = 52
"""Offset of `tcpi_last_data_recv` in Linux's `struct tcp_info` (linux/tcp.h): milliseconds since data last came, 32 bits."""
_LENGTH: Final = _LAST_DATA_RECEIVED + 4
_TICK_SECONDS: Final = 0.02
"""The kernel counts in ticks of up to 10 ms, so that less than this is no wait at all."""


def unread_seconds(connection: socket.socket) -> float:
    """Returns how long ago the last bytes came on a connection, 0 where the system does not tell."""
    option = getattr(socket, "TCP_INFO", None)
    if option is None:
        return 0.0
    try:
        info = connection.getsockopt(socket.IPPROTO_TCP, option, _LENGTH)
    except OSError:
        return 0.0
    if len(info) < _LENGTH:
        return 0.0
    seconds = float(struct.unpack_from("=I", info, _LAST_DATA_RECEIVED)[0]) / 1000
    return seconds if seconds >= _TICK_SECONDS else 0.0
