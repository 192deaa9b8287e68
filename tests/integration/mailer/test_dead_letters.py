"""Dead letters on a real broker and a real ledger: looked at without a trace, sent again once, ended for good."""

import threading
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from mail_contract.messages import Envelope
from mail_contract.topology import MAILER_DEAD, MAILER_URGENT
from mailer_service.deadletters import verbs
from mailer_service.deadletters.decision import Done
from mailer_service.deadletters.info import LetterInfo
from mailer_service.deadletters.queue import WINDOW
from mailer_service.deadletters.run import Decide, Run
from mailer_service.deadletters.selection import Selection, Summary
from mailer_service.deadletters.session import LetterSession, session_at
from mailer_service.errors import BrokerRefuses, NotTaken
from service_runtime.database.engine import build_engine
from support.eventually import eventually
from support.mailroom import Mailroom
from support.operator import Operator, change, leave_dead, record

ALL = Selection()


@pytest.fixture
def operator(room: Mailroom) -> Operator:
    return Operator(room=room)


def sealed(room: Mailroom, count: int, **changes: Any) -> list[Envelope]:
    return [room.seal(f"an{n}@example.org", **changes) for n in range(count)]


def ids(envelopes: list[Envelope]) -> list[str]:
    return [str(envelope.header.id) for envelope in envelopes]


def run(session: LetterSession, decide: Decide, selection: Selection, *, dry_run: bool) -> Summary:
    command = Run(
        decide=decide,
        takes=selection.takes,
        limit=selection.limit,
        dry_run=dry_run,
        once=decide is not verbs.drop,
    )
    assert command.go_on(session)
    return command.summary


def redrive(session: LetterSession, selection: Selection = ALL, *, dry_run: bool = False) -> Summary:
    return run(session, verbs.redrive, selection, dry_run=dry_run)


def drop(session: LetterSession, selection: Selection = ALL, *, dry_run: bool = False) -> Summary:
    return run(session, verbs.drop, selection, dry_run=dry_run)


def test_looking_leaves_everything_as_and_where_it_was(room: Mailroom, operator: Operator) -> None:
    envelopes = sealed(room, WINDOW + 100)
    leave_dead(room, envelopes)
    with operator.session() as session:
        before = list(session.look(ALL))
    assert [info.id for info in before] == ids(envelopes)
    with operator.session() as session:
        few = [info.id for info in session.look(Selection(limit=2))]
    assert few == ids(envelopes)[:2]
    assert room.broker.depth(MAILER_DEAD) == len(envelopes)
    with operator.session() as session:
        after = list(session.look(ALL))
    assert [_substance(info) for info in after] == [_substance(info) for info in before]


def _substance(info: LetterInfo) -> tuple[object, ...]:
    """What must stay; RabbitMQ counts a look, and 4.3 drops the priority of what is returned."""
    message = info.message
    counts = {"x-delivery-count", "x-acquired-count"}
    headers = {name: value for name, value in message.headers.items() if name not in counts}
    properties = {name: value for name, value in message.properties.items() if name != "priority"}
    return message.body, properties, headers


def test_what_is_redriven_is_what_it_was_before_it_died(room: Mailroom, operator: Operator) -> None:
    (envelope,) = sealed(room, 1)
    leave_dead(room, [envelope])
    (dead,) = room.broker.peek(MAILER_DEAD)
    with operator.session() as session:
        summary = redrive(session)
    assert summary.done == {Done.REDRIVEN: 1}
    assert room.broker.depth(MAILER_DEAD) == 0
    (alive,) = room.broker.take(MAILER_URGENT)
    headers = alive["properties"].pop("headers")
    assert alive["payload"] == dead["payload"]
    assert [name for name in headers if name.startswith("x-")] in ([], ["x-delivery-count"])  # the look's own
    assert (headers["id"], headers["retries"]) == (str(envelope.header.id), 0)
    assert alive["properties"]["content_type"] == "application/json"
    assert alive["properties"]["priority"] == envelope.header.priority
    assert alive["properties"]["delivery_mode"] == 2
    assert alive["properties"]["correlation_id"] == str(envelope.header.id)
    assert room.state(envelope.header.id) == "waiting"


def test_a_redriven_letter_is_delivered_once(room: Mailroom, operator: Operator) -> None:
    envelopes = sealed(room, 5)
    leave_dead(room, envelopes)
    with operator.session() as session:
        assert redrive(session).done == {Done.REDRIVEN: 5}
        assert redrive(session).matched == 0
    room.start()
    for envelope in envelopes:
        eventually(lambda one=envelope.header.id: room.told(one) == ["sent"], within=20)  # type: ignore[misc]
    assert len(room.inbox.messages()) == 5
    eventually(room.everything_is_settled)


