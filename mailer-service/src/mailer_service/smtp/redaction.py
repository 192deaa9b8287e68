"""A server's words without what is personal or secret in them, short enough for a header and a row."""

from __future__ import annotations

import re
from itertools import chain

from mailer_service.smtp.refusal_phrases import REFUSAL_PHRASES
from mailer_service.smtp.sender_phrases import SENDER_PHRASES

MAX_LENGTH = 300
_NAME = r"[^\s<>()\[\],;:\"']"
_ADDRESS = re.compile(rf"(?<!{_NAME}){_NAME}+@[^\s<>()\[\],;\"']+")
_LINK = re.compile(r"\b[a-z][a-z0-9+.-]{0,30}://\S+", re.IGNORECASE)
_CODE = re.compile(r"\b\d{8}\b|\b\d{4} \d{4}\b")
_UNPRINTABLE = re.compile(r"[^\x20-\x7e\u00a0-\uffff]+")
_SHORTEST_NAME = 3
"""Shorter local parts are words like any other; replacing them would make a reply unreadable."""
_STOCK = frozenset(
    word for phrase in chain(REFUSAL_PHRASES, SENDER_PHRASES) for word in re.findall(r"\w+", phrase.words)
)
"""Words of servers' stock phrases: where `Access denied` is said to `denied@…`, a gap would tell more than the word."""


def redact(words: str, *, recipient: str) -> str:
    """Returns the words in one line, addresses, links, codes and the recipient's local part replaced."""
    words = _UNPRINTABLE.sub(" ", words)
    words = _LINK.sub("<link>", words)
    words = words.replace(recipient, "<address>")
    words = _ADDRESS.sub("<address>", words)
    local = recipient.rpartition("@")[0]
    if len(local) >= _SHORTEST_NAME and local.lower() not in _STOCK and _may_have(words, local):
        words = re.sub(rf"(?<!\w){re.escape(local)}(?!\w)", "<name>", words, flags=re.IGNORECASE)
    words = _CODE.sub("<code>", words)
    return words if len(words) <= MAX_LENGTH else words[: MAX_LENGTH - 1] + "…"


def _may_have(words: str, local: str) -> bool:
    """Saves compiling a pattern for every letter: few servers repeat a name."""
    return not (words.isascii() and local.isascii()) or local.lower() in words.lower()
