"""A letter's way through the mailer, on a real broker, a real ledger and real SMTP."""

from datetime import timedelta
from uuid import uuid4

import pytest

from dev_inbox.script import Action, Phase, Rule
from mail_contract.letters import LetterName
from mail_contract.messages import Envelope
from mail_contract.topology import MAILER_URGENT, WaitTier
from support.eventually import eventually
from support.mailroom import Mailroom
from support.outgoing import CODE, LINK


@pytest.fixture
def an() -> str:
    """A person nobody wrote to before."""
    return f"an.{uuid4().hex}@example.org"


def test_a_letter_is_sent_once_recorded_and_reported(busy_room: Mailroom, an: str) -> None:
    letter_id = busy_room.post(busy_room.seal(an))
    eventually(lambda: busy_room.told(letter_id) == ["sent"])
    (message,) = busy_room.inbox.messages(to=an)
    assert message.subject == "Confirm your email address for Postern"
    row = busy_room.row(letter_id)
    assert row is not None
    assert (row["state"], row["attempts"], row["ambiguous"]) == ("accepted", 1, False)
    (attempt,) = busy_room.attempts(letter_id)
    assert (attempt["outcome"], attempt["phase"]) == ("sent", "dot")
    assert attempt["provider"] == str(busy_room.inbox.smtp)
    eventually(busy_room.everything_is_settled)


def test_a_letter_speaks_the_readers_language(busy_room: Mailroom, an: str) -> None:
    letter_id = busy_room.post(busy_room.seal(an, letter=LetterName.ACCOUNT_EXISTS, locale="vi-VN"))
    eventually(lambda: busy_room.told(letter_id) == ["sent"])
    assert busy_room.subjects_for(an) == ["Bạn đã có tài khoản Postern"]


def test_a_decoy_is_reported_as_sent_and_nothing_is_sent(busy_room: Mailroom, an: str) -> None:
    letter_id = busy_room.post(busy_room.seal(an, decoy=True))
    eventually(lambda: busy_room.told(letter_id) == ["sent"])
    assert busy_room.state(letter_id) == "discarded"
    assert busy_room.subjects_for(an) == []


def test_a_redelivered_letter_is_only_reported_again_under_the_same_id(busy_room: Mailroom, an: str) -> None:
    envelope = busy_room.seal(an)
    letter_id = busy_room.post(envelope)
    eventually(lambda: busy_room.told(letter_id) == ["sent"])
    busy_room.post(envelope)
    first, second = eventually(lambda: len(found := busy_room.reports(letter_id)) == 2 and found) or []
    assert first.id == second.id
    assert len(busy_room.subjects_for(an)) == 1
    assert len(busy_room.attempts(letter_id)) == 1


def test_two_replicas_with_the_same_letter_send_it_once(room: Mailroom) -> None:
    room.shorten_the_waits()
    room.inbox.play(Rule(phase=Phase.DATA, delay_seconds=1.0))
    room.start(MAILER_CONCURRENCY="1")
    room.start(MAILER_CONCURRENCY="1")
    envelopes = [room.seal(f"an{n}@example.org") for n in range(3)]
    for envelope in envelopes:
        for _ in range(3):
            room.post(envelope)
    for envelope in envelopes:
        eventually(lambda found=envelope.header.id: len(room.told(found)) == 3, within=40)  # type: ignore[misc]
    assert [len(room.subjects_for(f"an{n}@example.org")) for n in range(3)] == [1, 1, 1]
    assert room.query("SELECT id FROM letters WHERE ambiguous") == []


def test_a_letter_waits_as_often_as_it_must(busy_room: Mailroom, an: str) -> None:
    busy_room.inbox.play(
        Rule(phase=Phase.RCPT, recipient=an, reply=f"451 4.3.0 <{an}> come back later", times=11)
    )
    letter_id = busy_room.post(busy_room.seal(an))
    eventually(lambda: busy_room.told(letter_id) == ["deferred"] * 11 + ["sent"], within=60)
    assert len(busy_room.subjects_for(an)) == 1
    attempts = busy_room.attempts(letter_id)
    assert [attempt["outcome"] for attempt in attempts] == ["try_later"] * 11 + ["sent"]
    assert {attempt["reply"] for attempt in attempts[:-1]} == {"451 4.3.0 <<address>> come back later"}
    reports = busy_room.reports(letter_id)
    assert len({report.id for report in reports}) == 12
    assert [report.attempt for report in reports] == list(range(1, 13))