def test_only_what_is_selected_is_redriven_and_a_few_first(room: Mailroom, operator: Operator) -> None:
    refused, broken = sealed(room, 10), sealed(room, 3)
    leave_dead(room, refused[:5])
    leave_dead(room, broken, reason="internal_error")
    leave_dead(room, refused[5:])
    with operator.session() as session:
        assert redrive(session, Selection(reasons=frozenset({"5.1.1"}), limit=7)).done == {Done.REDRIVEN: 7}
        assert [info.id for info in session.look(ALL)] == []
    with operator.session() as session:
        assert [info.id for info in session.look(ALL)] == ids(broken) + ids(refused[7:])
    with operator.session() as session:
        one = Selection(ids=(ids(broken)[1],))
        assert redrive(session, one).done == {Done.REDRIVEN: 1}
    taken = [one["properties"]["headers"]["id"] for one in room.broker.take(MAILER_URGENT)]
    assert taken == [*ids(refused[:7]), ids(broken)[1]]
    with operator.session() as session:
        assert redrive(session, Selection(letters=frozenset({"account_exists"}))).matched == 0


def test_a_dry_run_changes_nothing(room: Mailroom, operator: Operator) -> None:
    envelopes, late = sealed(room, 2), sealed(room, 1, expires_in=timedelta(seconds=-1))
    leave_dead(room, [*envelopes, *late])
    with operator.session() as session:
        assert redrive(session, dry_run=True).done == {Done.REDRIVEN: 2, Done.RENEWED: 1}
    with operator.session() as session:
        assert drop(session, dry_run=True).done == {Done.DROPPED: 3}
    eventually(lambda: room.broker.depth(MAILER_DEAD) == 3)
    assert {room.state(envelope.header.id) for envelope in (*envelopes, *late)} == {"dead"}
    assert room.broker.depth(MAILER_URGENT) == 0
    assert room.broker.depth("auth.reports") == 0
    assert room.query("SELECT * FROM interventions") == []


@pytest.mark.parametrize("state", ["dead", "expired"])
def test_an_expired_letter_is_not_sent_but_replaced(room: Mailroom, operator: Operator, state: str) -> None:
    (late,) = sealed(room, 1, expires_in=timedelta(seconds=-1))
    leave_dead(room, [late], state=state)
    with operator.session() as session:
        assert redrive(session).done == {Done.RENEWED: 1}
    assert room.told(late.header.id) == ["expired"]
    assert room.state(late.header.id) == "expired"
    assert room.broker.depth(MAILER_URGENT) == room.broker.depth(MAILER_DEAD) == 0


@pytest.mark.parametrize(
    ("state", "done", "told"),
    [
        ("accepted", Done.SENT_BEFORE, ["sent"]),
        ("discarded", Done.SENT_BEFORE, ["sent"]),
        ("waiting", Done.REDRIVEN, []),
    ],
)
def test_a_letter_that_came_to_another_end_is_reported_again_and_not_sent(
    room: Mailroom, operator: Operator, state: str, done: Done, told: list[str]
) -> None:
    (envelope,) = sealed(room, 1)
    leave_dead(room, [envelope], state=state)
    with operator.session() as session:
        assert redrive(session).done == {done: 1}
    assert room.told(envelope.header.id) == told
    assert room.state(envelope.header.id) == state
    assert room.broker.depth(MAILER_URGENT) == int(done is Done.REDRIVEN)


def test_a_withdrawn_letter_is_not_redriven(room: Mailroom, operator: Operator) -> None:
    (envelope,) = sealed(room, 1)
    leave_dead(room, [envelope])
    room.start()
    room.cancel(envelope.header.id)
    eventually(lambda: (room.row(envelope.header.id) or {})["cancellation"] == "superseded")
    with operator.session() as session:
        assert redrive(session).done == {Done.WITHDRAWN: 1}
    assert room.told(envelope.header.id) == ["superseded"]
    assert room.state(envelope.header.id) == "cancelled"
    assert room.inbox.messages() == []


def test_a_letter_in_hand_stays_and_one_its_replica_died_with_goes(
    room: Mailroom, operator: Operator
) -> None:
    held, left = sealed(room, 2)
    leave_dead(room, [held, left])
    claim = "UPDATE letters SET state = 'transmitting', holder = 'x', lease_until = now() + %s WHERE id = %s"
    change(room, claim, timedelta(minutes=1), str(held.header.id))
    change(room, claim, timedelta(seconds=-1), str(left.header.id))
    with operator.session() as session:
        summary = redrive(session)
        assert (summary.done, summary.kept) == ({Done.REDRIVEN: 1}, {"in_hand": 1})
    with operator.session() as session:
        assert drop(session).kept == {"in_hand": 1}
    eventually(lambda: room.broker.depth(MAILER_DEAD) == 1)


