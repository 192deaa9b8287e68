"""What the SMTP side and the HTTP side share."""

from __future__ import annotations

from dev_inbox.connections import Connections
from dev_inbox.feed import Feed
from dev_inbox.mailbox import MESSAGES_KEPT, Mailbox
from dev_inbox.script import Script


class Reception:
    """The state of one inbox; everything in it belongs to the event loop's thread."""

    def __init__(self, *, messages_kept: int = MESSAGES_KEPT) -> None:
        self.feed = Feed()
        self.mailbox = Mailbox(feed=self.feed, messages_kept=messages_kept)
        self.script = Script()
        self.connections = Connections()
