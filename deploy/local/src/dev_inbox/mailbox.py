"""Where accepted messages are kept, in memory and bounded, and when two spellings name the same mailbox."""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile

from tornado.locks import Condition

from dev_inbox.parts import read_letter_name, read_subject

MESSAGES_KEPT = 20_000
BYTES_KEPT = 256 * 2**20
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

    def is_letter(self, name: str) -> bool:
        """Tells whether this is the letter `urgent/verify_address`, which may be called by its second half, too."""
        letter = read_letter_name(self.raw)
        return letter is not None and name in {letter, letter.rpartition("/")[2]}


class Mailbox:
    """Keeps the newest messages; the oldest go when there are too many, or too many bytes."""

    def __init__(self, *, messages_kept: int = MESSAGES_KEPT, bytes_kept: int = BYTES_KEPT) -> None:
        self._messages_kept = messages_kept
        self._bytes_kept = bytes_kept
        self._messages: dict[str, Message] = {}
        self._bytes = 0
        self._arrival = Condition()

    def __len__(self) -> int:
        return len(self._messages)

    def keep(self, *, sender: str, recipients: tuple[str, ...], raw: bytes) -> Message:
        """Stores a message and returns it."""
        message = Message(
            id=secrets.token_hex(6),
            sender=sender,
            recipients=recipients,
            mailboxes=frozenset(map(canonical, recipients)),
            subject=read_subject(raw),
            received_at=datetime.now(UTC),
            raw=raw,
        )
        self._messages[message.id] = message
        self._bytes += len(raw)
        while len(self._messages) > self._messages_kept or (self._bytes > self._bytes_kept and len(self) > 1):
            self._bytes -= len(self._messages.pop(next(iter(self._messages))).raw)
        self._arrival.notify_all()
        return message

    @property
    def newest_id(self) -> str | None:
        """Of the message that came last, if it is still kept."""
        return next(reversed(self._messages), None)

    async def arrival(self, *, within: float) -> bool:
        """Waits for the next message to anybody; tells whether one came within so many seconds."""
        return within > 0 and await self._arrival.wait(timeout=timedelta(seconds=within))

    def find(self, message_id: str) -> Message | None:
        """Returns the message, or None if there is none (any more)."""
        return self._messages.get(message_id)

    def newest_first(
        self,
        *,
        to: str | None = None,
        words: str | None = None,
        letter: str | None = None,
        before: str | None = None,
        after: str | None = None,
        limit: int | None = None,
    ) -> list[Message]:
        """Returns messages, newest first.

        Args:
            to: only those to this address, compared in canonical form.
            words: only those that mention this.
            letter: only those that are this letter, by its name with or without its class.
            before: only those older than the message with this id; none if that message is gone.
            after: only those newer than the message with this id; all if that message is gone.
            limit: at most this many.
        """
        mailbox = None if to is None else canonical(to)
        found = (
            message
            for message in takewhile(lambda message: message.id != after, self._older_than(before))
            if (mailbox is None or mailbox in message.mailboxes)
            and (words is None or message.mentions(words))
            and (letter is None or message.is_letter(letter))
        )
        return list(islice(found, limit))

    def clear(self) -> None:
        """Forgets every message."""
        self._messages.clear()
        self._bytes = 0

    def _older_than(self, message_id: str | None) -> Iterator[Message]:
        messages = reversed(self._messages.values())
        if message_id is not None:
            for message in messages:
                if message.id == message_id:
                    break
        return messages
