"""Slow after the dot: whoever scans a letter for long gets it once, and whoever never answers may have it."""

import httpx
import pytest

from dev_inbox.script import Phase, Rule
from mail_contract.topology import WaitTier
from postern_local.ports import LOOPBACK, any_ports
from support.certificates import NOBODY
from support.eventually import eventually
from support.mailroom import Mailroom

AN = "an@example.org"
SHORT_LEASE = {"MAILER_LEASE_SECONDS": "6", "MAILER_SMTP_TIMEOUT_SECONDS": "2", "MAILER_CONCURRENCY": "1"}


def scanned_once(room: Mailroom, seconds: float, settings: dict[str, str]) -> None:
    """A letter whose dot is answered so late is in the mailbox once, and nobody else took it meanwhile."""
    room.shorten_the_waits()
    room.inbox.play(Rule(phase=Phase.DOT, recipient=AN, delay_seconds=seconds, store=True))
    listen = f"{LOOPBACK}:{any_ports({})['api']}"
    replicas = [room.start(**settings, MAILER_LISTEN=listen), room.start(**settings)]
    envelope = room.seal(AN)
    letter = room.post(envelope)
    eventually(lambda: room.state(letter) == "transmitting")
    room.post(envelope)  # as a broker may give it again
    seen = set()

    def sent() -> bool:
        seen.add(httpx.get(f"http://{listen}/healthz", verify=NOBODY).status_code)
        return "sent" in room.told(letter)

    eventually(sent, within=seconds + 30, every=0.5)
    eventually(room.everything_is_settled, within=20, every=0.3)
    assert set(room.told(letter)) == {"sent"}
    assert len(room.subjects_for(AN)) == 1
    row = room.row(letter)
    assert row is not None
    assert (row["state"], row["attempts"], row["ambiguities"]) == ("accepted", 1, 0)
    assert room.dead() == []
    assert seen == {200}
    assert all(replica.is_running for replica in replicas)
    assert not any(replica.events("claim_taken_over") for replica in replicas)


@pytest.mark.slow
def test_a_scanner_that_takes_far_longer_than_the_lease_makes_one_copy(room: Mailroom) -> None:
    scanned_once(room, 11.0, SHORT_LEASE)


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(180)
def test_a_scanner_that_takes_a_minute_makes_one_copy_with_the_settings_as_they_come(room: Mailroom) -> None:
    scanned_once(room, 60.0, {})


def test_an_answer_that_never_comes_leaves_the_letter_unconfirmed_after_delayed_tries(room: Mailroom) -> None:
    room.shorten_the_waits()
    room.inbox.play(Rule(phase=Phase.DOT, recipient=AN, delay_seconds=300, store=True))
    room.start(**SHORT_LEASE, MAILER_DOT_SECONDS="1.5")
    letter = room.post(room.seal(AN))
    eventually(lambda: room.told(letter) == ["deferred", "deferred", "unconfirmed"], within=30)
    (buried,) = room.dead(letter)
    assert buried["properties"]["headers"]["x-postern-reason"] == "unconfirmed"
    first, *others = room.inbox.messages(to=AN)
    assert len(others) == 2
    assert all(other.raw == first.raw for other in others)
    assert {attempt["reason"] for attempt in room.attempts(letter)} == {"timeout_after_dot"}


def test_a_copy_of_the_message_does_not_bring_a_delayed_try_forward(room: Mailroom) -> None:
    room.inbox.play(Rule(phase=Phase.DOT, recipient=AN, delay_seconds=300, store=True))
    room.start(**SHORT_LEASE, MAILER_DOT_SECONDS="1.5")
    envelope = room.seal(AN)
    letter = room.post(envelope)
    eventually(lambda: room.told(letter) == ["deferred"])
    room.post(envelope)  # as a broker may give it again
    eventually(lambda: room.broker.depth(WaitTier.S10.queue) == 1)
    assert [attempt["outcome"] for attempt in room.attempts(letter)] == ["ambiguous"]
    assert len(room.inbox.messages(to=AN)) == 1


def test_a_letter_refused_after_a_doubt_is_unconfirmed_and_not_failed(room: Mailroom) -> None:
    room.shorten_the_waits()
    room.inbox.play(Rule(phase=Phase.DOT, recipient=AN, delay_seconds=300, store=True))
    room.start(**SHORT_LEASE, MAILER_DOT_SECONDS="1.5")
    letter = room.post(room.seal(AN))
    eventually(lambda: len(room.inbox.messages(to=AN)) == 1)
    room.inbox.play(Rule(phase=Phase.RCPT, recipient=AN, reply="550 5.7.1 Not today"))
    eventually(lambda: room.told(letter)[-1:] == ["unconfirmed"], within=30)
    assert room.state(letter) == "unconfirmed"


def test_a_replica_that_is_stopped_leaves_what_a_scanner_has_to_a_later_try(room: Mailroom) -> None:
    room.stop_the_waits()
    room.inbox.play(Rule(phase=Phase.DOT, recipient=AN, delay_seconds=60, store=True))
    replica = room.start(**SHORT_LEASE, MAILER_STOP_SECONDS="8")
    letter = room.post(room.seal(AN))
    eventually(lambda: room.state(letter) == "transmitting")
    eventually(lambda: len(room.subjects_for(AN)) == 1)
    other = room.start(**SHORT_LEASE)
    assert replica.stop(within=20) == 0
    assert replica.events("replica_stopped_unfinished") == []
    eventually(lambda: room.told(letter) == ["deferred"])
    assert room.state(letter) == "waiting"
    tier, _ = room.waiting()[letter]
    assert tier is WaitTier.M1
    assert other.is_running
    assert len(room.subjects_for(AN)) == 1