def test_id_priority_class_and_redaction_survive_the_wait(room: Mailroom, an: str) -> None:
    replica = room.start()
    room.inbox.play(Rule(phase=Phase.RCPT, recipient=an, reply="450 4.2.0 Greylisted"))
    letter_id = room.post(room.seal(an))
    eventually(lambda: room.state(letter_id) == "waiting")
    assert replica.stop() == 0
    waiting = eventually(
        lambda: [m for tier in WaitTier for m in room.broker.peek(tier.queue) if tier.delay.seconds >= 300]
    )
    (message,) = waiting
    properties = message["properties"]
    assert properties["headers"]["id"] == str(letter_id)
    assert properties["headers"]["argsrepr"] == "(sealed)"
    assert properties["headers"].get("eta") in {None, "undefined"}
    assert properties["priority"] == 6
    assert message["routing_key"].startswith("mail.urgent.")


def test_a_permanent_refusal_makes_a_dead_letter_that_says_why(busy_room: Mailroom, an: str) -> None:
    busy_room.inbox.play(Rule(phase=Phase.RCPT, recipient=an, reply=f"550 5.1.1 <{an}>: no such user here"))
    letter_id = busy_room.post(busy_room.seal(an))
    eventually(lambda: busy_room.told(letter_id) == ["failed"])
    assert busy_room.state(letter_id) == "dead"
    (dead,) = busy_room.dead(letter_id)
    headers = dead["properties"]["headers"]
    assert headers["x-postern-reason"] == "5.1.1"
    assert headers["x-postern-reply"] == "550 5.1.1 <<address>>: no such user here"
    assert headers["x-postern-attempts"] == 1
    assert headers["x-postern-class"] == "urgent"
    assert headers["x-postern-first-seen"]
    assert headers["id"] == str(letter_id)
    assert dead["properties"]["priority"] == 6
    assert an not in str(dead)
    assert busy_room.reports(letter_id)[0].reason == "5.1.1"


def test_an_expired_letter_is_not_sent_but_reported(busy_room: Mailroom, an: str) -> None:
    letter_id = busy_room.post(busy_room.seal(an, expires_in=timedelta(seconds=-1)))
    eventually(lambda: busy_room.told(letter_id) == ["expired"])
    assert busy_room.state(letter_id) == "expired"
    assert busy_room.subjects_for(an) == []
    assert [dead["properties"]["headers"]["x-postern-reason"] for dead in busy_room.dead(letter_id)] == [
        "expired"
    ]


def test_a_letter_that_would_expire_while_waiting_is_not_made_to_wait(busy_room: Mailroom, an: str) -> None:
    busy_room.inbox.play(Rule(phase=Phase.RCPT, recipient=an, reply="451 4.3.0 Later"))
    letter_id = busy_room.post(busy_room.seal(an, expires_in=timedelta(seconds=8)))
    eventually(lambda: busy_room.told(letter_id) == ["expired"])


def test_a_cancelled_letter_is_not_sent_also_if_the_cancellation_came_first(
    busy_room: Mailroom, an: str
) -> None:
    envelope = busy_room.seal(an)
    busy_room.cancel(envelope.header.id)
    eventually(lambda: busy_room.state(envelope.header.id) == "cancelled")
    busy_room.post(envelope)
    eventually(lambda: busy_room.told(envelope.header.id) == ["superseded"] * 2)
    assert busy_room.subjects_for(an) == []
    assert len({report.id for report in busy_room.reports(envelope.header.id)}) == 1


