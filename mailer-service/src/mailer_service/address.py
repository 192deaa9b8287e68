"""An address as SMTP and a header can carry it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

import idna

from mail_contract.invisible import has_invisible
from mailer_service.errors import AddressNotSupported

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\U0010ffff-]+"
_LOCAL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
"""A dot-atom of RFC 5322, widened by RFC 6531; quoted local parts are refused at the door of the application."""
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*")
_MAX_LOCAL_OCTETS = 64
_MAX_OCTETS = 254
"""Both from RFC 5321, section 4.5.3.1; of the whole less the angle brackets. `auth-service` has the same bounds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """An address in two halves.

    Attributes:
        local: as typed.
        domain: in A-labels (RFC 5890), lower case.
    """

    local: str
    domain: str

    @classmethod
    def parse(cls, address: str) -> Self:
        """Reads `local@domain`; raises AddressNotSupported for whatever could not be written down safely."""
        local, at, domain = address.rpartition("@")
        ascii_domain = _to_a_labels(domain)
        if (
            not at
            or not _LOCAL.fullmatch(local)
            or has_invisible(local)
            or "=?" in local
            or not _HOST.fullmatch(ascii_domain)
            or len(local.encode()) > _MAX_LOCAL_OCTETS
            or len(f"{local}@{ascii_domain}".encode()) > _MAX_OCTETS
        ):
            raise AddressNotSupported
        return cls(local=local, domain=ascii_domain)

    @property
    def needs_smtputf8(self) -> bool:
        """Whether only a server with SMTPUTF8 (RFC 6531) can take it."""
        return not self.local.isascii()

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}"


def _to_a_labels(domain: str) -> str:
    if domain.isascii():
        return domain.lower()
    try:
        # IDNA 2008, not the standard library's 2003: there `straße.de` is another domain.
        return idna.encode(domain, uts46=True).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError):
        raise AddressNotSupported from None
