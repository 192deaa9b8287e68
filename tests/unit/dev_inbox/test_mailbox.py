from __future__ import annotations

from dev_inbox.mailbox import Mailbox


def keep(mailbox: Mailbox, subject: str, padding: int = 0) -> str:
    raw = f"Subject: {subject}\r\n\r\n{'x' * padding}".encode()
    return mailbox.keep(sender="", recipients=("an@example.org",), raw=raw).id


def test_the_oldest_messages_go_when_there_are_too_many() -> None:
    mailbox = Mailbox(messages_kept=3)
    for number in range(5):
        keep(mailbox, str(number))
    assert [message.subject for message in mailbox.newest_first()] == ["4", "3", "2"]


def test_the_oldest_messages_go_when_they_are_too_large_together() -> None:
    mailbox = Mailbox(bytes_kept=2500)
    for number in range(4):
        keep(mailbox, str(number), padding=1000)
    assert [message.subject for message in mailbox.newest_first()] == ["3", "2"]


def test_the_newest_message_stays_however_large() -> None:
    mailbox = Mailbox(bytes_kept=10)
    keep(mailbox, "large", padding=1000)
    assert len(mailbox) == 1


def test_a_page_after_a_message_that_is_gone_is_empty() -> None:
    mailbox = Mailbox()
    keep(mailbox, "one")
    assert mailbox.newest_first(before="000000000000") == []
