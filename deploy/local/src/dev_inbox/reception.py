"""What the SMTP side and the HTTP side share."""

from __future__ import annotations

from dev_inbox.connections import Connections
from dev_inbox.feed import Feed
from dev_inbox.mailbox import BYTES_KEPT, MESSAGES_KEPT, Mailbox
from dev_inbox.rate import Rate
from dev_inbox.script import Script
from dev_inbox.terms import Terms


class Reception:
    """The state of one inbox; everything in it belongs to the event loop's thread."""

    def __init__(
        self,
        *,
        terms: Terms | None = None,
        messages_kept: int = MESSAGES_KEPT,
        bytes_kept: int = BYTES_KEPT,
    ) -> None:
        self.terms = terms or Terms()
        self.rate = Rate(self.terms.max_messages_per_second)
        self.feed = Feed()
        self.mailbox = Mailbox(feed=self.feed, messages_kept=messages_kept, bytes_kept=bytes_kept)
        self.script = Script()
        self.connections = Connections()
