"""A mail server that says exactly what it is told to, byte by byte, and remembers what it heard, piece by piece."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Thread

FRIENDLY = {
    "": b"220 ready\r\n",
    "EHLO": b"250-mail.example\r\n250 PIPELINING\r\n",
    "MAIL": b"250 2.1.0 Ok\r\n",
    "RCPT": b"250 2.1.5 Ok\r\n",
    "DATA": b"354 Go on\r\n",
    ".": b"250 2.0.0 Taken\r\n",
    "RSET": b"250 2.0.0 Ok\r\n",
    "NOOP": b"250 2.0.0 Ok\r\n",
}
"""Replies by verb; the empty one is the banner, the dot is the end of a letter."""
UNKNOWN = b"502 5.5.1 What?\r\n"
OVER = b"\r\n.\r\n"


@dataclass(slots=True, kw_only=True)
class WordyServer:
    """One that is listening.

    Attributes:
        url: where.
        replies: by verb, changed at will.
        pieces: what arrived, as it arrived, the newest connection's last.
        letters: between DATA and the dot, dots still doubled.
        verbs: commands in their order, `.` for the end of a letter.
    """

    url: str
    replies: dict[str, bytes]
    pieces: list[bytes] = field(default_factory=list)
    letters: list[bytes] = field(default_factory=list)
    verbs: list[str] = field(default_factory=list)

    @property
    def heard(self) -> bytes:
        """Everything that arrived."""
        return b"".join(self.pieces)

    def converse(self, line: socket.socket) -> None:
        """Speaks with one client until it leaves."""
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        line.sendall(self.replies[""])
        unread = b""
        in_letter = False
        while piece := line.recv(1 << 16):
            self.pieces.append(piece)
            unread += piece
            said = b""
            while (end := unread.find(OVER if in_letter else b"\r\n")) >= 0:
                if in_letter:
                    self.letters.append(unread[: end + 2])
                    verb, unread, in_letter = ".", unread[end + len(OVER) :], False
                else:
                    verb, unread = unread[:end].split(b" ")[0].decode(), unread[end + 2 :]
                self.verbs.append(verb)
                reply = self.replies.get(verb, UNKNOWN)
                in_letter = verb == "DATA" and reply.startswith(b"354")
                said += reply
            line.sendall(said)


@contextmanager
def wordy_server(**replies: bytes) -> Iterator[WordyServer]:
    """Runs one until the end of the block; `DATA=b"..."` changes a reply, `DOT=` and `BANNER=` the nameless ones."""
    names = {"DOT": ".", "BANNER": ""}
    with socket.create_server(("127.0.0.1", 0)) as door:
        server = WordyServer(
            url=f"smtp://127.0.0.1:{door.getsockname()[1]}",
            replies=FRIENDLY | {names.get(name, name): reply for name, reply in replies.items()},
        )
        thread = Thread(target=_serve, args=(door, server.converse), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            door.shutdown(socket.SHUT_RDWR)
            thread.join()


def _serve(door: socket.socket, converse: Callable[[socket.socket], None]) -> None:
    while True:
        try:
            line, _ = door.accept()
        except OSError:
            return
        with line:
            try:
                converse(line)
            except OSError:
                continue
