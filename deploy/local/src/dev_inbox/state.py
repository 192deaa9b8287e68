"""What the SMTP side and the HTTP side share: the policy, the mailbox, the script, and what was seen of clients."""

from __future__ import annotations

import ssl
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from dev_inbox.mailbox import BYTES_KEPT, MESSAGES_KEPT, Mailbox
from dev_inbox.script import Script

CONNECTIONS_REMEMBERED = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """The one login that is accepted."""

    user: str
    password: str = field(repr=False)

    def matches(self, user: bytes, password: bytes) -> bool:
        """Tells whether these are the ones."""
        return (user, password) == (self.user.encode(), self.password.encode())


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What holds for every client, whatever the script says.

    Attributes:
        tls: certificate and key; None offers no TLS. `load_cert_chain()` on it changes the certificate of the
            handshakes that follow.
        login: required before MAIL; None offers none.
        max_connections: beyond it a connection is turned away with 421 4.7.0.
        max_messages_per_second: beyond it, over all connections, MAIL is answered 450 4.7.1.
    """

    tls: ssl.SSLContext | None = None
    login: Login | None = None
    max_connections: int | None = None
    max_messages_per_second: int | None = None


class RateLimiter:
    """Admits at most so many in any second."""

    def __init__(self, per_second: int | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_second
        self._clock = clock
        self._admitted: deque[float] = deque()

    def admit(self) -> bool:
        """Tells whether one more is within the limit, and counts it if so."""
        if self._per_second is None:
            return True
        now = self._clock()
        while self._admitted and self._admitted[0] <= now - 1.0:
            self._admitted.popleft()
        if len(self._admitted) >= self._per_second:
            return False
        self._admitted.append(now)
        return True


@dataclass(slots=True, kw_only=True)
class Connection:
    """One SMTP connection.

    Attributes:
        number: counted from 1; a reset does not start again, so a number names one connection.
        opened_at: UTC.
        closed_at: UTC; None while it is open.
        messages: how many messages were kept from it.
        commands: how often each known command was given, in the order of their first time.
        pipelined: whether a command came before the reply to the one before it.
        tls: the version of TLS ("TLSv1.3"); None in clear.
        tls_before_mail: whether TLS was on at every MAIL; None if there was no MAIL.
        handshake_failed: whether TLS was begun in vain.
        logins_in_clear: how many of its AUTH commands came without TLS.
        authenticated: whether a login was accepted.
        turned_away: whether it was one too many.
    """

    number: int
    opened_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    closed_at: datetime | None = None
    messages: int = 0
    commands: dict[str, int] = field(default_factory=dict)
    pipelined: bool = False
    tls: str | None = None
    tls_before_mail: bool | None = None
    handshake_failed: bool = False
    logins_in_clear: int = 0
    authenticated: bool = False
    turned_away: bool = False

    def hear(self, command: str, *, more_waiting: bool) -> None:
        """Records a command; `more_waiting` says whether the next one is there already."""
        self.commands[command] = self.commands.get(command, 0) + 1
        self.pipelined |= more_waiting
        if command == "MAIL":
            self.tls_before_mail = self.tls is not None and self.tls_before_mail is not False


@dataclass(slots=True, kw_only=True)
class Totals:
    """Counts over all connections, also those no longer remembered.

    Attributes:
        opened: connections.
        most_open: connections at the same time, at most, those turned away included.
        turned_away: connections beyond the limit.
        handshakes_failed: connections on which TLS was begun in vain.
        throttled: MAIL commands beyond the rate.
        logins_tried: AUTH commands.
        logins_in_clear: AUTH commands without TLS.
        logins_refused: AUTH commands answered, but not with 235.
    """

    opened: int = 0
    most_open: int = 0
    turned_away: int = 0
    handshakes_failed: int = 0
    throttled: int = 0
    logins_tried: int = 0
    logins_in_clear: int = 0
    logins_refused: int = 0


class Connections:
    """Counts connections and remembers the newest ones."""

    def __init__(self) -> None:
        self.totals = Totals()
        self._open: dict[int, Connection] = {}
        self._remembered: deque[Connection] = deque(maxlen=CONNECTIONS_REMEMBERED)
        self._number = 0

    @property
    def open_now(self) -> int:
        """How many are open."""
        return len(self._open)

    def newest_first(self) -> list[Connection]:
        """Returns the remembered connections."""
        return list(reversed(self._remembered))

    def open(self, at_most: int | None = None) -> Connection:
        """Records a new connection; it is turned away where `at_most` others are being served."""
        served = sum(not other.turned_away for other in self._open.values()) if at_most is not None else 0
        self._number += 1
        connection = Connection(number=self._number, turned_away=at_most is not None and served >= at_most)
        self._open[connection.number] = connection
        self._remembered.append(connection)
        self.totals.opened += 1
        self.totals.turned_away += connection.turned_away
        self.totals.most_open = max(self.totals.most_open, len(self._open))
        return connection

    def close(self, connection: Connection) -> None:
        """Records its end; a second time changes nothing."""
        if self._open.pop(connection.number, None) is not None:
            connection.closed_at = datetime.now(UTC)

    def fail_handshake(self, connection: Connection) -> None:
        """Records that TLS could not be agreed on."""
        connection.handshake_failed = True
        self.totals.handshakes_failed += 1

    def try_login(self, connection: Connection) -> None:
        """Records an AUTH command."""
        in_clear = connection.tls is None
        connection.logins_in_clear += in_clear
        self.totals.logins_tried += 1
        self.totals.logins_in_clear += in_clear

    def end_login(self, connection: Connection, *, accepted: bool) -> None:
        """Records how an AUTH command was answered."""
        connection.authenticated = accepted
        self.totals.logins_refused += not accepted

    def reset(self) -> None:
        """Counts from zero again; connections still open are kept in the list, with no messages yet."""
        self.totals = Totals(most_open=len(self._open))
        self._remembered.clear()
        for connection in self._open.values():
            connection.messages = 0
            self._remembered.append(connection)


class ServerState:
    """The state of one inbox; everything in it belongs to the event loop's thread."""

    def __init__(
        self,
        *,
        policy: Policy | None = None,
        messages_kept: int = MESSAGES_KEPT,
        bytes_kept: int = BYTES_KEPT,
    ) -> None:
        self.policy = policy or Policy()
        self.rate = RateLimiter(self.policy.max_messages_per_second)
        self.mailbox = Mailbox(messages_kept=messages_kept, bytes_kept=bytes_kept)
        self.script = Script()
        self.connections = Connections()
