"""`mailer-service dead` and `explain` as a person runs them, from the refusal at SMTP to the letter in the mailbox."""

import json
import os
import re
import signal
import time
from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from kombu import Connection

from dev_inbox.script import Phase, Rule
from mail_contract.tasks import DELIVER_LETTER
from mail_contract.topology import MAILER_DEAD, MAILER_URGENT
from mailer_service.deadletters.queue import WINDOW
from support.eventually import eventually
from support.mailroom import Mailroom
from support.operator import Operator, change, leave_dead
from support.raw_messages import publish_raw

# 5.7.1 condemns the letter and nobody's mailbox: after 5.1.1 the recipient would be suppressed as well.
REFUSED = Rule(phase=Phase.RCPT, reply="551 5.7.1 \x1b[31mNot today\x1b[0m")
HOW_MANY = int(os.environ.get("POSTERN_DEAD_LETTERS", "1500"))
"""5,000 for the figures in the docs."""
HOSTILE = b'{"args": "\x1b]0;owned\x07\x1b[2J", not json'


@pytest.fixture
def operator(room: Mailroom) -> Operator:
    return Operator(room=room)


def received(room: Mailroom) -> Counter[str]:
    """How often each letter is in the mailbox, by its Message-ID."""
    return Counter(
        found[1].decode()
        for message in room.inbox.messages()
        if (found := re.search(rb"Message-ID: <([0-9a-f-]+)@", message.raw))
    )


def test_from_a_refusal_to_the_mailbox(room: Mailroom, operator: Operator) -> None:
    room.inbox.play(REFUSED)
    room.start()
    letter_id = room.post(room.seal("an@example.org"))
    eventually(lambda: room.broker.depth(MAILER_DEAD) == 1)
    eventually(lambda: room.told(letter_id) == ["failed"])

    listed = operator.run("dead", "list")
    assert listed.stdout.startswith("1 dead letters\n")
    assert re.search(r"^1 +5\.7\.1 +urgent +under an hour +verify_address ", listed.stdout, re.MULTILINE)
    shown = operator.run("dead", "show", str(letter_id)).stdout
    assert "possible, by mail mail.urgent" in shown
    assert "(sealed, " in shown
    assert room.seal("an@example.org").sealed[:8] not in shown
    assert "attempt 1: dead at rcpt" in shown
    assert "\x1b" not in listed.stdout + shown

    room.inbox.play()
    assert "1  redriven" in operator.run("dead", "redrive", "--id", str(letter_id)).stdout
    eventually(lambda: room.told(letter_id) == ["failed", "sent"])
    assert received(room) == {str(letter_id): 1}
    again = operator.run("dead", "redrive", "--id", str(letter_id))
    assert (again.returncode, again.stdout) == (0, "0 dead letters looked at, 0 matched\n")

    life = operator.run("explain", str(letter_id)).stdout
    assert re.findall(r"Z  (first seen|attempt \d: \w+|redriven|now \w+)", life) == [
        "first seen",
        "attempt 1: dead",
        "redriven",
        "attempt 2: sent",
        "now accepted",
    ]
    data = operator.json("explain", str(letter_id))
    assert [event["event"] for event in data["timeline"]] == [
        "first_seen",
        "attempt",
        "redriven",
        "attempt",
        "accepted",
    ]
    assert data["timeline"][1]["replica"]
    assert data["dead_letters"] is None


@pytest.mark.slow
def test_a_redrive_killed_half_way_and_run_again_delivers_every_letter_once(
    room: Mailroom, operator: Operator
) -> None:
    envelopes = [room.seal(f"an{n}@example.org") for n in range(1500)]
    leave_dead(room, envelopes)
    first = operator.start("dead", "redrive", "--canary", "0")
    # In the middle: some are back in their queue, and the window they belong to is not yet out of the dead letters.
    eventually(lambda: room.broker.depth(MAILER_URGENT) >= 100, within=30, every=0.001)
    first.send_signal(signal.SIGKILL)
    first.communicate(timeout=10)
    eventually(lambda: room.broker.depth(MAILER_DEAD) + room.broker.depth(MAILER_URGENT) >= 1500, within=10)
    assert room.broker.depth(MAILER_DEAD) > 0

    summary = operator.json("dead", "redrive", "--canary", "0")
    assert set(summary["done"]) == {"redriven"}
    assert room.broker.depth(MAILER_DEAD) == 0

    room.start(MAILER_CONCURRENCY="16")
    wanted = {str(envelope.header.id): 1 for envelope in envelopes}
    eventually(lambda: len(room.inbox.messages()) >= 1500, within=90, every=0.5)
    eventually(room.everything_is_settled, within=60, every=0.5)
    assert received(room) == wanted
    assert room.query("SELECT DISTINCT state FROM letters") == [{"state": "accepted"}]
    assert room.broker.depth(MAILER_DEAD) == 0


