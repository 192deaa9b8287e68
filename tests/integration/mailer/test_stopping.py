"""A replica is told to stop, replaced, or killed while it has letters in hand: none is lost, none is sent twice."""

import signal
import time
from collections import Counter
from uuid import UUID

import pytest

from dev_inbox.script import Phase, Rule
from mail_contract.letters import LetterName
from mail_contract.topology import MAILER_URGENT
from support.eventually import eventually
from support.mailroom import Mailroom, Replica

AN = "an@example.org"
SLOW = Rule(phase=Phase.DATA, delay_seconds=0.1)


def post(room: Mailroom, count: int, *, first: int = 0) -> list[UUID]:
    return [room.post(room.seal(f"an{n}@example.org")) for n in range(first, first + count)]


def states(room: Mailroom) -> Counter[str]:
    return Counter(row["state"] for row in room.query("SELECT state FROM letters"))


def each_was_sent_once(room: Mailroom, letters: list[UUID]) -> None:
    """Wait until all are accepted, then count in the mailbox, the ledger and the reports."""
    eventually(lambda: states(room)["accepted"] == len(letters), within=90, every=0.3)
    eventually(room.everything_is_settled, within=30, every=0.3)
    received = Counter(message.recipients[0] for message in room.inbox.messages())
    assert received.total() == len(received) == len(letters)
    assert room.query("SELECT id FROM letters WHERE ambiguous OR attempts <> 1") == []
    assert [room.told(letter) for letter in letters] == [["sent"]] * len(letters)


def sent_by(room: Mailroom, count: int) -> None:
    eventually(lambda: len(room.inbox.messages()) >= count, within=60)


def test_a_stopped_replica_finishes_or_gives_back_what_it_has(room: Mailroom) -> None:
    room.inbox.play(SLOW)
    first = room.start()
    letters = post(room, 40)
    eventually(lambda: len(room.inbox.messages()) >= 8, within=20)
    assert first.stop(within=15) == 0
    assert room.query("SELECT id FROM letters WHERE state IN ('claimed', 'transmitting')") == []
    accepted = len(room.query("SELECT id FROM letters WHERE state = 'accepted'"))
    assert 0 < accepted < len(letters)
    eventually(lambda: room.broker.depth(MAILER_URGENT) == len(letters) - accepted)
    room.start()
    each_was_sent_once(room, letters)


def test_a_letter_that_a_slow_server_takes_in_time_is_finished(room: Mailroom) -> None:
    room.inbox.play(Rule(phase=Phase.DOT, delay_seconds=4, times=1))
    replica = room.start()
    letter = room.post(room.seal(AN))
    eventually(lambda: room.state(letter) == "transmitting")
    assert replica.stop(within=20) == 0
    assert room.state(letter) == "accepted"
    assert room.told(letter) == ["sent"]
    assert len(room.subjects_for(AN)) == 1


def test_a_letter_that_takes_longer_than_the_stop_is_given_back_and_sent_once_by_another(
    room: Mailroom,
) -> None:
    room.inbox.play(Rule(phase=Phase.DATA, delay_seconds=30, times=1))
    replica = room.start(MAILER_STOP_SECONDS="2", MAILER_SMTP_TIMEOUT_SECONDS="20")
    letter = room.post(room.seal(AN))
    eventually(lambda: room.state(letter) == "transmitting")
    assert replica.stop(within=8) == 0
    assert replica.events("replica_stopped_unfinished")
    room.start()
    eventually(lambda: room.told(letter) == ["sent"], within=15)
    assert len(room.subjects_for(AN)) == 1


def test_being_told_twice_to_stop_changes_nothing(room: Mailroom) -> None:
    room.inbox.play(SLOW)
    replica = room.start()
    letters = post(room, 20)
    sent_by(room, 4)
    replica.process.send_signal(signal.SIGTERM)
    eventually(lambda: replica.process.poll() is not None or states(room)["transmitting"] < 4)
    assert replica.stop(within=15) == 0
    room.start()
    each_was_sent_once(room, letters)


def test_a_replica_that_waits_for_the_ledger_still_stops_in_time(room: Mailroom) -> None:
    replica = room.start()
    infra = room.broker.infra
    infra.stop_postgres()
    letters = post(room, 8)
    eventually(lambda: replica.events("ledger_unavailable"))
    assert replica.stop(within=15) == 0
    infra.start_postgres()
    assert room.broker.depth(MAILER_URGENT) == len(letters)


