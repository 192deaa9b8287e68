"""On which terms the server takes mail: under TLS, after a login, so many at once, so many a second."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """The one login that is accepted."""

    user: str
    password: str = field(repr=False)

    def matches(self, user: bytes, password: bytes) -> bool:
        """Tells whether these are the ones."""
        return (user, password) == (self.user.encode(), self.password.encode())


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
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
