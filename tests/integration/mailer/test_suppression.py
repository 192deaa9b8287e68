"""Recipients and domains that get no letters: written down when a server says so, asked before the next letter."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine, text

from dev_inbox.script import Phase, Rule
from mailer_service.suppression.recipient_hashes import RecipientHasher
from service_runtime.database.engine import build_engine
from support.eventually import eventually
from support.mailroom import HASH_KEY, Mailroom

MARKER = RecipientHasher(HASH_KEY)


@pytest.fixture
def domain() -> str:
    """A domain nobody wrote to before."""
    return f"{uuid4().hex}.example"


def entry(room: Mailroom, address: str) -> tuple[str, str, int, int, float | None] | None:
    """Scope, reason, times, needed and days left of the recipient's own or, without one, its domain's entry."""
    hashes = MARKER.hashes_of(address)
    for key in (hashes.recipient, hashes.domain):
        rows = room.query(
            "SELECT scope, reason, times, needed, EXTRACT(epoch FROM expires_at - now()) / 86400 AS days"
            " FROM suppressions WHERE key = %s",
            key,
        )
        for row in rows:
            days = None if row["days"] is None else round(float(row["days"]), 1)
            return row["scope"], row["reason"], row["times"], row["needed"], days
    return None


def send(room: Mailroom, address: str, *, decoy: bool = False) -> list[str]:
    """Post one letter; returns what was reported of it in the end."""
    letter_id = room.post(room.seal(address, decoy=decoy))
    return ending(room, letter_id)


def ending(room: Mailroom, letter_id: UUID) -> list[str]:
    def told() -> list[str]:
        found = room.told(letter_id)
        assert found
        assert found[-1] != "deferred"
        return found

    return eventually(told)


def refuse(room: Mailroom, reply: str, recipient: str) -> None:
    room.inbox.play(Rule(phase=Phase.RCPT, recipient=recipient, reply=reply))


def test_a_mailbox_that_does_not_exist_gets_no_second_letter(busy_room: Mailroom, domain: str) -> None:
    gone = f"gone@{domain}"
    refuse(busy_room, "550 5.1.1 No such user", gone)
    assert send(busy_room, gone) == ["failed"]
    assert entry(busy_room, gone) == ("recipient", "5.1.1", 1, 1, 90.0)
    busy_room.inbox.play()
    before = len(busy_room.inbox.connections())
    letter_id = busy_room.post(busy_room.seal(f"GONE@{domain.upper()}"))
    assert ending(busy_room, letter_id) == ["suppressed"]
    assert busy_room.subjects_for(gone) == []
    assert busy_room.attempts(letter_id) == []
    row = busy_room.row(letter_id)
    assert row is not None
    assert (row["state"], row["attempts"]) == ("suppressed", 0)
    (kept,) = busy_room.dead(letter_id)  # for the suppression may have been a mistake
    assert kept["properties"]["headers"]["x-postern-reason"] == "suppressed"
    assert len(busy_room.inbox.connections()) == before
    assert send(busy_room, f"somebody.else@{domain}") == ["sent"]


def test_a_domain_without_mail_gets_no_letter_for_anybody(busy_room: Mailroom, domain: str) -> None:
    refuse(busy_room, "556 5.1.10 Null MX", f"*@{domain}")
    assert send(busy_room, f"one@{domain}") == ["failed"]
    assert entry(busy_room, f"two@{domain}") == ("domain", "5.1.10", 1, 1, 1.0)
    assert send(busy_room, f"two@{domain}") == ["suppressed"]
    busy_room.inbox.play()
    assert send(busy_room, f"two@{uuid4().hex}.example") == ["sent"]


def test_a_full_mailbox_is_left_alone_only_after_the_third_time(busy_room: Mailroom, domain: str) -> None:
    full = f"full@{domain}"
    refuse(busy_room, "552 5.2.2 Mailbox full", full)
    for times in (1, 2, 3):
        assert send(busy_room, full) == ["failed"]
        assert entry(busy_room, full) == ("recipient", "5.2.2", times, 3, 90.0)
    assert send(busy_room, full) == ["suppressed"]


@pytest.mark.parametrize(
    "reply", ["550 5.7.1 Policy", "554 5.7.1 Spam", "552 5.3.4 Too big", "550 5.6.7 No UTF-8", "501 Syntax"]
)
def test_what_says_nothing_of_the_recipient_suppresses_nobody(
    busy_room: Mailroom, domain: str, reply: str
) -> None:
    refuse(busy_room, reply, f"an@{domain}")
    assert send(busy_room, f"an@{domain}") == ["failed"]
    assert entry(busy_room, f"an@{domain}") is None


def test_a_decoy_is_as_suppressed_as_a_letter_so_that_neither_tells_who_has_an_account(
    busy_room: Mailroom, domain: str
) -> None:
    gone = f"gone@{domain}"
    refuse(busy_room, "550 5.1.1 No such user", gone)
    assert send(busy_room, gone, decoy=True) == ["sent"]
    assert entry(busy_room, gone) is None
    assert send(busy_room, gone) == ["failed"]
    assert send(busy_room, gone, decoy=True) == send(busy_room, gone) == ["suppressed"]


def test_an_expired_suppression_neither_holds_nor_counts(busy_room: Mailroom, domain: str) -> None:
    full = f"full@{domain}"
    refuse(busy_room, "552 5.2.2 Mailbox full", full)
    for _ in range(3):
        send(busy_room, full)
    with admin(busy_room) as engine, engine.begin() as connection:
        connection.execute(
            text("UPDATE suppressions SET expires_at = now() - interval '1 second' WHERE key = :key"),
            {"key": MARKER.hashes_of(full).recipient},
        )
    assert send(busy_room, full) == ["failed"]
    assert entry(busy_room, full) == ("recipient", "5.2.2", 1, 3, 90.0)
    busy_room.inbox.play()
    assert send(busy_room, full) == ["sent"]


def test_a_letter_suppressed_while_it_waits_is_not_tried_again(busy_room: Mailroom, domain: str) -> None:
    an = f"an@{domain}"
    busy_room.inbox.play(
        Rule(phase=Phase.RCPT, recipient=an, reply="451 4.3.0 Later", times=1),
        Rule(phase=Phase.RCPT, recipient=an, reply="550 5.1.1 No such user"),
    )
    first = busy_room.post(busy_room.seal(an))
    eventually(lambda: busy_room.told(first) == ["deferred"])
    send(busy_room, an)
    assert ending(busy_room, first)[-1] in {"suppressed", "failed"}


def test_the_table_names_nobody(busy_room: Mailroom, domain: str) -> None:
    gone = f"canary.person@{domain}"
    refuse(busy_room, f"550 5.1.1 <{gone}> no such user", gone)
    send(busy_room, gone)
    shown = str(busy_room.query("SELECT * FROM suppressions"))
    assert "canary" not in shown
    assert domain not in shown


@contextmanager
def admin(room: Mailroom) -> Iterator[Engine]:
    engine = build_engine(room.database.admin_url, application="test")
    try:
        yield engine
    finally:
        engine.dispose()
