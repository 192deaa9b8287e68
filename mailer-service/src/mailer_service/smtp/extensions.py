"""What a server says it can do, in its reply to EHLO."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

_SIZE = re.compile(r"[0-9]{1,20}")
"""RFC 1870, section 3; zero stands for no fixed limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extensions:
    """The extensions that matter here; none of them is used unless it was offered.

    Attributes:
        starttls: RFC 3207.
        pipelining: RFC 2920; several commands at once.
        eight_bit: RFC 6152, 8BITMIME.
        smtputf8: RFC 6531; addresses and headers beyond ASCII.
        size: RFC 1870; the size of a letter may be told beforehand.
        size_limit: octets; None if there is no fixed one.
        auth: mechanisms of RFC 4954, in capitals.
    """

    starttls: bool = False
    pipelining: bool = False
    eight_bit: bool = False
    smtputf8: bool = False
    size: bool = False
    size_limit: int | None = None
    auth: frozenset[str] = frozenset()

    @classmethod
    def read(cls, words: str) -> Self:
        """Reads the lines of a reply to EHLO, the first of which is only a greeting; what is unknown is left out."""
        offered: dict[str, list[str]] = {}
        for line in words.split("\n")[1:]:
            # `AUTH=` is how servers older than RFC 2554 write it, and newer ones for the clients of that time.
            keyword, *parameters = line.upper().replace("AUTH=", "AUTH ").split() or [""]
            offered.setdefault(keyword, []).extend(parameters)
        limit = next(iter(offered.get("SIZE", [])), "")
        return cls(
            starttls="STARTTLS" in offered,
            pipelining="PIPELINING" in offered,
            eight_bit="8BITMIME" in offered,
            smtputf8="SMTPUTF8" in offered,
            size="SIZE" in offered,
            size_limit=int(limit) or None if _SIZE.fullmatch(limit) else None,
            auth=frozenset(offered.get("AUTH", [])),
        )