def test_a_letter_cancelled_while_it_waits_never_leaves(room: Mailroom, an: str) -> None:
    room.set_the_waits(dict.fromkeys(WaitTier, timedelta(seconds=3)))
    room.inbox.play(Rule(phase=Phase.RCPT, recipient=an, reply="451 4.3.0 Later"))
    room.start()
    letter_id = room.post(room.seal(an))
    eventually(lambda: room.told(letter_id)[-1:] == ["deferred"])
    room.cancel(letter_id)
    eventually(lambda: room.told(letter_id)[-1:] == ["superseded"])
    room.inbox.play()
    eventually(room.everything_is_settled, within=20)
    assert room.subjects_for(an) == []
    assert room.state(letter_id) == "cancelled"


def test_a_letter_cancelled_while_in_hand_is_not_tried_again(busy_room: Mailroom, an: str) -> None:
    busy_room.inbox.play(
        Rule(phase=Phase.RCPT, recipient=an, delay_seconds=2.0, reply="451 4.3.0 Later", times=1)
    )
    letter_id = busy_room.post(busy_room.seal(an))
    eventually(lambda: busy_room.state(letter_id) == "transmitting")
    busy_room.cancel(letter_id)
    eventually(lambda: busy_room.told(letter_id) == ["superseded"])
    assert busy_room.state(letter_id) == "cancelled"


def test_an_accepted_letter_cannot_be_cancelled(busy_room: Mailroom, an: str) -> None:
    letter_id = busy_room.post(busy_room.seal(an))
    eventually(lambda: busy_room.told(letter_id) == ["sent"])
    busy_room.cancel(letter_id)
    eventually(busy_room.everything_is_settled)
    assert busy_room.state(letter_id) == "accepted"
    assert busy_room.told(letter_id) == ["sent"]


def test_a_reset_after_the_dot_is_ambiguous_counted_and_sent_again_under_the_same_message_id(
    busy_room: Mailroom,
    an: str,
) -> None:
    busy_room.inbox.play(Rule(phase=Phase.DOT, recipient=an, action=Action.RESET, store=True, times=1))
    letter_id = busy_room.post(busy_room.seal(an))
    eventually(lambda: busy_room.told(letter_id) == ["deferred", "sent"])
    row = busy_room.row(letter_id)
    assert row is not None
    assert (row["ambiguous"], row["ambiguities"], row["state"]) == (True, 1, "accepted")
    assert [attempt["outcome"] for attempt in busy_room.attempts(letter_id)] == ["ambiguous", "sent"]
    first, second = busy_room.inbox.messages(to=an)
    assert first.raw == second.raw


def test_a_letter_left_ambiguous_three_times_is_unconfirmed(busy_room: Mailroom, an: str) -> None:
    busy_room.inbox.play(Rule(phase=Phase.DOT, recipient=an, action=Action.RESET))
    letter_id = busy_room.post(busy_room.seal(an))
    eventually(lambda: busy_room.told(letter_id) == ["deferred", "deferred", "unconfirmed"])
    row = busy_room.row(letter_id)
    assert row is not None
    assert (row["state"], row["ambiguities"], row["last_reason"]) == (
        "unconfirmed",
        3,
        "connection_lost_after_dot",
    )
    (buried,) = busy_room.dead(letter_id)
    assert buried["properties"]["headers"]["x-postern-reason"] == "unconfirmed"


def test_tries_are_counted_by_their_kind(busy_room: Mailroom, an: str) -> None:
    busy_room.inbox.play(
        Rule(phase=Phase.RCPT, recipient=an, reply="451 4.3.0 Later", times=2),
        Rule(phase=Phase.RCPT, recipient=an, reply="452 4.2.2 Mailbox full", times=2),
        Rule(phase=Phase.RCPT, recipient=an, reply="571 Odd", times=2),
    )
    letter_id = busy_room.post(busy_room.seal(an))
    eventually(lambda: busy_room.told(letter_id) == [*["deferred"] * 6, "sent"])
    row = busy_room.row(letter_id)
    assert row is not None
    assert row["refusals"] == {"full": 2, "odd": 2}


