"""Headers that stay what they were meant to be, whatever is put into them."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Sequence

from mailer_service.errors import UnsafeHeader

_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]|=\?")
_WORD_OCTETS = 45
"""45 octets become 60 characters of base64: with `=?utf-8?b?` and `?=` 72, below the 75 of RFC 2047, section 2."""


def safe(value: str) -> str:
    """Returns the value as it is; raises UnsafeHeader for line ends, controls, and the start of an encoded word.

    Some releases of Python turn an encoded word into real header lines (CVE-2024-6923), and so may the reader's client.
    """
    if _UNSAFE.search(value):
        raise UnsafeHeader
    return value


def unstructured(value: str) -> str:
    """Returns the value as it is if ASCII, else as encoded words of RFC 2047, folded between them."""
    safe(value)
    return value if value.isascii() else "\r\n ".join(_words(value))


def phrase(value: str) -> str:
    """Returns a display name: quoted if ASCII, else encoded words."""
    safe(value)
    if not value.isascii():
        return "\r\n ".join(_words(value))
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def write(fields: Sequence[tuple[str, str]]) -> str:
    """Returns the header block, each line ended by CRLF; raises UnsafeHeader if it would not read back the same."""
    block = "".join(f"{name}: {value}\r\n" for name, value in fields)
    if list(_names(block)) != [name for name, _ in fields]:
        raise UnsafeHeader
    return block


def _names(block: str) -> Iterable[str]:
    """Reads the names back as a suspicious parser would, for which a bare CR or LF ends a line too."""
    for line in re.split(r"\r\n|\r|\n", block)[:-1]:
        if not line.startswith((" ", "\t")):
            yield line.partition(":")[0]


def _words(value: str) -> Iterable[str]:
    chunk = b""
    for character in value:
        octets = character.encode()
        if len(chunk) + len(octets) > _WORD_OCTETS:
            yield _word(chunk)
            chunk = b""
        chunk += octets
    yield _word(chunk)


def _word(octets: bytes) -> str:
    return f"=?utf-8?b?{base64.b64encode(octets).decode('ascii')}?="
