"""Which mail server, and how it is spoken to: read from one URL."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self
from urllib.parse import unquote, urlsplit


class Security(StrEnum):
    """How the connection is protected; the value is the URL's scheme."""

    NONE = "smtp"
    STARTTLS = "smtp+starttls"
    TLS = "smtps"


_PORTS = {Security.NONE: 25, Security.STARTTLS: 587, Security.TLS: 465}
"""RFC 5321, RFC 6409, RFC 8314."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpServer:
    """One mail server.

    Attributes:
        host, port: where it listens.
        security: how it is spoken to.
        username, password: for AUTH; None if it asks for none.
    """

    host: str
    port: int
    security: Security
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """How ledger and logs call it."""
        return f"{self.host}:{self.port}"

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Reads `smtp://host:port`, `smtp+starttls://user:password@host:port` or `smtps://…`.

        Raises:
            ValueError: it is none of these; the message does not quote it.
        """
        parts = urlsplit(url)
        try:
            security, port = Security(parts.scheme), parts.port
        except ValueError:
            raise ValueError(
                "must look like smtp://host:port, smtp+starttls://… or smtps://user:password@host:port"
            ) from None
        if not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment:
            raise ValueError("must name a host, and nothing behind host and port")
        if (parts.username is None) != (parts.password is None):
            raise ValueError("needs a user and a password, or neither")
        if parts.username is not None and security is Security.NONE:
            raise ValueError("would send the password unprotected; use smtp+starttls:// or smtps://")
        return cls(
            host=parts.hostname,
            port=port or _PORTS[security],
            security=security,
            username=None if parts.username is None else unquote(parts.username),
            password=None if parts.password is None else unquote(parts.password),
        )
