"""One accepted message."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message as it was accepted.

    Attributes:
        id: unguessable enough not to be mistaken for a message of an earlier run.
        sender: of the SMTP envelope; empty for the null sender.
        recipients: of the SMTP envelope, as written.
        mailboxes: the recipients in canonical form.
        subject: decoded.
        received_at: when the final dot was read, UTC.
        raw: the bytes between DATA and the dot, CRLF line ends, dots unstuffed.
    """

    id: str
    sender: str
    recipients: tuple[str, ...]
    mailboxes: frozenset[str]
    subject: str
    received_at: datetime
    raw: bytes

    def mentions(self, words: str) -> bool:
        """Tells whether the words stand in sender, recipients or subject, in any case."""
        return words.lower() in "\n".join((self.sender, *self.recipients, self.subject)).lower()
