"""`mailer-service waiting` as a person runs it: letters that wait are found, hurried and dropped, and none is lost."""

import time
from datetime import timedelta

import pytest

from dev_inbox.script import Phase, Rule
from mail_contract.letters import LetterName
from mail_contract.topology import MAILER_URGENT, WaitTier
from support.eventually import eventually
from support.mailroom import Mailroom
from support.operator import Operator


@pytest.fixture
def operator(room: Mailroom) -> Operator:
    return Operator(room=room)


def test_waiting_letters_are_selected_shown_hurried_and_dropped(room: Mailroom, operator: Operator) -> None:
    room.stop_the_waits()
    room.inbox.play(Rule(phase=Phase.RCPT, reply="451 4.3.0 Later"))
    room.start()
    ours, theirs = room.post(room.seal("an@example.org")), room.post(room.seal("an@example.net"))
    bulk = room.post(room.seal("an@example.org", letter=LetterName.TERMS_CHANGED))
    eventually(lambda: len(room.waiting()) == 3)
    (headers,) = {
        (header["x-postern-reason"], header["x-postern-reply"], header["x-postern-attempts"])
        for _, message in room.waiting().values()
        for header in [message["properties"]["headers"]]
    }
    assert headers == ("4.3.0", "451 4.3.0 Later", 1)

    def selected(*options: str) -> set[str]:
        return {one["id"] for one in operator.json("waiting", "list", "--each", *options)["letters"]}

    everybody = {str(ours), str(theirs), str(bulk)}
    assert selected("--reason", "4.3.0", "--older", "0s") == everybody
    assert selected("--domain", "example.org") == {str(ours), str(bulk)}
    assert selected("--class", "bulk") == selected("--letter", "terms_changed") == {str(bulk)}
    provider = room.inbox.smtp_url.removeprefix("smtp://")
    assert selected("--provider", provider) == everybody
    assert selected("--older", "1d") == selected("--provider", "elsewhere:25") == set()
    assert "hurry       possible, by mail mail.urgent" in operator.run("waiting", "show", str(ours)).stdout

    room.inbox.play()
    assert operator.json("waiting", "hurry", "--domain", "example.org", "--class", "urgent")["done"] == {
        "hurried": 1
    }
    eventually(lambda: room.state(ours) == "accepted")
    assert "hurried" in operator.run("explain", str(ours)).stdout
    assert operator.json("waiting", "drop", "--class", "bulk", "--yes")["done"] == {"dropped": 1}
    assert room.told(bulk) == ["deferred", "failed"]
    assert set(room.waiting()) == {theirs}
    assert [(act["actor"], act["action"]) for act in operator.json("audit")["actions"]] == [
        ("linh", "waiting hurry"),
        ("linh", "waiting drop"),
    ]


def test_a_letter_that_a_server_may_have_keeps_its_minute(room: Mailroom, operator: Operator) -> None:
    room.stop_the_waits()
    room.inbox.play(Rule(phase=Phase.DOT, delay_seconds=5, store=True, times=1))
    room.start(MAILER_DOT_SECONDS="0.5")
    letter_id = room.post(room.seal("an@example.org"))
    eventually(lambda: len(room.waiting()) == 1, within=20)
    assert operator.json("waiting", "hurry", code=1)["kept"] == {"too_soon": 1}
    assert set(room.waiting()) == {letter_id}


@pytest.mark.slow
def test_letters_whose_time_comes_during_a_look_go_back_to_work(room: Mailroom, operator: Operator) -> None:
    room.inbox.play(Rule(phase=Phase.RCPT, reply="451 4.3.0 Later"))
    room.set_the_waits(dict.fromkeys(WaitTier, timedelta(seconds=6)))
    replica = room.start()
    letters = {room.post(room.seal(f"an{n}@example.org")) for n in range(3)}
    eventually(lambda: len(room.waiting()) == 3)
    replica.kill()
    with operator.session(queues=[tier.queue for tier in WaitTier]) as session:
        windows = session.windows()
        held = [info.id for _, window in windows for info in window]
        over = time.monotonic() + 6
        eventually(lambda: time.monotonic() > over)
    assert set(held) == {str(one) for one in letters}
    eventually(lambda: room.broker.depth(MAILER_URGENT) == 3)
