"""⑤ An account is deleted: nothing of its letters is left with the mailer or on the broker, and none is ever sent again."""

import json
from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest

from dev_inbox.script import Action, Phase, Rule
from mail_contract.letters import LetterName
from mail_contract.messages import CancellationReason
from mail_contract.topology import MAILER_DEAD, TOPOLOGY
from support.eventually import eventually
from support.mailroom import Mailroom
from support.operator import Operator, leave_dead, record

DELETED = CancellationReason.ACCOUNT_DELETED


@pytest.fixture
def tag() -> str:
    """The keyed hash of a mailbox nobody wrote to before."""
    return uuid4().hex


@pytest.fixture
def an(tag: str) -> str:
    return f"{tag[:8]}@example.org"


def everything(room: Mailroom) -> Iterator[tuple[str, str]]:
    """Every table of the ledger and every queue, as text."""
    tables = room.query("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    for name in (table["tablename"] for table in tables):
        rows = room.query(f"SELECT t::text AS row FROM {name} t")
        yield name, "\n".join(row["row"] for row in rows)
    for queue in TOPOLOGY.queues:
        yield queue, json.dumps(room.broker.peek(queue))


def finds(room: Mailroom, *traces: str) -> list[str]:
    """Where any of these is found."""
    return [place for place, text in everything(room) if any(trace in text for trace in traces)]


def delete(room: Mailroom, *letters: UUID) -> None:
    for letter_id in letters:
        room.cancel(letter_id, DELETED)


def lie_dead(room: Mailroom, letters: int) -> None:
    """Counted, not looked at: who looks has them in hand meanwhile, and hides them from the mailer."""
    assert room.broker.depth(MAILER_DEAD) == letters


def test_nothing_is_left_of_letters_that_were_sent_or_wait_or_died(
    busy_room: Mailroom, an: str, tag: str
) -> None:
    def post(letter: LetterName = LetterName.VERIFY_ADDRESS) -> UUID:
        return busy_room.post(busy_room.seal(an, letter=letter, recipient_tag=tag))

    sent = post()
    eventually(lambda: busy_room.told(sent) == ["sent"])
    busy_room.inbox.play(Rule(phase=Phase.RCPT, recipient=an, reply="554 5.7.1 Not here"))
    dead = post()
    eventually(lambda: busy_room.told(dead) == ["failed"])
    assert MAILER_DEAD in finds(busy_room, tag)
    busy_room.inbox.play(Rule(phase=Phase.RCPT, recipient=an, reply="451 4.3.0 Later"))
    waiting = post(LetterName.PASSWORD_CHANGED)
    eventually(lambda: busy_room.told(waiting)[:1] == ["deferred"])

    delete(busy_room, sent, dead, waiting)
    eventually(lambda: lie_dead(busy_room, 0), within=20)
    eventually(busy_room.everything_is_settled, within=20)
    assert finds(busy_room, tag, an) == []
    assert [busy_room.state(each) for each in (sent, dead, waiting)] == [
        "accepted",
        "cancelled",
        "cancelled",
    ]
    assert busy_room.told(dead) == ["failed", "superseded"]


@pytest.mark.parametrize("state", ["dead", "unconfirmed", "expired", "transmitting", None])
def test_a_dead_letter_goes_whatever_it_died_of(
    busy_room: Mailroom, an: str, tag: str, state: str | None
) -> None:
    """Also one that only its worker died with, and one that the ledger never saw."""
    other = busy_room.seal("somebody-else@example.org")
    hers = busy_room.seal(an, recipient_tag=tag)
    leave_dead(busy_room, [other, hers], state="dead")
    if state is None:
        busy_room.query("DELETE FROM letters WHERE id = %s RETURNING id", str(hers.header.id))
    elif state == "transmitting":
        busy_room.query(
            "UPDATE letters SET state = %s, holder = 'gone', holder_key = 1, lease_until = now() - interval '1 s'"
            " WHERE id = %s RETURNING id",
            state,
            str(hers.header.id),
        )
    else:
        busy_room.query(
            "UPDATE letters SET state = %s WHERE id = %s RETURNING id", state, str(hers.header.id)
        )
    delete(busy_room, hers.header.id)
    eventually(lambda: lie_dead(busy_room, 1), within=20)
    assert finds(busy_room, tag) == []
    assert MAILER_DEAD in finds(busy_room, str(other.header.id))
    delete(busy_room, other.header.id)
    eventually(lambda: lie_dead(busy_room, 0), within=20)


def test_a_letter_that_dies_in_hand_is_laid_down_nowhere(busy_room: Mailroom, an: str, tag: str) -> None:
    refusal = Rule(phase=Phase.RCPT, recipient=an, delay_seconds=1.0, reply="554 5.7.1 Not here", times=1)
    busy_room.inbox.play(refusal)
    letter_id = busy_room.post(busy_room.seal(an, recipient_tag=tag))
    eventually(lambda: busy_room.state(letter_id) == "transmitting")
    delete(busy_room, letter_id)
    eventually(lambda: busy_room.told(letter_id) == ["superseded"])
    assert busy_room.dead(letter_id) == []
    assert busy_room.state(letter_id) == "cancelled"


@pytest.mark.parametrize("state", ["accepted", "dead", "waiting", None])
def test_a_copy_of_an_old_message_is_not_sent(busy_room: Mailroom, an: str, state: str | None) -> None:
    """From a backup of the broker, say; also of a letter that never arrived before."""
    envelope = busy_room.seal(an)
    if state is not None:
        record(busy_room, [envelope], reason=None, state=state)
    delete(busy_room, envelope.header.id)
    eventually(lambda: (busy_room.row(envelope.header.id) or {}).get("cancellation") == "account_deleted")
    busy_room.post(envelope)
    eventually(lambda: len(busy_room.told(envelope.header.id)) > 0)
    eventually(busy_room.everything_is_settled)
    assert busy_room.subjects_for(an) == []
    assert busy_room.dead(envelope.header.id) == []


def test_a_dead_letter_of_a_deleted_account_cannot_be_sent_again_before_it_is_gone(
    room: Mailroom, an: str
) -> None:
    """The operator is faster than the mailer."""
    envelope = room.seal(an)
    leave_dead(room, [envelope])
    room.query(
        "UPDATE letters SET state = 'cancelled', cancellation = 'account_deleted' WHERE id = %s RETURNING id",
        str(envelope.header.id),
    )
    summary = Operator(room=room).json("dead", "redrive")
    assert summary["done"] == {"withdrawn": 1}
    lie_dead(room, 0)


def test_the_last_letter_leaves_nothing_if_it_cannot_be_sent(busy_room: Mailroom, an: str) -> None:
    busy_room.inbox.play(Rule(phase=Phase.RCPT, recipient=an, reply="550 5.1.1 No such user", times=1))
    farewell = busy_room.post(busy_room.seal(an, letter=LetterName.ACCOUNT_DELETED))
    eventually(lambda: busy_room.told(farewell) == ["failed"])
    eventually(busy_room.everything_is_settled)
    assert busy_room.dead(farewell) == []
    assert busy_room.query("SELECT 1 FROM suppressions") == []
    again = busy_room.post(busy_room.seal(an))
    eventually(lambda: busy_room.told(again) == ["sent"])


def test_after_the_last_letter_a_mailbox_is_judged_anew_unless_a_person_judged_it(
    busy_room: Mailroom, an: str
) -> None:
    """Who asked not to be written to is not written to because an account is gone."""
    other = f"x{an}"
    operator = Operator(room=busy_room)
    key = {"MAILER_HASH_KEY": busy_room.settings()["MAILER_HASH_KEY"]}
    added = operator.run("suppressions", "add", other, "--reason", "asked", environment=key)
    assert added.returncode == 0, added.stderr
    busy_room.inbox.play(Rule(phase=Phase.RCPT, recipient=an, reply="550 5.1.1 No such user", times=1))
    first = busy_room.post(busy_room.seal(an))
    eventually(lambda: busy_room.told(first) == ["failed"])
    farewells = [
        busy_room.post(busy_room.seal(each, letter=LetterName.ACCOUNT_DELETED)) for each in (an, other)
    ]
    eventually(lambda: [busy_room.told(each) for each in farewells] == [["suppressed"]] * 2)
    eventually(busy_room.everything_is_settled)
    assert busy_room.query("SELECT reason FROM suppressions") == [{"reason": "asked"}]
    busy_room.query("DELETE FROM suppressions RETURNING key")


def test_an_account_s_last_letter_is_ambiguous_without_being_laid_down(busy_room: Mailroom, an: str) -> None:
    busy_room.inbox.play(Rule(phase=Phase.DOT, recipient=an, action=Action.RESET, store=True))
    farewell = busy_room.post(busy_room.seal(an, letter=LetterName.ACCOUNT_DELETED))
    eventually(lambda: busy_room.told(farewell)[-1:] == ["unconfirmed"], within=20)
    eventually(busy_room.everything_is_settled)
    assert busy_room.dead(farewell) == []
