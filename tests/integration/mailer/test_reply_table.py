"""Every row of the reply table on the wire: what becomes of a letter whose server says so.

The rows a recipient or a letter is refused by are played all at once to one replica; the waiting rooms let nothing go, so
that it can be seen where each letter waits. What is between the server and us is asked of one conversation each.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from dev_inbox.script import Action, Phase, Rule
from dev_inbox.server import Inbox
from mail_contract.topology import WaitTier
from mailer_service.delivery.attempt import Phase as Reached
from mailer_service.delivery.attempt import Transmission
from mailer_service.delivery.outcome import Concern, OtherProvider, Pause, TryLater, Verdict
from mailer_service.smtp.server import SmtpServer
from mailer_service.smtp.transport import SmtpTransport
from mailer_service.suppression.recipient_hashes import RecipientHasher
from support.broker import virtual_host
from support.database import database_copy
from support.eventually import eventually
from support.infra import Infra
from support.mailroom import HASH_KEY, Mailroom, mailroom
from support.outgoing import SENDER, composed, outgoing

RCPT, DATA, DOT = Phase.RCPT, Phase.DATA, Phase.DOT
SOON = frozenset({WaitTier.S10, WaitTier.M1})
MINUTE, FIVE, HALF_HOUR = frozenset({WaitTier.M1}), frozenset({WaitTier.M5}), frozenset({WaitTier.M30})
MARKER = RecipientHasher(HASH_KEY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What is said, and what should become of the letter.

    Attributes:
        phase, reply: what the server says to it.
        outcome, reason: of the attempt.
        tiers: where it may wait.
        suppresses: scope and how often it must be said.
        alarm: whether a person is called.
        bound: whether only the same provider may be asked again.
    """

    phase: Phase
    reply: str
    outcome: str
    reason: str | None = None
    tiers: frozenset[WaitTier] = frozenset()
    suppresses: tuple[str, int] | None = None
    alarm: bool = False
    bound: bool = False

    def __str__(self) -> str:
        return f"{self.phase}: {self.reply}"


def sent(phase: Phase, reply: str) -> Row:
    return Row(phase=phase, reply=reply, outcome="sent")


def later(phase: Phase, reply: str, reason: str, tiers: frozenset[WaitTier] = SOON, **more: Any) -> Row:
    return Row(phase=phase, reply=reply, outcome="try_later", reason=reason, tiers=tiers, **more)


def dead(phase: Phase, reply: str, reason: str, **more: Any) -> Row:
    return Row(phase=phase, reply=reply, outcome="dead", reason=reason, **more)


