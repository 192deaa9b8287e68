"""When two spellings name the same mailbox, as far as looking something up is concerned."""

from __future__ import annotations

import unicodedata

_ACE_PREFIX = "xn--"


def canonical(address: str) -> str:
    """Returns the form in which addresses are compared: NFC, lower case, no Punycode.

    A sender may write a domain as A-labels (RFC 5890) where the receiver lacks SMTPUTF8, so the letter to `an@bưu.vn`
    is found under both spellings. A label that is not valid Punycode stays as it is. Globs pass through unharmed.
    """
    local, at, domain = address.rpartition("@")
    labels = (_readable(label) for label in domain.lower().split("."))
    return unicodedata.normalize("NFC", f"{local}{at}{'.'.join(labels)}".lower())


def _readable(label: str) -> str:
    if not label.startswith(_ACE_PREFIX):
        return label
    try:
        return label.removeprefix(_ACE_PREFIX).encode("ascii").decode("punycode")
    except UnicodeError:
        return label
