"""Where accepted messages are kept, in memory and bounded, and who is told about new ones."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice

from dev_inbox.addresses import canonical
from dev_inbox.feed import Feed
from dev_inbox.messages import Message
from dev_inbox.parts import read_subject

MESSAGES_KEPT = 20_000
BYTES_KEPT = 256 * 2**20


class Mailbox:
    """Keeps the newest messages; the oldest go when there are too many, or too many bytes."""

    def __init__(
        self, *, feed: Feed, messages_kept: int = MESSAGES_KEPT, bytes_kept: int = BYTES_KEPT
    ) -> None:
        self._feed = feed
        self._messages_kept = messages_kept
        self._bytes_kept = bytes_kept
        self._messages: dict[str, Message] = {}
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._messages)

    def keep(self, *, sender: str, recipients: tuple[str, ...], raw: bytes) -> Message:
        """Stores a message and announces it."""
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
        self._feed.announce(message)
        return message

    def find(self, message_id: str) -> Message | None:
        """Returns the message, or None if there is none (any more)."""
        return self._messages.get(message_id)

    def newest_first(
        self,
        *,
        to: str | None = None,
        words: str | None = None,
        before: str | None = None,
        limit: int | None = None,
    ) -> list[Message]:
        """Returns messages, newest first.

        Args:
            to: only those to this address, compared in canonical form.
            words: only those that mention this.
            before: only those older than the message with this id; none if that message is gone.
            limit: at most this many.
        """
        mailbox = None if to is None else canonical(to)
        found = (
            message
            for message in self._older_than(before)
            if (mailbox is None or mailbox in message.mailboxes)
            and (words is None or message.mentions(words))
        )
        return list(islice(found, limit))

    def clear(self) -> None:
        """Forgets every message and announces it."""
        self._messages.clear()
        self._bytes = 0
        self._feed.reset()

    def _older_than(self, message_id: str | None) -> Iterator[Message]:
        messages = reversed(self._messages.values())
        if message_id is not None:
            for message in messages:
                if message.id == message_id:
                    break
        return messages