def test_an_acceptance_is_recorded_before_the_end_if_the_ledger_comes_back_in_time(room: Mailroom) -> None:
    room.inbox.play(Rule(phase=Phase.DOT, delay_seconds=2, times=1))
    replica = room.start()
    letter = room.post(room.seal(AN))
    eventually(lambda: room.state(letter) == "transmitting")
    infra = room.broker.infra
    infra.stop_postgres()
    eventually(lambda: len(room.subjects_for(AN)) == 1)
    replica.process.send_signal(signal.SIGTERM)
    infra.start_postgres()
    assert replica.process.wait(timeout=30) == 0
    assert room.state(letter) == "accepted"


def test_a_replica_that_takes_no_letters_for_want_of_a_mail_server_stops_at_once(room: Mailroom) -> None:
    room.inbox.play(Rule(phase=Phase.CONNECT, reply="554 5.3.2 Not today"))
    replica = room.start()
    post(room, 12)
    eventually(lambda: replica.events("consumption_paused"), within=30)
    assert replica.stop(within=15) == 0
    assert not set(states(room)) & {"claimed", "transmitting"}


@pytest.mark.slow
def test_a_replica_that_looks_for_its_broker_stops_at_once(room: Mailroom) -> None:
    replica = room.start()
    infra = room.broker.infra
    infra.stop_broker()
    eventually(lambda: "Cannot connect to" in replica.log.read_text(encoding="utf-8"), within=30)
    assert replica.stop(within=15) == 0
    infra.start_broker()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_replacing_every_replica_under_load_loses_and_doubles_nothing(room: Mailroom) -> None:
    room.inbox.play(Rule(phase=Phase.DATA, delay_seconds=0.05))
    serving: list[Replica] = [room.start(), room.start()]
    letters = post(room, 400)
    for n in range(1, 4):
        sent_by(room, n * 60)
        old, new = serving.pop(0), room.start()
        serving.append(new)
        assert old.stop() == 0
    each_was_sent_once(room, letters)
    assert [replica.stop() for replica in serving] == [0, 0]


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(300)
def test_one_replica_then_four_then_one_under_load_loses_and_doubles_nothing(room: Mailroom) -> None:
    room.inbox.play(Rule(phase=Phase.DATA, delay_seconds=0.05))
    first = room.start()
    letters = post(room, 250)
    sent_by(room, 40)
    others = [room.start() for _ in range(3)]
    # However long they took to start, all four have something to do, and the last one when the others stop.
    room.inbox.play(Rule(phase=Phase.DATA, delay_seconds=0.5))
    letters += post(room, 250, first=250)
    sent_by(room, 260)
    assert [replica.stop() for replica in others] == [0, 0, 0]
    assert len(room.inbox.messages()) < len(letters), "nothing was left for the last one"
    each_was_sent_once(room, letters)
    assert first.stop() == 0


@pytest.mark.parametrize(
    ("letter", "bound"), [(LetterName.VERIFY_ADDRESS, 10.0), (LetterName.TERMS_CHANGED, 60.0)]
)
def test_what_a_killed_replica_had_in_hand_is_sent_by_others_in_time(
    room: Mailroom, letter: LetterName, bound: float
) -> None:
    room.inbox.play(Rule(phase=Phase.DATA, delay_seconds=60, times=8))
    victim = room.start(MAILER_CONCURRENCY="8")
    # At as many domains, for one alone is not given all the threads.
    letters = [room.post(room.seal(f"an@d{n}.example", letter=letter)) for n in range(8)]
    eventually(lambda: states(room)["transmitting"] == len(letters))
    others = [room.start(), room.start()]
    killed = time.monotonic()
    victim.kill()
    eventually(lambda: states(room)["accepted"] == len(letters), within=bound)
    print(f"{len(letters)} {letter} letters sent by others {time.monotonic() - killed:.2f} s after kill -9")
    assert all(replica.is_running for replica in others)
    assert len(room.inbox.messages()) == len(letters)


def test_a_letter_that_comes_back_before_its_holder_is_known_to_be_dead_is_not_put_off(
    room: Mailroom,
) -> None:
    """The broker learns of a kill by one closed connection, the ledger by another; here the ledger's is late."""
    room.inbox.play(Rule(phase=Phase.DATA, delay_seconds=1.2, times=1))
    both = [room.start(MAILER_CONCURRENCY="1") for _ in range(2)]
    envelope = room.seal(AN)
    letter = room.post(envelope)
    eventually(lambda: room.state(letter) == "transmitting")
    room.post(envelope)  # as the broker would give it again
    eventually(lambda: room.told(letter) == ["sent", "sent"], within=8)
    assert all(replica.is_running for replica in both)
    assert len(room.subjects_for(AN)) == 1
    assert room.broker.depth("mailer.wait.10s") == 0
