"""Letters that wait again and again: class, priority and count of attempts stay; some have had enough before they expire."""

import pytest

from dev_inbox.script import Phase, Rule
from dev_inbox.server import Inbox
from mail_contract.letters import LETTERS, LetterName
from mail_contract.topology import CLASS_QUEUES
from support.eventually import eventually
from support.mailroom import Mailroom

AN = "an@example.org"
ROUNDS = 10


@pytest.mark.parametrize("letter", [LetterName.VERIFY_ADDRESS, LetterName.TERMS_CHANGED])
def test_a_letter_keeps_its_class_and_priority_through_ten_rounds(room: Mailroom, letter: LetterName) -> None:
    definition = LETTERS[letter]
    queue = CLASS_QUEUES[definition.letter_class]
    room.shorten_the_waits()
    room.inbox.play(Rule(phase=Phase.RCPT, reply="451 4.3.0 Later"))
    replica = room.start(MAILER_QUEUES=queue)
    letter_id = room.post(room.seal(AN, letter=letter))
    eventually(lambda: len(room.told(letter_id)) >= ROUNDS, within=90)
    assert replica.stop() == 0
    (message,) = eventually(lambda: room.broker.peek(queue))
    assert message["properties"]["priority"] == definition.priority
    assert message["properties"]["headers"]["id"] == str(letter_id)
    row = room.row(letter_id)
    assert row is not None
    assert (row["state"], row["attempts"]) == ("waiting", len(room.told(letter_id)))


@pytest.mark.parametrize(
    ("reply", "reason"),
    [("452 4.2.2 Mailbox full", "4.2.2"), ("550 5.4.1 Odd", "5.4.1"), ("gibberish", "protocol_error")],
)
def test_what_is_tried_a_few_times_is_then_dead_for_its_reason_and_suppresses_nobody(
    room: Mailroom, reply: str, reason: str
) -> None:
    room.shorten_the_waits()
    room.inbox.play(Rule(phase=Phase.RCPT, reply=reply))
    room.start()
    letter_id = room.post(room.seal(AN))
    eventually(lambda: room.told(letter_id)[-1:] == ["failed"], within=60)
    assert room.told(letter_id) == ["deferred", "deferred", "failed"]
    (dead,) = room.dead(letter_id)
    assert dead["properties"]["headers"]["x-postern-reason"] == reason
    assert dead["properties"]["headers"]["x-postern-attempts"] == 3
    assert room.query("SELECT 1 FROM suppressions") == []


def test_an_ambiguous_letter_whose_replica_is_killed_is_never_given_to_another_provider(
    room: Mailroom,
) -> None:
    with Inbox() as spare:
        room.shorten_the_waits()
        room.inbox.play(Rule(phase=Phase.DOT, delay_seconds=30, store=True, times=1))
        both = f"{room.inbox.smtp_url} {spare.smtp_url}"
        victim = room.start(MAILER_SMTP_URL=both, MAILER_CONCURRENCY="1", MAILER_SMTP_TIMEOUT_SECONDS="20")
        letter_id = room.post(room.seal(AN))
        eventually(lambda: len(room.subjects_for(AN)) == 1)
        room.inbox.play(Rule(phase=Phase.MAIL, reply="421 4.3.2 Down", times=2))
        room.start(MAILER_SMTP_URL=both)
        victim.kill()
        eventually(lambda: room.told(letter_id)[-1:] == ["sent"], within=60)
        assert spare.messages() == []
        first, second = room.inbox.messages(to=AN)
        assert first.raw == second.raw
        row = room.row(letter_id)
        assert row is not None
        assert (row["ambiguous"], row["ambiguities"]) == (True, 1)
