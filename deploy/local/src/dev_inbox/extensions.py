"""What the server offers after EHLO, and what becomes of a client that uses what was not offered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum

MESSAGE_BYTES_AT_MOST = 10 * 2**20


class Extension(StrEnum):
    """An SMTP extension by its EHLO keyword."""

    SIZE = "SIZE"
    EIGHT_BIT = "8BITMIME"
    SMTPUTF8 = "SMTPUTF8"
    PIPELINING = "PIPELINING"
    STARTTLS = "STARTTLS"
    """Offered in clear if the server has a certificate."""
    AUTH = "AUTH"
    """Offered if the server has a login, also in clear: a client that must not use it there has to know itself."""

    @property
    def line(self) -> str:
        """What EHLO says of it."""
        match self:
            case Extension.SIZE:
                return f"{self} {MESSAGE_BYTES_AT_MOST}"
            case Extension.AUTH:
                return f"{self} PLAIN LOGIN"
            case _:
                return str(self)


_OPTIONS = {Extension.SIZE: "SIZE=", Extension.EIGHT_BIT: "BODY=", Extension.SMTPUTF8: "SMTPUTF8"}
"""How an option of MAIL begins that belongs to an extension."""


def greeting_lines(host: str, offered: Iterable[Extension]) -> list[str]:
    """Returns the reply to EHLO, one line an entry."""
    words = [host, *(extension.line for extension in offered), "HELP"]
    return [*(f"250-{word}" for word in words[:-1]), f"250 {words[-1]}"]


def refuse_options(withheld: frozenset[Extension], options: Iterable[str]) -> str | None:
    """Returns the reply to a MAIL whose options need what was withheld, or None."""
    prefixes = tuple(_withheld_options(withheld))
    if prefixes and any(option.upper().startswith(prefixes) for option in options):
        return "555 5.5.4 Option of an extension that was not offered"
    return None


def refuse_address(withheld: frozenset[Extension], address: str) -> str | None:
    """Returns the reply to an address that needs SMTPUTF8 where that was withheld, or None."""
    if Extension.SMTPUTF8 in withheld and not address.isascii():
        return "553 5.6.7 Address needs SMTPUTF8, which was not offered"
    return None


def refuse_content(withheld: frozenset[Extension], content: bytes) -> str | None:
    """Returns the reply to a message with bytes above 127 where 8BITMIME was withheld, or None."""
    if Extension.EIGHT_BIT in withheld and not content.isascii():
        return "554 5.6.3 Message needs 8BITMIME, which was not offered"
    return None


def _withheld_options(withheld: frozenset[Extension]) -> Iterator[str]:
    return (option for extension, option in _OPTIONS.items() if extension in withheld)