def test_ctrl_c_ends_a_redrive_between_two_letters(room: Mailroom, operator: Operator) -> None:
    leave_dead(room, [room.seal(f"an{n}@example.org") for n in range(1500)])
    running = operator.start("dead", "redrive", "--canary", "0", "--json")
    eventually(lambda: room.broker.depth(MAILER_URGENT) >= 100, within=30, every=0.001)
    running.send_signal(signal.SIGINT)
    output, _ = running.communicate(timeout=30)
    assert running.returncode == 130
    summary = json.loads(output)
    assert summary["interrupted"] is True
    redriven = summary["done"].get("redriven", 0)
    # With a connection that ends in the middle of a word the broker may forget acks, and puts those letters back as well.
    eventually(lambda: 0 <= room.broker.depth(MAILER_DEAD) - (1500 - redriven) <= WINDOW)
    assert redriven <= room.broker.depth(MAILER_URGENT) <= redriven + WINDOW


@pytest.mark.slow
def test_thousands_are_listed_and_redriven_in_seconds(room: Mailroom, operator: Operator) -> None:
    envelopes = [room.seal(f"an{n}@example.org") for n in range(HOW_MANY)]
    leave_dead(room, envelopes)
    one = str(envelopes[HOW_MANY // 2].header.id)
    took: dict[str, float] = {}
    for arguments in (
        ("dead", "list"),
        ("dead", "show", one),
        ("explain", one),
        ("dead", "redrive", "--dry-run"),
        ("dead", "redrive", "--canary", "0"),
    ):
        began = time.monotonic()
        answer = operator.json(*arguments)
        took[" ".join(arguments[:3])] = round(time.monotonic() - began, 1)
        assert answer.get("total", answer.get("matched", HOW_MANY)) == HOW_MANY
    print(took)
    assert max(took.values()) < HOW_MANY * 0.006  # an idle machine takes a tenth of that
    assert room.broker.depth(MAILER_URGENT) == HOW_MANY


@pytest.mark.slow
def test_a_provider_that_still_refuses_sees_a_few_of_the_letters_again_and_each_once(
    room: Mailroom, operator: Operator
) -> None:
    leave_dead(room, [room.seal(f"an{n}@example.org") for n in range(60)], reason="5.7.1")
    room.inbox.play(REFUSED)
    room.shorten_the_waits()
    room.start()

    stopped = operator.json("dead", "redrive", code=1)

    assert stopped["done"] == {"redriven": 5}
    assert stopped["kept"] == {"came_back": 55}
    assert (stopped["looked_at"], stopped["matched"]) == (60, 60)
    eventually(lambda: room.broker.depth(MAILER_DEAD) == 60, within=30)
    everybody = operator.json("dead", "redrive", "--canary", "0")
    assert everybody["done"] == {"redriven": 60}, "once each, however soon they come back"
    eventually(lambda: room.broker.depth(MAILER_DEAD) == 60, within=60)
    assert len(room.query("SELECT * FROM attempts")) == 5 + 60

    room.inbox.play()
    assert operator.json("dead", "redrive", "--rate", "100")["done"] == {"redriven": 60}
    eventually(lambda: len(room.inbox.messages()) == 60, within=30)
    assert [row["actor"] for row in room.query("SELECT DISTINCT actor FROM interventions")] == ["linh"]
    assert {row["action"] for row in room.query("SELECT * FROM operator_actions")} == {"dead redrive"}


def test_where_nobody_sends_the_others_stay(room: Mailroom, operator: Operator) -> None:
    leave_dead(room, [room.seal(f"an{n}@example.org") for n in range(3)])
    stopped = operator.json("dead", "redrive", "--canary", "2", "--wait", "200ms", code=1)
    assert (stopped["done"], stopped["kept"]) == ({"redriven": 2}, {"undecided": 1})


def test_a_redrive_goes_no_faster_than_it_may(room: Mailroom, operator: Operator) -> None:
    leave_dead(room, [room.seal(f"an{n}@example.org") for n in range(8)])
    began = time.monotonic()
    assert operator.json("dead", "redrive", "--rate", "8")["done"] == {"redriven": 8}
    assert time.monotonic() - began > 0.5, "two portions of four, half a second apart"


def test_whoever_changes_something_says_who_they_are(operator: Operator) -> None:
    nobody = {"POSTERN_ACTOR": ""}
    for command in (["dead", "redrive"], ["dead", "drop", "--yes"], ["suppressions", "add", "example.org"]):
        refused = operator.run(*command, environment=nobody)
        assert refused.returncode == 2, command
        assert "--actor NAME, or POSTERN_ACTOR" in refused.stderr
    assert operator.run("dead", "redrive", "--dry-run", environment=nobody).returncode == 0


def test_letters_to_somebody_suppressed_stay_until_they_are_wanted_again(
    room: Mailroom, operator: Operator
) -> None:
    died, late = room.seal("an@example.org"), room.seal("an@example.org")
    leave_dead(room, [died], recipient="an@example.org")
    assert (
        operator.run("suppressions", "add", "an@example.org", "--reason", "server was wrong").returncode == 0
    )
    room.start()
    room.post(late)
    eventually(lambda: room.told(late.header.id) == ["suppressed"])
    assert {one["reason"] for one in operator.json("dead", "list", "--each")["letters"]} == {
        "5.1.1",
        "suppressed",
    }

    for dry_run in (["--dry-run"], []):
        kept = operator.json("dead", "redrive", *dry_run, code=1)
        assert (kept["done"], kept["kept"]) == ({}, {"suppressed": 2})
        assert kept["first"] == [
            {"do": "mailer-service suppressions remove --reason 'server was wrong'", "letters": 2}
        ]
    assert room.state(died.header.id) == "dead"

    assert operator.run("suppressions", "remove", "--reason", "server was wrong").returncode == 0
    assert operator.json("dead", "redrive", "--domain", "example.org")["done"] == {"redriven": 2}
    for envelope in (died, late):
        eventually(lambda one=envelope.header.id: room.state(one) == "accepted")  # type: ignore[misc]
    assert room.told(late.header.id)[-1] == "sent"


def throw(room: Mailroom, body: bytes, **headers: Any) -> None:
    """Put raw bytes where letters arrive."""
    with Connection(room.broker.url("auth")) as connection:
        publish_raw(connection, body, headers={"task": DELIVER_LETTER, "id": str(uuid4()), **headers})


def test_what_cannot_be_a_letter_is_shown_safely_and_never_sent(room: Mailroom, operator: Operator) -> None:
    replica = room.start()
    tomorrow = room.seal("an@example.org").model_dump(mode="json")
    tomorrow["header"] |= {"version": 2, "locale": "\u202e\x1b[2J"}
    throw(room, HOSTILE)
    throw(room, b"\xff\xfe" + b"x" * 100_000)
    throw(room, json.dumps([[tomorrow], {}, {}]).encode(), id=tomorrow["header"]["id"])
    throw(room, b"[[], {}, {}]", task="mailer.format_disk", **{"x-evil\x1b": "\x07" * 1000})
    eventually(lambda: room.broker.depth(MAILER_DEAD) == 4)
    replica.stop()

    listed = operator.json("dead", "list", "--each")["letters"]
    assert Counter(one["reason"] for one in listed) == {
        "undecodable": 1,
        "oversized": 1,
        "unknown_version": 1,
        "unknown_task": 1,
    }
    assert all(one["class"] == "urgent" for one in listed)
    assert [one["reason_is_derived"] for one in listed if one["reason"] != "unknown_version"] == [True] * 3
    text = operator.run("dead", "show")
    assert len(text.stdout) < 20_000
    assert all(line.isprintable() for line in text.stdout.splitlines())
    assert "\\x1b]0;owned\\x07" in text.stdout
    assert "(sealed, " in text.stdout
    assert tomorrow["sealed"] not in text.stdout
    (oversized,) = operator.json("dead", "show", "--reason", "oversized")["letters"]
    assert oversized["bytes"] == 100_002
    assert oversized["redrive"] == {"possible": False, "why": "oversized"}

    refused = operator.run("dead", "redrive")
    assert refused.returncode == 1
    assert "kept, unknown_version: it is of a version that this mailer does not know" in refused.stdout
    assert room.broker.depth(MAILER_DEAD) == 4
    assert "at least 6 characters" in operator.run("dead", "drop", "--id", "body-", "--yes").stderr
    unreadable = ("--reason", "undecodable", "--reason", "oversized")
    assert operator.run("dead", "drop", *unreadable, "--yes").returncode == 0
    assert room.broker.depth(MAILER_DEAD) == 2


def test_a_letter_that_kills_its_worker_ends_here_by_the_delivery_limit_and_can_be_redriven(
    room: Mailroom, operator: Operator
) -> None:
    envelope = room.seal("an@example.org")
    letter_id = room.post(envelope)
    with Connection(room.broker.url("mailer")) as connection:
        channel: Any = connection.default_channel

        def returned() -> bool:
            message = channel.basic_get(MAILER_URGENT)
            if message is not None:
                channel.basic_reject(message.delivery_info["delivery_tag"], requeue=True)
            return room.broker.depth(MAILER_DEAD) == 1

        eventually(returned, within=20)
    (one,) = operator.json("dead", "show", str(letter_id))["letters"]
    assert (one["reason"], one["class"], one["letter"]) == ("delivery_limit", "urgent", "verify_address")
    assert one["died_at"] is not None
    assert one["ledger"] is None
    unclaimed = operator.run("explain", str(letter_id))
    assert unclaimed.returncode == 0
    assert "lies in the dead letters: delivery_limit" in unclaimed.stdout
    assert operator.json("dead", "redrive")["done"] == {"redriven": 1}
    room.start()
    eventually(lambda: room.told(letter_id) == ["sent"])
    assert received(room) == {str(letter_id): 1}


def test_dropping_asks_first_and_drops_what_was_counted(room: Mailroom, operator: Operator) -> None:
    leave_dead(room, [room.seal("an@example.org") for _ in range(3)])
    refused = operator.run("dead", "drop", answer="n\n")
    assert refused.returncode == 1
    assert "Drop 3 dead letters for good? [y/N]" in refused.stderr
    assert operator.run("dead", "drop").returncode == 1, "nobody answered"
    assert room.broker.depth(MAILER_DEAD) == 3
    assert "2  dropped" in operator.run("dead", "drop", "--limit", "2", answer="y\n").stdout
    (last,) = operator.json("dead", "list", "--each")["letters"]
    assert operator.json("dead", "drop", "--id", last["id"], "--yes")["done"] == {"dropped": 1}
    life = operator.run("explain", last["id"]).stdout
    assert "dropped  (died of 5.1.1, by " in life
    assert "it no longer lies in the dead letters" in life


def test_the_groups_say_how_many_of_what_and_how_old(room: Mailroom, operator: Operator) -> None:
    leave_dead(room, [room.seal("an@example.org") for _ in range(3)])
    leave_dead(room, [room.seal("an@example.org")], reason="internal_error")
    answer = operator.json("dead", "list")
    assert answer["total"] == 4
    assert [(group["count"], group["reason"], group["class"]) for group in answer["groups"]] == [
        (3, "5.1.1", "urgent"),
        (1, "internal_error", "urgent"),
    ]
    assert answer["groups"][0]["last_reply"] == "551 5.1.1 No such user"
    chosen = operator.run("dead", "list", "--reason", "internal_error")
    assert chosen.stdout.startswith("4 dead letters, 1 of them selected\n")


def test_explain_tells_of_waiting_and_of_a_cancellation(room: Mailroom, operator: Operator) -> None:
    room.inbox.play(Rule(phase=Phase.RCPT, reply="451 4.3.0 Try later"))
    room.start()
    letter_id = room.post(room.seal("an@example.org"))
    eventually(lambda: room.state(letter_id) == "waiting")
    assert "now waiting: waits for its next attempt" in operator.run("explain", str(letter_id)).stdout
    room.cancel(letter_id)
    eventually(lambda: room.state(letter_id) == "cancelled")
    life = operator.run("explain", str(letter_id)).stdout
    assert "451 4.3.0" in life
    assert "cancellation superseded" in life


def test_explain_of_a_letter_nobody_knows_is_an_error(room: Mailroom, operator: Operator) -> None:
    assert room.query("SELECT * FROM letters") == []
    unknown = operator.run("explain", str(uuid4()))
    assert unknown.returncode == 1
    assert "is known here" in unknown.stderr
    assert operator.run("explain", "not-an-id").returncode == 2


def test_what_is_away_or_missing_is_said_by_name(room: Mailroom, operator: Operator) -> None:
    letter_id = str(uuid4())
    change(
        room,
        "INSERT INTO letters (id, state, cancellation) VALUES (%s, 'cancelled', 'superseded')",
        letter_id,
    )
    nowhere = {"MAILER_BROKER_URL": "amqp://operator:x@127.0.0.1:1/postern"}
    away = operator.run("dead", "list", environment=nowhere)
    assert away.returncode == 1
    assert "broker" in away.stderr
    assert "Traceback" not in away.stderr
    told = operator.run("explain", letter_id, environment=nowhere)
    assert told.returncode == 0
    assert "nobody looked into the dead letters" in told.stderr
    assert "withdrawn before it arrived superseded" in told.stdout
    lost = operator.run("dead", "list", environment={"MAILER_DATABASE_URL": "postgresql://x:y@127.0.0.1:1/z"})
    assert lost.returncode == 1
    assert "ledger" in lost.stderr
    missing = operator.run("dead", "list", environment={"MAILER_DATABASE_URL": ""})
    assert missing.returncode == 2
    assert "MAILER_DATABASE_URL" in missing.stderr


def test_an_expired_letter_is_replaced_and_the_command_says_so(room: Mailroom, operator: Operator) -> None:
    late = room.seal("an@example.org", expires_in=timedelta(seconds=-1))
    leave_dead(room, [late])
    assert "not possible: it has expired" in operator.run("dead", "show").stdout
    assert (
        "1  expired: not sent, auth-service was asked for a fresh one"
        in operator.run("dead", "redrive").stdout
    )
    assert room.told(late.header.id) == ["expired"]


def test_an_unconfirmed_letter_is_sent_again_only_where_a_copy_is_accepted(
    room: Mailroom, operator: Operator
) -> None:
    dead, doubtful, more = (room.seal(f"an{n}@example.org") for n in range(3))
    leave_dead(room, [dead])
    leave_dead(room, [doubtful, more], reason="unconfirmed", state="unconfirmed")
    assert "unconfirmed" in operator.run("dead", "list").stdout
    shown = operator.run("dead", "show", str(doubtful.header.id)).stdout
    assert "the mailbox may have it already; --copies sends it all the same" in shown
    done = operator.run("dead", "redrive")
    assert done.returncode == 1
    assert "2 unconfirmed: their mailboxes may have them already and may get a copy" in done.stderr
    assert [room.state(one.header.id) for one in (dead, doubtful, more)] == ["waiting", *["unconfirmed"] * 2]
    assert operator.json("dead", "redrive", code=1)["kept"] == {"unconfirmed": 2}
    one = str(doubtful.header.id)
    assert operator.json("dead", "redrive", "--id", one, "--dry-run", "--copies")["done"] == {"redriven": 1}
    assert operator.run("dead", "redrive", "--id", one, answer="y\n").returncode == 0
    assert [room.state(each.header.id) for each in (doubtful, more)] == ["waiting", "unconfirmed"]
    assert operator.json("dead", "redrive", "--copies")["done"] == {"redriven": 1}
    assert room.state(more.header.id) == "waiting"


def test_a_yes_to_copies_sends_those_that_were_asked_about_and_nothing_else(
    room: Mailroom, operator: Operator
) -> None:
    doubtful, *dead = (room.seal(f"an{n}@example.org") for n in range(4))
    leave_dead(room, [doubtful], reason="unconfirmed", state="unconfirmed")
    leave_dead(room, dead)
    done = operator.run("dead", "redrive", "--limit", "2", answer="y\n")
    assert "1 unconfirmed" in done.stderr
    assert [room.state(one.header.id) for one in (doubtful, *dead)] == [*["waiting"] * 3, "dead"]
    assert room.broker.depth(MAILER_DEAD) == 1


def test_a_dropped_letter_that_was_unconfirmed_stays_so(room: Mailroom, operator: Operator) -> None:
    envelope = room.seal("an@example.org")
    leave_dead(room, [envelope], reason="unconfirmed", state="unconfirmed")
    assert operator.json("dead", "drop", "--yes")["done"] == {"dropped": 1}
    assert room.state(envelope.header.id) == "unconfirmed"
    assert room.told(envelope.header.id) == []
