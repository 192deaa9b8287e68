"""Everything the inbox itself complains about."""

from __future__ import annotations


class InboxError(Exception):
    """The inbox cannot do what it was asked."""


class CannotListen(InboxError):
    """An address is taken or not this machine's; the text names it."""


class BadRule(InboxError):
    """A rule contradicts itself."""


class BadScript(InboxError):
    """A script cannot be understood; the text names places and faults, but no value."""


class BadCertificate(InboxError):
    """A certificate or its key is of no use; the text names the file."""