def test_what_auth_service_did_not_make_stays_and_is_not_reported(room: Mailroom, operator: Operator) -> None:
    forged = room.seal("an@example.org")
    forged = forged.model_copy(update={"header": forged.header.model_copy(update={"locale": "vi"})})
    known = room.seal("an@example.org")
    replay = room.seal("mallory@example.org", letter_id=known.header.id)
    record(room, [known], reason=None, state="accepted")
    bury_only(room, [forged, replay])
    for keys in (True, False):
        with operator.session(keys=keys) as session:
            summary = redrive(session)
        assert summary.kept == {"bad_signature": 1, "replayed_id": 1}
        assert summary.done == Counter()
    eventually(lambda: room.broker.depth(MAILER_DEAD) == 2)
    with operator.session() as session:
        assert drop(session).done == {Done.DROPPED: 2}
    assert room.broker.depth(MAILER_DEAD) == 0
    assert room.broker.depth("auth.reports") == 0
    assert room.state(known.header.id) == "accepted"


def bury_only(room: Mailroom, envelopes: list[Envelope]) -> None:
    """Let a mailer find out what is wrong with them."""
    replica = room.start()
    for envelope in envelopes:
        room.post(envelope)
    eventually(lambda: room.broker.depth(MAILER_DEAD) == len(envelopes))
    replica.stop()


def test_a_key_that_came_late_makes_its_letters_good_again(room: Mailroom, operator: Operator) -> None:
    (envelope,) = sealed(room, 1)
    leave_dead(room, [envelope], reason="unknown_key")
    change(room, "DELETE FROM letters")
    with operator.session(keys=False) as session:
        assert redrive(session).kept == {"unknown_key": 1}
    with operator.session() as session:
        assert redrive(session).done == {Done.REDRIVEN: 1}
    room.start()
    eventually(lambda: room.told(envelope.header.id) == ["sent"])


def test_dropping_tells_auth_and_keeps_the_letter_dead(room: Mailroom, operator: Operator) -> None:
    envelopes = sealed(room, 3)
    leave_dead(room, envelopes)
    with operator.session() as session:
        assert drop(session, Selection(limit=2)).done == {Done.DROPPED: 2}
    dropped = envelopes[0].header.id
    (report,) = room.reports(dropped)
    assert (report.state, report.reason) == ("failed", "dropped")
    row = room.row(dropped)
    assert row is not None
    assert (row["state"], row["last_reason"]) == ("dead", "dropped")
    (intervention,) = room.query("SELECT * FROM interventions WHERE letter_id = %s", str(dropped))
    assert (intervention["kind"], intervention["reason"]) == ("dropped", "5.1.1")
    with operator.session() as session:
        assert [info.id for info in session.look(ALL)] == ids(envelopes[2:])


def test_two_redrives_and_a_list_at_once_double_and_miss_nothing(room: Mailroom, operator: Operator) -> None:
    envelopes = sealed(room, 400)
    leave_dead(room, envelopes)
    summaries: list[Summary] = []
    lists: list[int] = []

    def work() -> None:
        with operator.session() as session:
            summaries.append(redrive(session))

    def look() -> None:
        with operator.session() as session:
            lists.append(sum(1 for _ in session.look(ALL)))

    threads = [threading.Thread(target=target) for target in (work, look, work, look)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(summary.done[Done.REDRIVEN] for summary in summaries) == [0, 400]
    assert set(lists) <= {0, 400}
    taken = Counter(one["properties"]["headers"]["id"] for one in room.broker.take(MAILER_URGENT))
    assert taken == Counter(ids(envelopes))


def test_where_the_way_back_is_gone_nothing_is_lost(room: Mailroom, operator: Operator) -> None:
    envelopes = sealed(room, 3)
    leave_dead(room, envelopes)
    room.broker.admin.delete(
        "bindings", room.broker.vhost, "e", "mail", "q", MAILER_URGENT, "mail.urgent.%23"
    )
    with pytest.raises(NotTaken, match="312"), operator.session() as session:
        redrive(session)
    eventually(lambda: room.broker.depth(MAILER_DEAD) == 3)
    room.broker.apply()
    with operator.session() as session:
        assert redrive(session).done == {Done.REDRIVEN: 3}
    assert room.broker.depth(MAILER_URGENT) == 3


def test_another_user_than_the_operator_is_told_so(room: Mailroom) -> None:
    leave_dead(room, sealed(room, 1))
    engine = build_engine(room.database.url, application="test", connections=1, autocommit=True)
    with (
        pytest.raises(BrokerRefuses, match="operator"),
        session_at(
            broker_url=room.broker.url("auth"), engine=engine, keys=None, on_wait=lambda: None, actor=""
        ) as session,
    ):
        list(session.look(ALL))
    engine.dispose()


def test_a_letter_nobody_claimed_before_it_came_here_goes_back_and_is_judged_there(
    room: Mailroom, operator: Operator
) -> None:
    (envelope,) = sealed(room, 1)
    leave_dead(room, [envelope])
    change(room, "DELETE FROM letters")
    with operator.session() as session:
        assert redrive(session).done == {Done.REDRIVEN: 1}
    assert room.query("SELECT * FROM interventions") == []
    room.start()
    eventually(lambda: room.told(envelope.header.id) == ["sent"])
