"""Replicas, broker and ledger fail in the middle of the work: every letter arrives, copies only of ambiguous ones."""

import re
from collections import Counter
from uuid import UUID

import pytest

from dev_inbox.script import Phase, Rule
from support.eventually import eventually
from support.mailroom import Mailroom

AN = "an@example.org"
SLOW = Rule(phase=Phase.DATA, delay_seconds=0.1)


def post(room: Mailroom, count: int) -> list[UUID]:
    return [room.post(room.seal(f"an{n}@example.org")) for n in range(count)]


def everyone_has_a_letter_and_only_the_ambiguous_two(room: Mailroom, letters: list[UUID]) -> None:
    """Wait until all are accepted, then compare mailbox and ledger."""

    def all_accepted() -> None:
        states = Counter(row["state"] for row in room.query("SELECT state FROM letters"))
        assert states == {"accepted": len(letters)}

    eventually(all_accepted, within=60, every=0.3)
    eventually(room.everything_is_settled, within=90, every=0.3)
    ambiguous = {str(row["id"]) for row in room.query("SELECT id FROM letters WHERE ambiguous")}
    received = Counter(
        found[1].decode()
        for message in room.inbox.messages()
        if (found := re.search(rb"Message-ID: <([0-9a-f-]+)@", message.raw))
    )
    assert set(received) == {str(letter_id) for letter_id in letters}
    assert {letter_id for letter_id, copies in received.items() if copies > 1} <= ambiguous
    for letter_id in letters:
        assert set(room.told(letter_id)) <= {"sent", "deferred"}
        assert "sent" in room.told(letter_id)


def test_a_killed_replicas_letter_is_sent_by_another_at_once(room: Mailroom) -> None:
    room.inbox.play(Rule(phase=Phase.DATA, delay_seconds=30, times=1))
    victim = room.start(MAILER_CONCURRENCY="1")
    letter_id = room.post(room.seal(AN))
    eventually(lambda: room.state(letter_id) == "transmitting")
    room.start()
    victim.kill()
    eventually(lambda: room.told(letter_id) == ["sent"], within=8)
    row = room.row(letter_id)
    assert row is not None
    assert (row["attempts"], row["ambiguous"]) == (2, True)
    assert len(room.subjects_for(AN)) == 1


def test_replicas_killed_under_load_lose_nothing(room: Mailroom) -> None:
    room.shorten_the_waits()
    room.inbox.play(SLOW)
    victims = [room.start(), room.start()]
    letters = post(room, 60)
    for n, victim in enumerate(victims, start=1):
        eventually(lambda sent=n * 12: len(room.inbox.messages()) >= sent, within=20)  # type: ignore[misc]
        victim.kill()
        room.start()
    everyone_has_a_letter_and_only_the_ambiguous_two(room, letters)


@pytest.mark.slow
def test_a_frozen_replica_is_fenced_when_it_wakes(room: Mailroom) -> None:
    room.shorten_the_waits()
    room.inbox.play(Rule(phase=Phase.RCPT, delay_seconds=2.0, times=1))
    frozen = room.start(MAILER_CONCURRENCY="1", MAILER_LEASE_SECONDS="6", MAILER_SMTP_TIMEOUT_SECONDS="4")
    envelope = room.seal(AN)
    letter_id = room.post(envelope)
    eventually(lambda: room.state(letter_id) == "transmitting")
    frozen.freeze()
    room.start()
    room.post(envelope)
    eventually(lambda: room.told(letter_id) == ["sent"], within=20)
    frozen.thaw()
    eventually(lambda: frozen.events("claim_lost"))
    eventually(lambda: room.told(letter_id) == ["sent", "sent"], within=20)
    assert len(room.subjects_for(AN)) == 1
    row = room.row(letter_id)
    assert row is not None
    assert (row["state"], row["ambiguities"]) == ("accepted", 1)


def test_while_the_ledger_is_away_nothing_is_sent_and_nothing_is_lost(room: Mailroom) -> None:
    replica = room.start()
    infra = room.broker.infra
    infra.stop_postgres()
    letters = post(room, 20)
    eventually(lambda: len(replica.events("ledger_unavailable")) >= 4)
    assert room.inbox.connections() == []
    infra.start_postgres()
    everyone_has_a_letter_and_only_the_ambiguous_two(room, letters)
    assert room.query("SELECT id FROM letters WHERE ambiguous OR attempts > 1") == []


def test_an_acceptance_is_recorded_once_the_ledger_is_back(room: Mailroom) -> None:
    room.inbox.play(Rule(phase=Phase.DOT, delay_seconds=1.5, times=1))
    room.start()
    letter_id = room.post(room.seal(AN))
    eventually(lambda: room.state(letter_id) == "transmitting")
    infra = room.broker.infra
    infra.stop_postgres()
    eventually(lambda: len(room.subjects_for(AN)) == 1)
    infra.start_postgres()
    eventually(lambda: room.told(letter_id) == ["sent"], within=20)
    assert len(room.subjects_for(AN)) == 1
    assert [attempt["outcome"] for attempt in room.attempts(letter_id)] == ["sent"]


@pytest.mark.slow
def test_a_broker_killed_under_load_is_found_again_without_a_restart(room: Mailroom) -> None:
    room.shorten_the_waits()
    room.inbox.play(SLOW)
    replica = room.start()
    letters = post(room, 60)
    eventually(lambda: len(room.inbox.messages()) >= 15, within=20)
    infra = room.broker.infra
    infra.kill_broker()
    infra.start_broker()
    everyone_has_a_letter_and_only_the_ambiguous_two(room, letters)
    assert replica.is_running
