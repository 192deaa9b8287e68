"""URLs that hold a password, read strictly: what is refused is refused without repeating any part of it.

Libraries guess. Of `postgresql://auth:ab/cd@host/db` one takes `auth` for the host, another `ab` for a port, and says so
in its error, which is a part of the password in a log. Here every character has one meaning (RFC 3986, section 3.2.1):
whatever else a user name or password has is percent-encoded.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

ENCODE: Final = (
    "in a user name or password write everything but letters, digits and - . _ ~ percent-encoded,"
    " such as %2F for / and %40 for @"
)
"""The advice that goes with a refusal."""

_USER: Final = r"(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})"
_REST: Final = r"(?:[A-Za-z0-9._~!$&'()*+,;=:-]|%[0-9A-Fa-f]{2})"
_URL: Final = re.compile(
    rf"(?P<scheme>[a-z][a-z0-9+.-]*)://(?:(?P<user>{_USER}*)(?::(?P<password>{_USER}*))?@)?"
    r"(?P<host>[A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?"
    rf"(?P<path>(?:/{_REST}*)*)(?:\?(?P<query>(?:{_REST}|[/?])*))?"
)
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f]")
_LAST_PORT: Final = 65535


@dataclass(frozen=True, slots=True, kw_only=True)
class Url:
    """A URL in its parts.

    Attributes:
        scheme: lower case.
        user, password: decoded; None if it has none.
        host: without the brackets of an IPv6 address; may be empty.
        port: None if not given.
        path: with its slash, not decoded.
        query: not decoded.
    """

    scheme: str
    user: str | None
    password: str | None
    host: str
    port: int | None
    path: str
    query: str


def read_url(text: str, *, schemes: Collection[str]) -> Url:
    """Returns the URL in its parts.

    Args:
        text: the URL.
        schemes: those it may have.

    Raises:
        ValueError: it is none, or one that could be read in two ways; the message quotes nothing.
    """
    found = _URL.fullmatch(text)
    if found is None or found["scheme"] not in schemes:
        raise ValueError(f"is not a URL that can be read in one way only; {ENCODE}")
    port = int(found["port"]) if found["port"] else None
    if port is not None and not 0 < port <= _LAST_PORT:
        raise ValueError("needs a port between 1 and 65535")
    return Url(
        scheme=found["scheme"],
        user=_decoded(found["user"]),
        password=_decoded(found["password"]),
        host=found["host"].strip("[]"),
        port=port,
        path=found["path"],
        query=found["query"] or "",
    )


def _decoded(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        decoded = unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise ValueError("has a user name or password that is not percent-encoded UTF-8") from None
    if _CONTROLS.search(decoded):
        raise ValueError("has a control character in the user name or password")
    return decoded
