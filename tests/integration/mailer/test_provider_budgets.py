"""Several replicas and what they may ask of a provider together, and of one slow domain."""

import time
from collections import Counter
from datetime import datetime
from uuid import UUID

import pytest

from dev_inbox.script import Phase, Rule
from support.eventually import eventually
from support.mailroom import Mailroom

KNOWN_SECONDS = 3.0
"""By then replicas know of each other."""
SLOW = Rule(phase=Phase.DATA, delay_seconds=0.1)


def post(room: Mailroom, count: int, domain: str = "example.org") -> list[UUID]:
    return [room.post(room.seal(f"an{n}@{domain}")) for n in range(count)]


def all_are_accepted(room: Mailroom, count: int) -> None:
    states = Counter(row["state"] for row in room.query("SELECT state FROM letters"))
    assert states == {"accepted": count}


def senders(room: Mailroom) -> set[str]:
    return {row["replica"] for row in room.query("SELECT DISTINCT replica FROM attempts")}


def transmitting(room: Mailroom) -> int:
    return int(room.query("SELECT count(*) AS n FROM letters WHERE state = 'transmitting'")[0]["n"])


def received(room: Mailroom) -> list[datetime]:
    return sorted(message.received_at for message in room.inbox.messages())


def test_three_replicas_never_open_more_connections_than_allowed(room: Mailroom) -> None:
    room.inbox.play(SLOW)
    for _ in range(3):
        room.start(MAILER_SMTP_URL=f"{room.inbox.smtp_url}?connections=4")
    letters = post(room, 80)
    eventually(lambda: all_are_accepted(room, len(letters)), within=60, every=0.3)
    assert room.inbox.totals().most_open <= 4
    assert len(senders(room)) >= 2
    assert {row["attempts"] for row in room.query("SELECT attempts FROM letters")} == {1}


def test_a_replica_without_a_connection_stands_by_and_takes_over_from_one_that_is_killed(
    room: Mailroom,
) -> None:
    one = {"MAILER_SMTP_URL": f"{room.inbox.smtp_url}?connections=1", "MAILER_CONCURRENCY": "1"}
    room.shorten_the_waits()
    room.inbox.play(Rule(phase=Phase.DATA, delay_seconds=60, times=1))
    first = room.start(**one, MAILER_SMTP_TIMEOUT_SECONDS="20")
    stuck = room.post(room.seal("stuck@example.org"))
    eventually(lambda: room.state(stuck) == "transmitting")
    second = room.start(**one)
    letters = post(room, 3)
    eventually(lambda: second.events("consumption_paused"), within=30)
    first.kill()
    eventually(lambda: second.events("consumption_resumed"), within=10)
    eventually(lambda: all_are_accepted(room, len(letters) + 1), within=30)
    assert room.inbox.totals().most_open <= 2  # the killed one's connection may not be closed yet


def test_three_replicas_keep_one_rate(room: Mailroom) -> None:
    rate = 12.0
    for _ in range(3):
        room.start(MAILER_SMTP_URL=f"{room.inbox.smtp_url}?rate={rate}")
    letters = post(room, 60)
    eventually(lambda: all_are_accepted(room, len(letters)), within=60, every=0.3)
    times = received(room)
    seconds = (times[-1] - times[0]).total_seconds()
    assert (len(times) - 1) / seconds == pytest.approx(rate, rel=0.1)
    assert len(senders(room)) >= 2


def test_a_slow_domain_does_not_delay_the_others(room: Mailroom) -> None:
    room.inbox.play(Rule(phase=Phase.RCPT, recipient="*@slow.example", delay_seconds=5.0))
    room.start(MAILER_CONCURRENCY="8")
    post(room, 100, "slow.example")
    others = [room.post(room.seal(f"an@{name}.example")) for name in ("a", "b", "c") for _ in range(10)]

    def others_are_accepted() -> None:
        rows = room.query(
            "SELECT count(*) AS n FROM letters WHERE id = ANY(CAST(%s AS uuid[])) AND state = 'accepted'",
            [str(letter_id) for letter_id in others],
        )
        assert rows[0]["n"] == len(others)

    # Behind one another, the hundred would take the eight threads over a minute.
    eventually(others_are_accepted, within=20, every=0.3)
    slow = room.query(
        "SELECT count(*) AS n FROM attempts JOIN letters ON letters.id = letter_id WHERE NOT (letters.id = ANY(CAST(%s AS uuid[])))",
        [str(letter_id) for letter_id in others],
    )
    assert slow[0]["n"] <= 24
    assert room.dead() == []


def test_a_quick_domain_that_begins_to_hang_leaves_threads_and_connections_to_others(room: Mailroom) -> None:
    settings = {"MAILER_CONCURRENCY": "12", "MAILER_SMTP_URL": f"{room.inbox.smtp_url}?connections=8"}
    for _ in range(2):
        room.start(**settings)
    # Each looks once a second how many there are.
    known_at = time.monotonic() + KNOWN_SECONDS

    def quick_for_a_while() -> bool:
        letters = post(room, 10)
        eventually(lambda: all(room.state(letter_id) == "accepted" for letter_id in letters), within=20)
        return time.monotonic() > known_at

    eventually(quick_for_a_while)
    room.inbox.play(Rule(phase=Phase.DOT, recipient="*@example.org", delay_seconds=300))
    hanging = post(room, 60)
    eventually(lambda: transmitting(room) >= 3)
    others = post(room, 10, "example.net")
    eventually(lambda: all(room.state(letter_id) == "accepted" for letter_id in others), within=30, every=0.3)
    # Three quarters of the four connections each of the two may count on.
    assert transmitting(room) <= 6
    assert not any(room.state(letter_id) == "accepted" for letter_id in hanging)


def test_a_domain_that_turns_letters_away_is_left_alone_while_others_get_theirs(room: Mailroom) -> None:
    room.shorten_the_waits()
    room.inbox.play(
        Rule(phase=Phase.RCPT, recipient="*@refusing.example", reply="421 4.7.0 Too many from you")
    )
    replica = room.start()
    refused = post(room, 30, "refusing.example")
    others = post(room, 10)
    eventually(lambda: len(room.inbox.messages()) == len(others), within=20)
    tried = room.query("SELECT count(*) AS n FROM attempts WHERE reason = '4.7.0'")[0]["n"]
    assert tried <= 4
    assert len(refused) == 30

    def every_refused_letter_is_accounted_for() -> bool:
        return set(room.waiting()) == set(refused)

    # The ledger knows nothing of those that waited without an attempt; their messages say why.
    room.stop_the_waits()
    eventually(every_refused_letter_is_accounted_for)
    assert {event["reason"] for event in replica.events("letter_put_off")} == {"domain_refuses"}
    assert room.dead() == []
