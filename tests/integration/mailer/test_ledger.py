"""The ledger's promise: one claim at a time, and none left behind for ever."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine, event, text

from mail_contract.messages import Cancellation, CancellationReason, EnvelopeHeader
from mailer_service.db.holds import HoldRow
from mailer_service.db.interventions import InterventionRow
from mailer_service.db.migrate import migrate
from mailer_service.db.session_lock import SessionLock
from mailer_service.db.tables import LetterState
from mailer_service.delivery.attempt import Attempt, Phase, Transmission
from mailer_service.delivery.claim import Claim, LetterStatus, Settled
from mailer_service.delivery.ledger import Ledger
from mailer_service.delivery.outcome import Ambiguous, Dead, OtherProvider, Outcome, Pause, Sent, TryLater
from mailer_service.errors import LedgerUnavailable, LetterLocked, Unauthentic
from mailer_service.ledger_metrics import LedgerCollector
from mailer_service.queue_delay import QueueDelay
from mailer_service.suppression.recipient_hashes import RecipientHashes
from service_runtime.database.engine import build_engine
from support.clock import Clock
from support.database import Database
from support.eventually import eventually
from support.outgoing import header

DIGEST = b"one envelope"
ONE = "one:25"
SENT = (Sent(),)
REFUSED = TryLater(reason="4.3.0")
LATER = (REFUSED, Transmission(verdict=REFUSED, phase=Phase.RCPT, reply="451 4.3.0 Later", provider=ONE))
SENT_BY_TWO = Transmission(verdict=Sent(), phase=Phase.DOT, reply=None, provider="two:25")
GREYLISTED = TryLater(reason="4.7.1", same_provider=True)
BOUND = (GREYLISTED, Transmission(verdict=GREYLISTED, phase=Phase.RCPT, reply="451 4.7.1", provider=ONE))
NOT_NOW = Pause(reason="5.7.8")
PAUSED = (NOT_NOW, Transmission(verdict=NOT_NOW, phase=Phase.AUTH, reply=None, provider=ONE))

Replica = Callable[..., Ledger]


@pytest.fixture
def engine(mailer_database: Database) -> Iterator[Engine]:
    engine = build_engine(mailer_database.url, application="test", connections=10, autocommit=True)
    yield engine
    engine.dispose()


@pytest.fixture
def replica(engine: Engine) -> Iterator[Replica]:
    """Makes replicas; each lives, unless told otherwise, until the end of the test."""
    present: list[SessionLock] = []

    def make(name: str = "one", *, lease: float = 30.0, alive: bool = True) -> Ledger:
        session_lock = SessionLock(engine)
        if alive:
            session_lock.arrive()
            present.append(session_lock)
        return Ledger(engine, session_lock=session_lock, replica=name, lease=timedelta(seconds=lease))

    yield make
    for session_lock in present:
        session_lock.leave()


def fresh(*, expires_in: timedelta = timedelta(hours=1)) -> EnvelopeHeader:
    now = datetime.now(UTC)
    return header().model_copy(update={"created_at": now, "expires_at": now + expires_in})


def claimed(ledger: Ledger, clear: EnvelopeHeader) -> Claim:
    claim = ledger.claim(clear, digest=DIGEST)
    assert isinstance(claim, Claim), claim
    return claim


def settle(ledger: Ledger, claim: Claim, outcome: Outcome, *said: Transmission) -> Settled | None:
    clear = header().model_copy(update={"id": claim.letter_id})
    attempt = Attempt.claimed(clear, None, claim, deadline=0.0)
    attempt.outcome = outcome
    attempt.transmissions.extend(said)
    return ledger.settle(attempt)


def unanswered(after: timedelta = timedelta()) -> tuple[Ambiguous, Transmission]:
    verdict = Ambiguous(reason="timeout_after_dot", after=after)
    return verdict, Transmission(verdict=verdict, phase=Phase.DOT, reply=None, provider=ONE)


def status(ledger: Ledger, clear: EnvelopeHeader) -> LetterState:
    answer = ledger.claim(clear, digest=DIGEST)
    assert isinstance(answer, LetterStatus), answer
    return answer.state


def cancel(ledger: Ledger, letter_id: UUID) -> LetterState:
    cancellation = Cancellation(
        letter_id=letter_id, reason=CancellationReason.SUPERSEDED, at=datetime.now(UTC)
    )
    return ledger.cancel(cancellation).state


def rows(engine: Engine, statement: str) -> list[tuple[object, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(statement))]


def test_of_many_who_want_a_letter_at_once_one_gets_it(replica: Replica) -> None:
    ledgers, clear = [replica(f"replica-{n}") for n in range(4)], fresh()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: ledgers[n % 4].claim(clear, digest=DIGEST), range(32)))
    assert sum(isinstance(answer, Claim) for answer in answers) == 1
    assert {answer.state for answer in answers if isinstance(answer, LetterStatus)} == {LetterState.CLAIMED}


def test_an_accepted_letter_is_never_claimed_again(replica: Replica) -> None:
    ledger, clear = replica(), fresh()
    claim = claimed(ledger, clear)
    assert ledger.begin_transmission(claim, provider=ONE)
    settled = settle(ledger, claim, *SENT)
    assert settled is not None
    assert settled.state is LetterState.ACCEPTED
    assert status(ledger, clear) is LetterState.ACCEPTED


def test_a_waiting_letter_is_claimed_again_as_its_next_attempt(replica: Replica, engine: Engine) -> None:
    ledger, clear = replica(), fresh()
    for attempt in range(1, 13):
        claim = claimed(ledger, clear)
        assert claim.attempt == attempt
        ledger.begin_transmission(claim, provider=ONE)
        settle(ledger, claim, *LATER)
    assert rows(engine, "SELECT count(*), max(number) FROM attempts") == [(12, 12)]


def test_prometheus_is_told_how_letters_stand_and_how_old_the_oldest_is(
    replica: Replica, engine: Engine
) -> None:
    ledger, clock = replica(), Clock()
    delay = QueueDelay(clock=clock)
    waiting, sent = fresh(), fresh()
    settle(ledger, claimed(ledger, waiting), *LATER)
    settle(ledger, claimed(ledger, sent), *SENT)
    with engine.connect() as connection:
        connection.execute(text("UPDATE letters SET first_seen_at = now() - interval '100 seconds'"))
    collector = LedgerCollector(engine, delay, clock=clock)
    registry = CollectorRegistry()
    registry.register(collector)
    value, by_class = registry.get_sample_value, waiting.letter_class

    deferred = {"state": "waiting", "letter_class": by_class, "reason": "4.3.0"}
    clock.forward(60)
    assert value("mailer_ledger_letters", deferred) == 1
    assert value("mailer_ledger_letters", {**deferred, "state": "accepted", "reason": ""}) == 1
    assert value("mailer_ledger_up") == 1
    assert 100 <= (value("mailer_oldest_letter_seconds", {"class": by_class}) or 0) < 200
    assert value("mailer_queue_seconds", {"class": by_class}) == 0
    delay.took(by_class, 7)
    assert value("mailer_queue_seconds", {"class": by_class}) == 7

    settle(ledger, claimed(ledger, waiting), *SENT)
    clock.forward(5)
    assert value("mailer_ledger_letters", deferred) == 1, "asked again within ten seconds"
    clock.forward(60)
    assert value("mailer_ledger_letters", deferred) is None
    assert value("mailer_oldest_letter_seconds", {"class": by_class}) == 0


def test_an_attempt_that_does_not_count_is_given_back_and_noted_if_somebody_was_asked(
    replica: Replica, engine: Engine
) -> None:
    ledger, clear = replica(), fresh()
    for asked in (True, False, True):
        claim = claimed(ledger, clear)
        assert claim.attempt == 1
        ledger.begin_transmission(claim, provider=ONE)
        settle(ledger, claim, *(PAUSED if asked else PAUSED[:1]))
    assert claimed(ledger, clear).attempt == 1
    assert rows(engine, "SELECT fence, number, outcome FROM attempts ORDER BY fence") == [
        (1, 1, "pause"),
        (3, 1, "pause"),
    ]


def test_each_provider_asked_within_an_attempt_has_a_row_of_its_own(replica: Replica, engine: Engine) -> None:
    ledger, clear = replica(), fresh()
    claim = claimed(ledger, clear)
    ledger.begin_transmission(claim, provider=ONE)
    refused = Transmission(
        verdict=OtherProvider(reason="5.7.1", otherwise=Dead(reason="5.7.1")),
        phase=Phase.RCPT,
        reply="550 5.7.1 No",
        provider="one:25",
        duration_ms=7,
    )
    settle(ledger, claim, Sent(), refused, SENT_BY_TWO)
    assert rows(
        engine, "SELECT part, number, provider, outcome, reason, phase FROM attempts ORDER BY part"
    ) == [
        (0, 1, "one:25", "other_provider", "5.7.1", "rcpt"),
        (1, 1, "two:25", "sent", None, "dot"),
    ]


def test_who_lost_the_claim_notes_nothing_of_earlier_providers(replica: Replica, engine: Engine) -> None:
    zombie, other, clear = replica("zombie", lease=-1), replica("other"), fresh()
    old = claimed(zombie, clear)
    claimed(other, clear)
    refused = Transmission(verdict=TryLater(reason="421"), phase=Phase.MAIL, reply="421", provider="one:25")
    assert settle(zombie, old, Sent(), refused, SENT_BY_TWO) is None
    assert rows(engine, "SELECT outcome FROM attempts") == [("abandoned",)]


def test_a_letter_left_with_a_provider_by_a_dead_replica_is_bound_to_it(
    engine: Engine, replica: Replica
) -> None:
    session_lock = SessionLock(engine)
    session_lock.arrive()
    one = Ledger(engine, session_lock=session_lock, replica="one", lease=timedelta(hours=1))
    other, clear = replica("other"), fresh()
    first = claimed(one, clear)
    assert one.begin_transmission(first, provider=ONE)
    assert one.begin_transmission(first, provider="two:25")
    session_lock.leave()
    second = eventually(lambda: claimed(other, clear))
    assert (second.provider, second.ambiguities) == ("two:25", 1)


def begun(ledger: Ledger, clear: EnvelopeHeader, *, provider: str = ONE) -> Claim:
    claim = ledger.claim(clear, digest=DIGEST, provider=provider)
    assert isinstance(claim, Claim), claim
    return claim


def test_a_letter_bound_to_nobody_is_begun_with_its_claim(replica: Replica) -> None:
    ledger, clear = replica(), fresh()
    for _ in range(2):
        claim = begun(ledger, clear)
        assert (claim.begun_with, claim.provider) == (ONE, None)
        assert status(ledger, clear) is LetterState.TRANSMITTING
        settle(ledger, claim, *LATER)
    claim = claimed(ledger, clear)
    assert (claim.begun_with, claim.provider) == (None, None)


def test_a_bound_letter_is_claimed_and_begun_only_once_its_provider_is_known(replica: Replica) -> None:
    ledger, clear = replica(), fresh()
    settle(ledger, begun(ledger, clear), *BOUND)
    claim = begun(ledger, clear, provider="two:25")
    assert (claim.begun_with, claim.provider) == (None, ONE)
    assert status(ledger, clear) is LetterState.CLAIMED
    assert ledger.begin_transmission(claim, provider=ONE)


def test_a_letter_begun_with_the_claim_of_a_dead_replica_is_ambiguous_and_bound(
    replica: Replica, engine: Engine
) -> None:
    clear = fresh()
    begun(replica("dead", alive=False, lease=0.0), clear)
    claim = begun(replica("heir"), clear, provider="two:25")
    assert (claim.ambiguities, claim.begun_with, claim.provider) == (1, None, ONE)
    assert rows(engine, "SELECT outcome, reason FROM attempts") == [("abandoned", "transmitting")]


def test_whoever_begins_a_withdrawn_or_expired_letter_has_begun_nothing(
    replica: Replica, engine: Engine
) -> None:
    ledger, withdrawn, late = replica(), fresh(), fresh(expires_in=timedelta(seconds=-1))
    cancel(ledger, withdrawn.id)
    answers = [ledger.claim(clear, digest=DIGEST, provider=ONE) for clear in (withdrawn, late)]
    assert [answer.state for answer in answers if isinstance(answer, LetterStatus)] == [
        "cancelled",
        "expired",
    ]
    assert rows(engine, "SELECT bound_to, holder FROM letters") == [(None, None)] * 2


def test_the_next_claim_knows_the_provider_the_letter_is_bound_to(replica: Replica) -> None:
    ledger, clear = replica(), fresh()
    first = claimed(ledger, clear)
    assert first.provider is None
    settle(ledger, first, *BOUND)
    bound = claimed(ledger, clear)
    assert bound.provider == "one:25"
    settle(ledger, bound, *LATER)
    assert claimed(ledger, clear).provider is None


def test_a_live_claim_is_respected(replica: Replica) -> None:
    one, other, clear = replica("one"), replica("other"), fresh()
    claimed(one, clear)
    assert status(other, clear) is LetterState.CLAIMED


def test_a_claim_is_taken_over_once_its_lease_is_over(replica: Replica) -> None:
    one, other, clear = replica("one", lease=-1), replica("other"), fresh()
    claimed(one, clear)
    taken = claimed(other, clear)
    assert (taken.attempt, taken.ambiguities) == (2, 0)


def test_a_claim_of_a_dead_replica_is_taken_over_at_once(engine: Engine, replica: Replica) -> None:
    session_lock = SessionLock(engine)
    session_lock.arrive()
    one = Ledger(engine, session_lock=session_lock, replica="one", lease=timedelta(hours=1))
    other, clear = replica("other"), fresh()
    claimed(one, clear)
    assert status(other, clear) is LetterState.CLAIMED
    session_lock.leave()
    assert eventually(lambda: claimed(other, clear)).attempt == 2


def test_a_claim_made_without_a_sign_of_life_is_protected_by_its_lease(replica: Replica) -> None:
    one, other, clear = replica("one", alive=False), replica("other"), fresh()
    claimed(one, clear)
    assert status(other, clear) is LetterState.CLAIMED


def test_an_attempt_abandoned_while_transmitting_is_ambiguous_and_noted(
    replica: Replica, engine: Engine
) -> None:
    one, other, clear = replica("one", lease=0.3), replica("other"), fresh()
    first = claimed(one, clear)
    assert one.begin_transmission(first, provider=ONE)
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_sleep(0.35)"))
    second = claimed(other, clear)
    assert second.ambiguities == 1
    other.begin_transmission(second, provider=ONE)
    settle(other, second, *SENT)
    assert rows(engine, "SELECT state, ambiguous, ambiguities FROM letters") == [("accepted", True, 1)]
    assert rows(engine, "SELECT number, outcome, reason FROM attempts ORDER BY number") == [
        (1, "abandoned", "transmitting"),
        (2, "sent", None),
    ]


def test_who_lost_the_claim_may_neither_send_nor_settle(replica: Replica, engine: Engine) -> None:
    zombie, other, clear = replica("zombie", lease=-1), replica("other"), fresh()
    old = claimed(zombie, clear)
    new = claimed(other, clear)
    assert not zombie.begin_transmission(old, provider=ONE)
    assert settle(zombie, old, *SENT) is None
    assert other.begin_transmission(new, provider=ONE)
    assert settle(zombie, old, *LATER) is None
    assert rows(engine, "SELECT state, holder FROM letters") == [("transmitting", "other")]


def test_nobody_sends_after_the_lease_even_if_nobody_else_came(replica: Replica) -> None:
    late, clear = replica(lease=-1), fresh()
    assert not late.begin_transmission(claimed(late, clear), provider=ONE)


def test_beginning_twice_is_beginning_once(replica: Replica) -> None:
    ledger, clear = replica(), fresh()
    claim = claimed(ledger, clear)
    assert ledger.begin_transmission(claim, provider=ONE)
    assert ledger.begin_transmission(claim, provider=ONE)


def test_an_expired_letter_is_not_claimed_new_or_known(replica: Replica) -> None:
    ledger = replica()
    assert status(ledger, fresh(expires_in=timedelta(seconds=-1))) is LetterState.EXPIRED
    clear = fresh()
    settle(ledger, claimed(ledger, clear), *LATER)
    late = clear.model_copy(update={"expires_at": datetime.now(UTC) - timedelta(seconds=1)})
    assert status(ledger, late) is LetterState.EXPIRED


def test_a_letter_that_a_server_may_have_is_unconfirmed_where_it_expired_or_was_suppressed(
    replica: Replica, engine: Engine
) -> None:
    ledger, hashes = replica(), RecipientHashes(recipient=b"r" * 32, domain=b"d" * 32)
    late, unwanted = fresh(expires_in=timedelta(seconds=2)), fresh()
    for clear in (late, unwanted):
        claim = ledger.claim(clear, digest=DIGEST, hashes=hashes, provider=ONE)
        assert isinstance(claim, Claim)
        settle(ledger, claim, *unanswered())
    with engine.connect() as connection:
        connection.execute(
            text("INSERT INTO suppressions (key, scope, reason) VALUES (:key, 'recipient', 'manual')"),
            {"key": hashes.recipient},
        )
    answer = ledger.claim(unwanted, digest=DIGEST, hashes=hashes, provider=ONE)
    assert isinstance(answer, LetterStatus)
    assert answer.state is LetterState.UNCONFIRMED
    eventually(lambda: datetime.now(UTC) > late.expires_at)
    assert status(ledger, late) is LetterState.UNCONFIRMED


def test_a_copy_of_a_letter_that_a_server_may_have_waits_as_long_as_the_letter(
    replica: Replica, engine: Engine
) -> None:
    ledger, clear = replica(), fresh()
    claim = claimed(ledger, clear)
    assert ledger.begin_transmission(claim, provider=ONE)
    settle(ledger, claim, *unanswered(timedelta(minutes=1)))
    assert status(ledger, clear) is LetterState.WAITING
    with engine.connect() as connection:
        connection.execute(text("UPDATE letters SET next_at = next_at - interval '1 minute'"))
    settle(ledger, claimed(ledger, clear), *LATER)
    assert claimed(ledger, clear).attempt == 3


def test_the_databases_clock_decides_how_much_time_is_left(replica: Replica) -> None:
    claim = claimed(replica(), fresh(expires_in=timedelta(minutes=10)))
    assert timedelta(minutes=9) < claim.remaining <= timedelta(minutes=10)


def test_a_cancelled_letter_is_not_claimed_also_if_it_arrives_later(replica: Replica) -> None:
    ledger, clear = replica(), fresh()
    assert cancel(ledger, clear.id) is LetterState.CANCELLED
    assert status(ledger, clear) is LetterState.CANCELLED
    assert cancel(ledger, clear.id) is LetterState.CANCELLED


def test_a_letter_cancelled_in_hand_is_neither_sent_nor_tried_again(replica: Replica) -> None:
    ledger, clear = replica(), fresh()
    claim = claimed(ledger, clear)
    assert cancel(ledger, clear.id) is LetterState.CLAIMED
    assert not ledger.begin_transmission(claim, provider=ONE)
    settled = settle(ledger, claim, *LATER)
    assert settled is not None
    assert settled.state is LetterState.CANCELLED


def test_a_letter_cancelled_too_late_is_accepted_all_the_same(replica: Replica) -> None:
    ledger, clear = replica(), fresh()
    claim = claimed(ledger, clear)
    ledger.begin_transmission(claim, provider=ONE)
    assert cancel(ledger, clear.id) is LetterState.TRANSMITTING
    settled = settle(ledger, claim, *SENT)
    assert settled is not None
    assert settled.state is LetterState.ACCEPTED


def test_a_cancelled_letter_whose_holder_died_stays_cancelled(replica: Replica) -> None:
    one, other, clear = replica("one", lease=-1), replica("other"), fresh()
    claimed(one, clear)
    cancel(other, clear.id)
    assert status(other, clear) is LetterState.CANCELLED


def test_another_envelope_under_a_known_id_is_a_replay(replica: Replica) -> None:
    ledger, clear = replica(), fresh()
    settle(ledger, claimed(ledger, clear), *LATER)
    with pytest.raises(Unauthentic, match="replayed_id"):
        ledger.claim(clear, digest=b"another envelope")


def test_a_database_that_is_away_is_said_to_be_away() -> None:
    engine = build_engine(
        "postgresql://nobody:x@127.0.0.1:1/none", application="test", connections=1, autocommit=True
    )
    ledger = Ledger(engine, session_lock=SessionLock(engine), replica="one", lease=timedelta(seconds=30))
    assert not ledger.answers()
    with pytest.raises(LedgerUnavailable):
        ledger.claim(fresh(), digest=DIGEST)


def test_the_migrations_make_the_tables_of_the_models(mailer_database: Database) -> None:
    engine = build_engine(mailer_database.migrator_url, application="test")
    try:
        with engine.connect() as connection:
            context = MigrationContext.configure(
                connection, opts={"compare_type": True, "compare_server_default": True}
            )
            assert InterventionRow.metadata is HoldRow.metadata
            assert compare_metadata(context, HoldRow.metadata) == []
            made = connection.execute(
                text("SELECT conname FROM pg_constraint WHERE conrelid IN (SELECT oid FROM pg_class)")
            )
            names = set(made.scalars())
    finally:
        engine.dispose()
    assert {
        str(constraint.name)
        for table in InterventionRow.metadata.tables.values()
        for constraint in table.constraints
    } <= names


def test_migrating_again_changes_nothing(mailer_database: Database) -> None:
    migrate(mailer_database.migrator_url)
    migrate(mailer_database.migrator_url)


def test_every_letter_is_its_own(replica: Replica) -> None:
    ledger = replica()
    assert {claimed(ledger, fresh().model_copy(update={"id": uuid4()})).attempt for _ in range(3)} == {1}


def test_letters_asked_for_at_once_share_statements_and_each_gets_its_own_answer(
    replica: Replica, engine: Engine
) -> None:
    ledger, letters = replica(), [fresh() for _ in range(100)]

    def send(clear: EnvelopeHeader) -> UUID:
        claim = claimed(ledger, clear)
        assert ledger.begin_transmission(claim, provider=ONE)
        settled = settle(ledger, claim, *SENT)
        assert settled is not None
        return claim.letter_id

    statements: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *call: statements.append(call[2]))
    with ThreadPoolExecutor(25) as pool:
        assert list(pool.map(send, letters)) == [clear.id for clear in letters]
    assert len(statements) < 3 * len(letters) / 2
    assert rows(engine, "SELECT state, count(*) FROM letters GROUP BY state") == [("accepted", 100)]
    assert rows(engine, "SELECT outcome, count(*) FROM attempts GROUP BY outcome") == [("sent", 100)]


def test_one_letter_that_cannot_be_had_does_not_keep_the_others(replica: Replica, engine: Engine) -> None:
    ledger, held, others = replica(), fresh(), [fresh() for _ in range(8)]
    settle(ledger, claimed(ledger, held), *LATER)
    with engine.connect() as somebody, ThreadPoolExecutor(9) as pool:
        somebody.execute(text("BEGIN"))
        somebody.execute(text("SELECT 1 FROM letters FOR UPDATE"))
        kept = pool.submit(ledger.claim, held, digest=DIGEST)
        answers = [pool.submit(ledger.claim, clear, digest=DIGEST) for clear in others]
        assert all(isinstance(answer.result(timeout=20), Claim) for answer in answers)
        with pytest.raises(LetterLocked):
            kept.result(timeout=20)
        somebody.execute(text("ROLLBACK"))


def test_two_replicas_find_the_letters_of_a_dead_one_at_the_same_time(
    engine: Engine, replica: Replica
) -> None:
    session_lock = SessionLock(engine)
    session_lock.arrive()
    dead = Ledger(engine, session_lock=session_lock, replica="dead", lease=timedelta(hours=1))
    letters = [fresh() for _ in range(40)]
    first = fresh()
    for clear in (first, *letters):
        claimed(dead, clear)
    session_lock.leave()
    heirs = [replica("one"), replica("other")]
    eventually(lambda: claimed(heirs[0], first))
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda n: heirs[n % 2].claim(letters[n], digest=DIGEST), range(len(letters))))
    assert all(isinstance(answer, Claim) for answer in answers)
