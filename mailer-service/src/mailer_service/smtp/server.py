"""Which mail servers, how they are spoken to and how much may be asked of them: read from URLs."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self, TypedDict
from urllib.parse import parse_qsl

from service_runtime.urls import read_url


class Security(StrEnum):
    """How the connection is protected; the value is the URL's scheme."""

    NONE = "smtp"
    STARTTLS = "smtp+starttls"
    TLS = "smtps"


_PORTS = {Security.NONE: 25, Security.STARTTLS: 587, Security.TLS: 465}
"""RFC 5321, RFC 6409, RFC 8314."""
USUAL_CONNECTIONS = 50
"""What a Postfix grants one client unless told otherwise (smtpd_client_connection_count_limit)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpServer:
    """One mail server.

    Attributes:
        host, port: where it listens.
        security: how it is spoken to.
        username, password: for AUTH; None if it asks for none.
        connections: at once, by all replicas together.
        rate: letters a second, by all replicas together; None for as many as it takes.
    """

    host: str
    port: int
    security: Security
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    connections: int = USUAL_CONNECTIONS
    rate: float | None = None

    @property
    def name(self) -> str:
        """How ledger and logs call it."""
        return f"{self.host}:{self.port}"

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Reads `smtp://host:port`, `smtp+starttls://user:password@host:port` or `smtps://…`.

        Limits may follow as a query: `?connections=8&rate=50`.

        Raises:
            ValueError: it is none of these; the message does not quote it.
        """
        parts = read_url(url, schemes=[security.value for security in Security])
        security = Security(parts.scheme)
        if not parts.host or parts.path.strip("/"):
            raise ValueError("must name a host, and nothing but limits behind host and port")
        if (parts.user is None) != (parts.password is None):
            raise ValueError("needs a user and a password, or neither")
        if parts.user is not None and security is Security.NONE:
            raise ValueError("would send the password unprotected; use smtp+starttls:// or smtps://")
        return cls(
            host=parts.host.lower(),
            port=parts.port or _PORTS[security],
            security=security,
            username=parts.user,
            password=parts.password,
            **_limits(parts.query),
        )


class _Limits(TypedDict, total=False):
    connections: int
    rate: float


def read_servers(urls: str) -> tuple[SmtpServer, ...]:
    """Reads one or several URLs separated by spaces, the preferred server first.

    Raises:
        ValueError: there is none, one is not a server's, or two are the same; the message quotes none.
    """
    servers = tuple(SmtpServer.from_url(url) for url in urls.split())
    if not servers:
        raise ValueError("must name a mail server")
    if len({server.name for server in servers}) < len(servers):
        raise ValueError("names the same host and port twice")
    return servers


def _limits(query: str) -> _Limits:
    limits: _Limits = {}
    asked = dict(parse_qsl(query, keep_blank_values=True))
    try:
        if "connections" in asked:
            limits["connections"] = int(asked.pop("connections"))
        if "rate" in asked:
            limits["rate"] = float(asked.pop("rate"))
    except ValueError:
        raise ValueError("needs numbers as limits") from None
    if asked:
        raise ValueError("knows no limits but connections=… and rate=…")
    if not 1 <= limits.get("connections", 1) <= 10_000:
        raise ValueError("needs connections between 1 and 10000")
    if not 0.01 <= limits.get("rate", 1.0) <= 100_000:
        raise ValueError("needs a rate between 0.01 and 100000 letters a second")
    return limits
