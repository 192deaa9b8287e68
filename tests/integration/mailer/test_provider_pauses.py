"""Real replicas without a provider: they stop consuming, burn no attempt, storm nobody, and go on by themselves."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import psutil
import pytest

from dev_inbox.script import Action, Phase, Rule
from dev_inbox.server import Inbox
from dev_inbox.state import Login
from mail_contract.topology import MAILER_CANCELLATIONS, MAILER_URGENT, WaitTier
from support.certificates import Authority, serving
from support.eventually import eventually
from support.mailroom import Mailroom, Replica

pytestmark = pytest.mark.slow  # waits for probes

HOST = "127.0.0.1"
LOGIN = Login(user="postern", password="secret")
REFUSED = Rule(phase=Phase.AUTH, reply="535 5.7.8 Authentication credentials invalid")
QUICK_PROBES = {"MAILER_PROBE_SECONDS": "0.3", "MAILER_PROBE_LIMIT_SECONDS": "1"}


@pytest.fixture
def account(room: Mailroom, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The room's inbox asks for a login; settings of replicas that have one."""
    authority = Authority.below(tmp_path / "authority")
    with Inbox(tls=serving(authority.issue(HOST)), login=LOGIN) as inbox:
        room.inbox = inbox
        yield {
            "MAILER_SMTP_URL": f"smtps://{LOGIN.user}:{LOGIN.password}@{inbox.smtps}",
            "SSL_CERT_FILE": str(authority.certificate_file),
            **QUICK_PROBES,
        }


def post(room: Mailroom, count: int) -> list[UUID]:
    return [room.post(room.seal(f"an{n}@example.org")) for n in range(count)]


def consumers(room: Mailroom) -> tuple[int, int]:
    return room.broker.consumers(MAILER_URGENT), room.broker.consumers(MAILER_CANCELLATIONS)


def connections(replica: Replica, port: int) -> set[int]:
    """The replica's own ends of its connections to a port."""
    mine = psutil.Process(replica.process.pid).net_connections("tcp")
    return {one.laddr.port for one in mine if one.raddr and one.raddr.port == port}


def events(replicas: list[Replica], name: str) -> int:
    return sum(len(replica.events(name)) for replica in replicas)


def all_are_sent_once(room: Mailroom, letters: list[UUID], *, within: float = 60.0) -> None:
    def accepted() -> None:
        states = Counter(row["state"] for row in room.query("SELECT state FROM letters"))
        assert states == {"accepted": len(letters)}

    eventually(accepted, within=within, every=0.3)
    assert len(room.inbox.messages()) == len(letters)
    assert room.dead() == []


def test_a_refused_account_pauses_every_replica_and_costs_no_letter_anything(
    room: Mailroom, account: dict[str, str]
) -> None:
    room.shorten_the_waits()
    room.inbox.play(REFUSED)
    replicas = [room.start(**account), room.start(**account)]
    letters = post(room, 30)
    eventually(lambda: all(replica.events("consumption_paused") for replica in replicas), within=20)
    eventually(lambda: room.broker.consumers(MAILER_URGENT) == 0)
    assert room.broker.consumers(MAILER_CANCELLATIONS) == 2
    before = room.inbox.totals().logins_tried
    assert before <= 2 * 4 + events(replicas, "provider_still_away") + 1
    tries = events(replicas, "provider_still_away")
    eventually(lambda: events(replicas, "provider_still_away") >= tries + 4, within=20)
    # Only tries, one replica at a time; no letter was consumed, so none knocked at the door meanwhile.
    assert room.inbox.totals().logins_tried - before <= 4 + 3
    assert events(replicas, "provider_given_up") == 1
    assert [len(replica.events("consumption_paused")) for replica in replicas] == [1, 1]
    assert room.query("SELECT id FROM letters WHERE attempts > 0 OR state <> 'waiting'") == []
    eventually(lambda: room.broker.depth(MAILER_URGENT) == len(letters))
    room.inbox.play()
    all_are_sent_once(room, letters)
    assert room.query("SELECT id FROM letters WHERE attempts <> 1") == []
    assert events(replicas, "provider_back") == 1
    # One replica may have sent them all before the other one looked.
    eventually(lambda: all(replica.events("consumption_resumed") for replica in replicas))
    assert events(replicas, "consumption_resumed") == 2
    eventually(lambda: room.broker.consumers(MAILER_URGENT) == 2)


def test_letters_are_withdrawn_while_nothing_is_consumed(room: Mailroom, account: dict[str, str]) -> None:
    room.shorten_the_waits()
    room.inbox.play(REFUSED)
    replica = room.start(**account)
    withdrawn, wanted = post(room, 2)
    eventually(lambda: replica.events("consumption_paused"))
    room.cancel(withdrawn)
    eventually(lambda: room.state(withdrawn) == "cancelled")
    room.inbox.play()
    eventually(lambda: room.state(wanted) == "accepted", within=20)
    assert [message.recipients for message in room.inbox.messages()] == [("an1@example.org",)]