def test_the_third_refusal_of_one_kind_ends_a_letter_whatever_came_between(
    busy_room: Mailroom, an: str
) -> None:
    full, busy = "452 4.2.2 Mailbox full", "451 4.3.0 Later"
    busy_room.inbox.play(
        *(
            Rule(phase=Phase.RCPT, recipient=an, reply=reply, times=1)
            for reply in (full, busy, full, busy, full)
        )
    )
    letter_id = busy_room.post(busy_room.seal(an))
    eventually(lambda: busy_room.told(letter_id) == [*["deferred"] * 4, "failed"])
    assert [attempt["reason"] for attempt in busy_room.attempts(letter_id)] == ["4.2.2", "4.3.0"] * 2 + [
        "4.2.2"
    ]


@pytest.mark.parametrize("phase", [Phase.RCPT, Phase.DATA])
def test_a_reset_before_the_dot_is_certain_and_tried_again(
    busy_room: Mailroom, an: str, phase: Phase
) -> None:
    busy_room.inbox.play(Rule(phase=phase, action=Action.RESET, times=1))
    letter_id = busy_room.post(busy_room.seal(an))
    eventually(lambda: busy_room.told(letter_id) == ["deferred", "sent"])
    row = busy_room.row(letter_id)
    assert row is not None
    assert row["ambiguous"] is False
    assert len(busy_room.subjects_for(an)) == 1


def test_an_address_in_another_script_is_sent_where_smtputf8_is_offered(busy_room: Mailroom) -> None:
    letter_id = busy_room.post(busy_room.seal("nguyễn@bücher.example"))
    eventually(lambda: busy_room.told(letter_id) == ["sent"])
    (message,) = busy_room.inbox.messages(to="nguyễn@bücher.example")
    assert "To: <nguyễn@xn--bcher-kva.example>".encode() in message.raw


def test_no_secret_is_left_in_ledger_queues_or_log(room: Mailroom) -> None:
    replica = room.start()
    canary = "canary.person@example.org"
    room.inbox.play(
        Rule(phase=Phase.RCPT, recipient=canary, reply=f"550 5.1.1 {canary} {LINK} {CODE} canary.person")
    )
    letter_id = room.post(room.seal(canary))
    room.post(room.seal(canary, context={"link": LINK}))
    eventually(lambda: room.told(letter_id) == ["failed"])
    eventually(lambda: len(room.dead()) == 2)
    shown = [
        replica.log.read_text(encoding="utf-8"),
        str(room.query("SELECT * FROM letters")),
        str(room.query("SELECT * FROM attempts")),
        str(room.dead()),
        str(room.reports(letter_id)),
    ]
    for secret in ("canary", LINK, CODE):
        assert [text for text in shown if secret in text] == []


def test_a_letter_whose_context_does_not_fit_is_dead_and_reported(busy_room: Mailroom, an: str) -> None:
    letter_id = busy_room.post(busy_room.seal(an, context={"link": "javascript:alert(1)", "code": CODE}))
    eventually(lambda: busy_room.told(letter_id) == ["failed"])
    assert busy_room.dead(letter_id)[0]["properties"]["headers"]["x-postern-reason"] == "bad_context"
    row = busy_room.row(letter_id)
    assert row is not None
    assert (row["state"], row["bound_to"]) == ("dead", None), "no server was ever to have it"


def test_a_slow_letter_does_not_hold_up_the_others(busy_room: Mailroom) -> None:
    slow, quick = "slow@example.org", "quick@example.org"
    busy_room.inbox.play(Rule(phase=Phase.RCPT, recipient=slow, delay_seconds=5.0))
    slow_id = busy_room.post(busy_room.seal(slow))
    eventually(lambda: busy_room.state(slow_id) == "transmitting")
    quick_ids: list[Envelope] = [busy_room.seal(quick) for _ in range(5)]
    for envelope in quick_ids:
        busy_room.post(envelope)
    eventually(lambda: len(busy_room.subjects_for(quick)) == 5, within=4)
    assert busy_room.broker.depth(MAILER_URGENT) == 0