ROWS = [
    sent(DOT, "250 2.0.0 Ok: queued"),
    sent(RCPT, "251 2.1.5 Will forward"),
    *[
        Row(phase=DOT, reply=reply, outcome="ambiguous", reason=f"{reply.split()[0]}_after_dot", tiers=MINUTE, bound=True)
        for reply in ("221 Bye", "354 Go on")
    ],
    later(RCPT, "421 4.7.0 Too many to your domain", "4.7.0", MINUTE),
    later(DOT, "421 Later", "421", MINUTE),
    later(RCPT, "450 4.7.0 Slow down", "4.7.0", MINUTE),
    later(RCPT, "454 4.7.0 Later", "4.7.0", MINUTE, alarm=True),
    later(RCPT, "450 4.2.0 Greylisted", "4.2.0", FIVE, bound=True),
    later(RCPT, "450 4.7.1 Greylisted", "4.7.1", FIVE, bound=True),
    later(DOT, "451 4.7.1 Greylisted", "4.7.1", FIVE, bound=True),
    later(RCPT, "450 4.2.1 Receives too much", "4.2.1", FIVE),
    later(RCPT, "451 4.3.0 Try again", "4.3.0"),
    later(DOT, "451 4.4.1 No answer", "4.4.1"),
    later(DATA, "452 4.3.1 Disk full", "4.3.1"),
    later(RCPT, "452 4.2.2 Mailbox full", "4.2.2", HALF_HOUR),
    *[dead(RCPT, f"{code} 5.5.2 No", "5.5.2", alarm=True) for code in (500, 501, 502, 503, 504, 555)],
    dead(DATA, "503 Bad sequence", "503", alarm=True),
    dead(RCPT, "521 No mail here", "521", suppresses=("domain", 1)),
    dead(RCPT, "556 5.1.10 Null MX", "5.1.10", suppresses=("domain", 1)),
    dead(DOT, "556 Null MX", "556", suppresses=("domain", 1)),
    *[
        dead(RCPT, reply, reply.split()[1], suppresses=("recipient", 1))
        for reply in (
            "550 5.1.1 No such user",
            "551 5.1.1 Moved",
            "550 5.1.2 No such domain",
            "550 5.1.6 Moved",
            "550 5.2.1 Disabled",
            "553 5.1.3 Bad address",
            "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup",
            "550 5.1.351 Remote server returned unknown recipient or mailbox unavailable",
            "550 5.4.1 [x]: Recipient address rejected: Access denied",
            "525 5.7.13 Disabled recipient",
            "550 5.7.1 User unknown",
        )
    ],
    dead(DOT, "550 5.1.1 No such user", "5.1.1", suppresses=("recipient", 1)),
    *[
        dead(phase, reply, reply.split()[1], alarm="Reputation" in reply)
        for phase in (RCPT, DATA, DOT)
        for reply in ("550 5.7.1 Policy", "554 5.7.1 Reputation")
    ],
    *[
        dead(RCPT, reply, reply[:3], alarm=True)
        for reply in ("550 DMARC check failed", "554 Host network not allowed", "550 Blocked, see our site")
    ],
    *[
        later(RCPT, reply, reason, FIVE)
        for reply, reason in (
            ("550 5.2.1 The user is receiving mail at a rate that prevents additional messages", "5.2.1"),
            ("550 Ip frequency limited", "550"),
            ("450 User is receiving mail too quickly", "450"),
        )
    ],
    later(RCPT, "550 5.2.1 Mailbox temporarily disabled", "5.2.1", FIVE),
    dead(RCPT, "550 5.1.10 Recipient address has null MX", "5.1.10", suppresses=("domain", 1)),
    dead(RCPT, "552 5.2.2 Mailbox full", "5.2.2", suppresses=("recipient", 3)),
    dead(DOT, "552 5.3.4 Too big", "5.3.4", alarm=True),
    dead(DOT, "554 5.3.4 Too big", "5.3.4", alarm=True),
    dead(RCPT, "550 5.6.7 No SMTPUTF8", "address_not_supported"),
    dead(RCPT, "550 No such user", "550", suppresses=("recipient", 1)),
    dead(RCPT, "554 No", "554", suppresses=("recipient", 1)),
    dead(DATA, "554 No", "554"),
    dead(DOT, "550 No", "550"),
    dead(DOT, "554 No", "554"),
    later(RCPT, "450 Busy", "450"),
    later(DOT, "451 Busy", "451"),
    later(RCPT, "554 5.7.1 Relay access denied", "5.7.1", MINUTE, alarm=True),
    later(RCPT, "550 5.4.1 Odd", "5.4.1", MINUTE),
    later(DOT, "571 Odd", "571", MINUTE),
    dead(RCPT, "450 5.1.1 The stronger code wins", "5.1.1", suppresses=("recipient", 1)),
    later(RCPT, "550 4.3.0 The stronger code wins", "4.3.0"),
    later(DATA, "250 Out of turn", "250", MINUTE),
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What became of the letter of a row."""

    letter: dict[str, Any]
    attempts: list[dict[str, Any]]
    told: list[str]
    waiting: tuple[WaitTier, dict[str, Any]] | None
    dead: list[dict[str, Any]]
    alarms: list[dict[str, Any]]
    suppression: tuple[str, int] | None


def recipient_of(number: int) -> str:
    return f"an@row-{number}.example"


def suppression_of(room: Mailroom, recipient: str) -> tuple[str, int] | None:
    hashes = MARKER.hashes_of(recipient)
    rows = room.query(
        "SELECT scope, needed FROM suppressions WHERE key IN (%s, %s)", hashes.recipient, hashes.domain
    )
    return (rows[0]["scope"], rows[0]["needed"]) if rows else None


@pytest.fixture(scope="module")
def observed(
    infra: Infra, _mailer_template: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Observed]]:
    """Play all rows at once and gather what became of each letter."""
    infra.ensure_broker()
    infra.ensure_postgres()
    with (
        virtual_host(infra) as broker,
        database_copy(infra, "mailer") as database,
        mailroom(broker, database, tmp_path_factory.mktemp("replies")) as room,
    ):
        room.stop_the_waits()
        replica = room.start()
        room.inbox.play(
            *(
                Rule(phase=row.phase, recipient=recipient_of(number), reply=row.reply)
                for number, row in enumerate(ROWS)
            )
        )
        letters = [room.post(room.seal(recipient_of(number))) for number in range(len(ROWS))]
        eventually(lambda: all(room.told(letter_id) for letter_id in letters), within=60, every=0.5)
        eventually(lambda: len(room.waiting()) == sum(bool(row.tiers) for row in ROWS), within=30, every=0.5)
        waiting, alarms = room.waiting(), replica.events("delivery_alarm")
        yield [
            Observed(
                letter=room.row(letter_id) or {},
                attempts=room.attempts(letter_id),
                told=room.told(letter_id),
                waiting=waiting.get(letter_id),
                dead=room.dead(letter_id),
                alarms=[alarm for alarm in alarms if alarm["letter_id"] == str(letter_id)],
                suppression=suppression_of(room, recipient_of(number)),
            )
            for number, letter_id in enumerate(letters)
        ]


def numbered(which: str | None = None) -> pytest.MarkDecorator:
    chosen = [(number, row) for number, row in enumerate(ROWS) if which in {None, row.outcome}]
    return pytest.mark.parametrize(("number", "row"), chosen, ids=[str(row) for _, row in chosen])


@numbered()
def test_the_attempt_is_recorded_as_the_table_says(observed: list[Observed], number: int, row: Row) -> None:
    seen = observed[number]
    (attempt,) = seen.attempts
    phase = DOT if row.outcome == "sent" else row.phase
    assert (attempt["outcome"], attempt["reason"], attempt["phase"]) == (row.outcome, row.reason, phase.value)
    assert attempt["reply"].startswith(row.reply[:3]) or row.outcome == "sent"
    assert (seen.letter["bound_to"] is not None) == row.bound
    assert seen.letter["ambiguous"] is (row.outcome == "ambiguous")


@numbered()
def test_a_person_is_called_where_time_alone_mends_nothing(
    observed: list[Observed], number: int, row: Row
) -> None:
    assert [alarm["reason"] for alarm in observed[number].alarms] == ([row.reason] if row.alarm else [])


@numbered()
def test_the_recipient_or_domain_is_suppressed_where_nobody_is_there(
    observed: list[Observed], number: int, row: Row
) -> None:
    assert observed[number].suppression == row.suppresses


@numbered("sent")
def test_an_accepted_letter_is_reported_as_sent(observed: list[Observed], number: int, row: Row) -> None:
    seen = observed[number]
    assert (seen.told, seen.letter["state"], seen.waiting, seen.dead) == (["sent"], "accepted", None, [])
    assert row.reason is None


@numbered("try_later")
def test_a_letter_for_later_waits_as_long_as_the_reply_asks_with_class_and_priority(
    observed: list[Observed], number: int, row: Row
) -> None:
    seen = observed[number]
    assert (seen.told, seen.letter["state"], seen.dead) == (["deferred"], "waiting", [])
    assert seen.waiting is not None
    tier, message = seen.waiting
    assert tier in row.tiers
    assert message["routing_key"] == f"mail.urgent.{tier}"
    assert message["properties"]["priority"] == 6


@numbered("ambiguous")
def test_an_ambiguous_letter_is_counted_and_waits(observed: list[Observed], number: int, row: Row) -> None:
    seen = observed[number]
    assert (seen.told, seen.letter["state"], seen.letter["ambiguities"]) == (["deferred"], "waiting", 1)
    assert seen.waiting is not None
    assert seen.waiting[0] in row.tiers


@numbered("dead")
def test_a_dead_letter_says_which_reply_ended_it(observed: list[Observed], number: int, row: Row) -> None:
    seen = observed[number]
    assert (seen.told, seen.letter["state"], seen.waiting) == (["failed"], "dead", None)
    (message,) = seen.dead
    headers = message["properties"]["headers"]
    assert headers["x-postern-reason"] == row.reason
    assert headers["x-postern-reply"] == row.reply
    assert headers["x-postern-attempts"] == 1
    assert headers["x-postern-class"] == "urgent"
    assert headers["x-postern-first-seen"]


# What is between the server and us


AWAY, ACCOUNT = Concern.PROVIDER, Concern.ACCOUNT


def converse(inbox: Inbox, *rules: Rule, seconds: float = 2.0) -> Transmission:
    inbox.play(*rules)
    server = SmtpServer.from_url(inbox.smtp_url)
    transport = SmtpTransport(server, hello_name=SENDER.mailbox.domain, operation_seconds=seconds)
    try:
        return transport.send(composed(outgoing("an@example.org")), deadline=time.monotonic() + 5)
    finally:
        transport.close()


@pytest.fixture(scope="module")
def inbox() -> Iterator[Inbox]:
    with Inbox() as server:
        yield server


def elsewhere_or_later(verdict: Verdict) -> bool:
    return isinstance(verdict, OtherProvider) and isinstance(verdict.otherwise, TryLater)


@pytest.mark.parametrize(
    ("phase", "reply", "alarm"),
    [
        (Phase.CONNECT, "554 No SMTP service here", False),
        (Phase.CONNECT, "421 4.7.0 Too many connections", False),
        (Phase.CONNECT, "521 No mail here", False),
        (Phase.EHLO, "550 Not you", False),
        (Phase.EHLO, "454 4.7.0 Not now", True),
        (Phase.MAIL, "421 4.3.2 Shutting down", False),
        (Phase.MAIL, "454 4.7.0 Not now", True),
        (Phase.MAIL, "450 4.7.0 Slow down", False),
        (Phase.RCPT, "421 4.3.2 Shutting down", False),
    ],
)
def test_a_provider_that_is_away_or_slow_costs_the_letter_no_more_than_a_wait(
    inbox: Inbox, phase: Phase, reply: str, alarm: bool
) -> None:
    answered = converse(inbox, Rule(phase=phase, reply=reply))
    assert elsewhere_or_later(answered.verdict)
    assert (answered.concern, answered.alarm, answered.phase) == (AWAY, alarm, Reached(phase.value))


@pytest.mark.parametrize(
    ("phase", "reply"),
    [
        (Phase.MAIL, "530 5.7.0 Authentication required"),
        (Phase.MAIL, "535 5.7.8 Bad credentials"),
        (Phase.RCPT, "534 5.7.9 Too weak"),
        (Phase.MAIL, "550 Sender refused"),
        (Phase.MAIL, "553 5.1.8 Bad sender domain"),
        (Phase.DOT, "550 5.7.26 Unauthenticated"),
        (Phase.DOT, "550 5.4.5 Daily user sending limit exceeded"),
        (Phase.DOT, "550 5.1.90 You have reached your daily limit"),
        (Phase.DOT, "554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException"),
    ],
)
def test_our_account_or_identity_pauses_the_provider_and_never_ends_the_letter(
    inbox: Inbox, phase: Phase, reply: str
) -> None:
    answered = converse(inbox, Rule(phase=phase, reply=reply, store=False if phase is DOT else None))
    assert isinstance(answered.verdict, Pause)
    assert answered.concern in {ACCOUNT, Concern.QUOTA}
    assert answered.alarm


@pytest.mark.parametrize("phase", [Phase.EHLO, Phase.MAIL, Phase.RCPT, Phase.DATA])
def test_a_good_bye_too_early_is_a_lost_connection_and_no_acceptance(inbox: Inbox, phase: Phase) -> None:
    answered = converse(inbox, Rule(phase=phase, reply="221 2.0.0 Bye", action=Action.CLOSE))
    assert elsewhere_or_later(answered.verdict)
    assert answered.concern is AWAY


@pytest.mark.parametrize("phase", [Phase.CONNECT, Phase.EHLO, Phase.MAIL, Phase.RCPT, Phase.DATA, Phase.DOT])
@pytest.mark.parametrize(
    "rule",
    [
        {"reply": "250 " + "x" * 1_000_000},
        {"reply": "250 " + "x" * 300, "byte_seconds": 1.0},
        {"delay_seconds": 300},
        {"reply": "\u00ff\u00fe garbage"},
    ],
    ids=["a line of a megabyte", "a byte a second", "silence for five minutes", "garbage"],
)
def test_a_bad_day_ends_within_the_attempts_time_and_is_certain_before_the_dot(
    inbox: Inbox, phase: Phase, rule: dict[str, Any]
) -> None:
    started = time.monotonic()
    answered = converse(inbox, Rule(phase=phase, store=False if phase is DOT else None, **rule))
    assert time.monotonic() - started < 8
    if phase is Phase.DOT:
        assert answered.verdict.name == "ambiguous"
    else:
        assert elsewhere_or_later(answered.verdict)
    assert inbox.messages() == []


def test_a_letter_paused_by_the_account_keeps_its_attempts_and_is_sent_when_the_account_is_well(
    room: Mailroom,
) -> None:
    room.shorten_the_waits()
    replica = room.start()
    room.inbox.play(Rule(phase=Phase.MAIL, reply="535 5.7.8 Bad credentials", times=2))
    letter_id: UUID = room.post(room.seal("an@example.org"))
    eventually(lambda: room.told(letter_id)[-1:] == ["sent"], within=60)
    row = room.row(letter_id)
    assert row is not None
    assert (row["attempts"], row["state"]) == (1, "accepted")
    assert [(a["outcome"], a["number"]) for a in room.attempts(letter_id)] == [
        ("pause", 1),
        ("pause", 1),
        ("sent", 1),
    ]
    assert len(replica.events("delivery_alarm")) == 2
    assert room.told(letter_id) == ["deferred", "deferred", "sent"]
    assert len({report.id for report in room.reports(letter_id)}) == 2
    assert room.dead(letter_id) == []
    assert room.query("SELECT 1 FROM suppressions") == []