def test_a_pause_outlasts_the_broker_and_its_end_too(room: Mailroom, account: dict[str, str]) -> None:
    room.shorten_the_waits()
    room.inbox.play(REFUSED)
    replica = room.start(**account)
    letters = post(room, 6)
    eventually(lambda: replica.events("consumption_paused"))
    eventually(lambda: room.broker.consumers(MAILER_URGENT) == 0)
    infra = room.broker.infra
    before = connections(replica, infra.node.ports.amqp)
    infra.kill_broker()
    infra.start_broker()
    # A queue just recovered still names the consumers it had: so first its connections have to be other ones.
    eventually(lambda: connections(replica, infra.node.ports.amqp) - before, within=60)
    eventually(lambda: consumers(room) == (0, 1), within=60)
    room.inbox.play()
    all_are_sent_once(room, letters)
    assert len(replica.events("consumption_paused")) == 1


def test_a_server_that_turns_every_other_connection_away_delays_letters_and_loses_none(
    room: Mailroom,
) -> None:
    room.shorten_the_waits()
    room.inbox.play(
        Rule(phase=Phase.CONNECT, reply="421 4.3.2 Too busy", action=Action.CLOSE, every=2),
        Rule(phase=Phase.DOT, reply="421 4.3.2 Enough", action=Action.CLOSE, every=2),
    )
    replicas = [room.start(**QUICK_PROBES), room.start(**QUICK_PROBES)]
    letters = post(room, 40)
    all_are_sent_once(room, letters, within=120)
    totals = room.inbox.totals()
    assert totals.opened <= 6 * len(letters)
    assert events(replicas, "provider_asked_for_less") >= 1


def test_a_server_that_is_away_pauses_consumption_and_a_second_one_makes_up_for_it(room: Mailroom) -> None:
    room.shorten_the_waits()
    with Inbox() as spare:
        away = f"smtp://{spare.smtp}"
    replica = room.start(MAILER_SMTP_URL=away, **QUICK_PROBES)
    letters = post(room, 12)
    eventually(lambda: replica.events("consumption_paused"), within=20)
    assert {row["attempts"] for row in room.query("SELECT attempts FROM letters")} <= {0, 1, 2}
    both = room.start(MAILER_SMTP_URL=f"{away} {room.inbox.smtp_url}", **QUICK_PROBES)
    all_are_sent_once(room, letters)
    assert both.events("consumption_paused") == []


def refused(room: Mailroom) -> int:
    """How many letters a server was offered and did not take."""
    rows = room.query(
        "SELECT count(*) AS refused FROM attempts WHERE outcome = 'pause' AND phase IS NOT NULL"
    )
    return int(rows[0]["refused"])


def test_a_daily_quota_pauses_without_a_dead_letter_and_is_probed_with_one_letter_at_a_time(
    room: Mailroom,
) -> None:
    room.shorten_the_waits()
    room.inbox.play(Rule(phase=Phase.DOT, reply="550 5.4.5 Daily user sending limit exceeded", store=False))
    # So the first probe comes after three seconds, the next after six.
    replicas = [room.start(MAILER_PROBE_SECONDS="0.1"), room.start(MAILER_PROBE_SECONDS="0.1")]
    letters = post(room, 30)
    eventually(lambda: all(replica.events("consumption_paused") for replica in replicas), within=20)
    assert events(replicas, "delivery_alarm") >= 1
    before = refused(room)
    assert before <= 2 * 4
    eventually(lambda: refused(room) >= before + 2, within=40)
    # A login was answered well both times, and each time a letter or two found out.
    assert refused(room) <= before + 2 * 3
    assert room.dead() == []
    assert room.query("SELECT 1 FROM suppressions") == []
    room.inbox.play()
    all_are_sent_once(room, letters, within=90)
    assert room.query("SELECT id FROM letters WHERE attempts <> 1") == []
    assert room.query("SELECT name FROM providers WHERE openings > 0 OR width < 1") == []


def test_a_refusal_to_relay_that_three_domains_repeat_is_our_set_up_and_their_letters_go_again(
    room: Mailroom,
) -> None:
    room.set_the_waits(dict.fromkeys(WaitTier, timedelta(seconds=3)))
    room.inbox.play(Rule(phase=Phase.RCPT, reply="554 5.7.1 Relay access denied"))
    replica = room.start(MAILER_CONCURRENCY="1", MAILER_PROBE_SECONDS="0.5")
    letters = [room.post(room.seal(f"an@domain-{n}.example")) for n in range(3)]
    eventually(lambda: replica.events("provider_given_up"), within=20)
    (given_up,) = replica.events("provider_given_up")
    assert given_up["reply"] == "554 5.7.1 Relay access denied"
    eventually(lambda: [alarm["concern"] for alarm in replica.events("delivery_alarm")] == ["set_up"] * 3)
    room.inbox.play()
    all_are_sent_once(room, letters, within=60)
    assert room.query("SELECT 1 FROM suppressions") == []


def test_one_domain_that_denies_relaying_stops_no_others(room: Mailroom) -> None:
    room.shorten_the_waits()
    wrong = "an@wrong.example"
    room.inbox.play(Rule(phase=Phase.RCPT, recipient=wrong, reply="554 5.7.1 Relay access denied"))
    replica = room.start()
    letter = room.post(room.seal(wrong))
    others = post(room, 5)
    eventually(lambda: room.told(letter)[-1:] == ["failed"], within=30)
    eventually(lambda: all(room.told(other) == ["sent"] for other in others), within=30)
    assert room.told(letter) == ["deferred", "deferred", "failed"]
    assert replica.events("provider_given_up") == []
    assert len(replica.events("delivery_alarm")) == 3
    assert room.query("SELECT 1 FROM suppressions") == []
