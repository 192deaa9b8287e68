"""The ledger's promise: one claim at a time, and none left behind for ever."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, create_engine, text

from mail_contract.messages import Cancellation, CancellationReason, EnvelopeHeader
from mailer_service.delivery.claim import Claim, Standing
from mailer_service.delivery.ledger import Ledger
from mailer_service.delivery.settlement import Settlement
from mailer_service.errors import LedgerUnavailable, Unauthentic
from mailer_service.store.engine import build_engine, database_url
from mailer_service.store.migrate import upgrade
from mailer_service.store.presence import Presence
from mailer_service.store.tables import Base, LetterState
from support.database import Database
from support.outgoing import header

DIGEST = b"one envelope"
SENT = Settlement(state=LetterState.ACCEPTED, outcome="sent", reason=None)
LATER = Settlement(state=LetterState.WAITING, outcome="try_later", reason="4.3.0", reply="451 4.3.0 Later")

Replica = Callable[..., Ledger]


@pytest.fixture
def engine(mailer_database: Database) -> Iterator[Engine]:
    engine = build_engine(mailer_database.url, application="test", connections=10)
    yield engine
    engine.dispose()


@pytest.fixture
def replica(engine: Engine) -> Iterator[Replica]:
    """Makes replicas; each lives, unless told otherwise, until the end of the test."""
    present: list[Presence] = []

    def make(name: str = "one", *, lease: float = 30.0, alive: bool = True) -> Ledger:
        presence = Presence(engine)
        if alive:
            presence.arrive()
            present.append(presence)
        return Ledger(engine, presence=presence, replica=name, lease=timedelta(seconds=lease))

    yield make
    for presence in present:
        presence.leave()


def fresh(*, expires_in: timedelta = timedelta(hours=1)) -> EnvelopeHeader:
    now = datetime.now(UTC)
    return header().model_copy(update={"created_at": now, "expires_at": now + expires_in})


def claimed(ledger: Ledger, clear: EnvelopeHeader) -> Claim:
    claim = ledger.claim(clear, digest=DIGEST)
    assert isinstance(claim, Claim), claim
    return claim


def standing(ledger: Ledger, clear: EnvelopeHeader) -> LetterState:
    answer = ledger.claim(clear, digest=DIGEST)
    assert isinstance(answer, Standing), answer
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
    assert {answer.state for answer in answers if isinstance(answer, Standing)} == {LetterState.CLAIMED}


def test_an_accepted_letter_is_never_claimed_again(replica: Replica) -> None:
    ledger, clear = replica(), fresh()
    claim = claimed(ledger, clear)
    assert ledger.begin_transmission(claim)
    settled = ledger.settle(claim, SENT)
    assert settled is not None
    assert settled.state is LetterState.ACCEPTED
    assert standing(ledger, clear) is LetterState.ACCEPTED


def test_a_waiting_letter_is_claimed_again_as_its_next_attempt(replica: Replica, engine: Engine) -> None:
    ledger, clear = replica(), fresh()
    for attempt in range(1, 13):
        claim = claimed(ledger, clear)
        assert claim.attempt == attempt
        ledger.begin_transmission(claim)
        ledger.settle(claim, LATER)
    assert rows(engine, "SELECT count(*), max(number) FROM attempts") == [(12, 12)]


def test_a_live_claim_is_respected(replica: Replica) -> None:
    one, other, clear = replica("one"), replica("other"), fresh()
    claimed(one, clear)
    assert standing(other, clear) is LetterState.CLAIMED


def test_a_claim_is_taken_over_once_its_lease_is_over(replica: Replica) -> None:
    one, other, clear = replica("one", lease=-1), replica("other"), fresh()
    claimed(one, clear)
    taken = claimed(other, clear)
    assert (taken.attempt, taken.ambiguities) == (2, 0)


def test_a_claim_of_a_dead_replica_is_taken_over_at_once(engine: Engine, replica: Replica) -> None:
    presence = Presence(engine)
    presence.arrive()
    one = Ledger(engine, presence=presence, replica="one", lease=timedelta(hours=1))
    other, clear = replica("other"), fresh()
    claimed(one, clear)
    assert standing(other, clear) is LetterState.CLAIMED
    presence.leave()
    assert claimed(other, clear).attempt == 2


def test_a_claim_made_without_a_sign_of_life_is_protected_by_its_lease(replica: Replica) -> None:
    one, other, clear = replica("one", alive=False), replica("other"), fresh()
    claimed(one, clear)
    assert standing(other, clear) is LetterState.CLAIMED


def test_an_attempt_abandoned_while_transmitting_is_ambiguous_and_noted(
    replica: Replica, engine: Engine
) -> None:
    one, other, clear = replica("one", lease=0.3), replica("other"), fresh()
    first = claimed(one, clear)
    assert one.begin_transmission(first)
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_sleep(0.35)"))
    second = claimed(other, clear)
    assert second.ambiguities == 1
    other.begin_transmission(second)
    other.settle(second, SENT)
    assert rows(engine, "SELECT state, ambiguous, ambiguities FROM letters") == [("accepted", True, 1)]
    assert rows(engine, "SELECT number, outcome, reason FROM attempts ORDER BY number") == [
        (1, "abandoned", "transmitting"),
        (2, "sent", None),
    ]


def test_who_lost_the_claim_may_neither_send_nor_settle(replica: Replica, engine: Engine) -> None:
    zombie, other, clear = replica("zombie", lease=-1), replica("other"), fresh()
    old = claimed(zombie, clear)
    new = claimed(other, clear)
    assert not zombie.begin_transmission(old)
    assert zombie.settle(old, SENT) is None
    assert other.begin_transmission(new)
    assert zombie.settle(old, LATER) is None
    assert rows(engine, "SELECT state, holder FROM letters") == [("transmitting", "other")]


def test_nobody_sends_after_the_lease_even_if_nobody_else_came(replica: Replica) -> None:
    late, clear = replica(lease=-1), fresh()
    assert not late.begin_transmission(claimed(late, clear))


def test_beginning_twice_is_beginning_once(replica: Replica) -> None:
    ledger, clear = replica(), fresh()
    claim = claimed(ledger, clear)
    assert ledger.begin_transmission(claim)
    assert ledger.begin_transmission(claim)


def test_an_expired_letter_is_not_claimed_new_or_known(replica: Replica) -> None:
    ledger = replica()
    assert standing(ledger, fresh(expires_in=timedelta(seconds=-1))) is LetterState.EXPIRED
    clear = fresh()
    ledger.settle(claimed(ledger, clear), LATER)
    late = clear.model_copy(update={"expires_at": datetime.now(UTC) - timedelta(seconds=1)})
    assert standing(ledger, late) is LetterState.EXPIRED


def test_the_databases_clock_decides_how_much_time_is_left(replica: Replica) -> None:
    claim = claimed(replica(), fresh(expires_in=timedelta(minutes=10)))
    assert timedelta(minutes=9) < claim.remaining <= timedelta(minutes=10)


def test_a_cancelled_letter_is_not_claimed_also_if_it_arrives_later(replica: Replica) -> None:
    ledger, clear = replica(), fresh()
    assert cancel(ledger, clear.id) is LetterState.CANCELLED
    assert standing(ledger, clear) is LetterState.CANCELLED
    assert cancel(ledger, clear.id) is LetterState.CANCELLED


def test_a_letter_cancelled_in_hand_is_neither_sent_nor_tried_again(replica: Replica) -> None:
    ledger, clear = replica(), fresh()
    claim = claimed(ledger, clear)
    assert cancel(ledger, clear.id) is LetterState.CLAIMED
    assert not ledger.begin_transmission(claim)
    settled = ledger.settle(claim, LATER)
    assert settled is not None
    assert settled.state is LetterState.CANCELLED


def test_a_letter_cancelled_too_late_is_accepted_all_the_same(replica: Replica) -> None:
    ledger, clear = replica(), fresh()
    claim = claimed(ledger, clear)
    ledger.begin_transmission(claim)
    assert cancel(ledger, clear.id) is LetterState.TRANSMITTING
    settled = ledger.settle(claim, SENT)
    assert settled is not None
    assert settled.state is LetterState.ACCEPTED


def test_a_cancelled_letter_whose_holder_died_stays_cancelled(replica: Replica) -> None:
    one, other, clear = replica("one", lease=-1), replica("other"), fresh()
    claimed(one, clear)
    cancel(other, clear.id)
    assert standing(other, clear) is LetterState.CANCELLED


def test_another_envelope_under_a_known_id_is_a_replay(replica: Replica) -> None:
    ledger, clear = replica(), fresh()
    ledger.settle(claimed(ledger, clear), LATER)
    with pytest.raises(Unauthentic, match="replayed_id"):
        ledger.claim(clear, digest=b"another envelope")


def test_a_database_that_is_away_is_said_to_be_away() -> None:
    engine = build_engine("postgresql://nobody:x@127.0.0.1:1/none", application="test", connections=1)
    ledger = Ledger(engine, presence=Presence(engine), replica="one", lease=timedelta(seconds=30))
    assert not ledger.answers()
    with pytest.raises(LedgerUnavailable):
        ledger.claim(fresh(), digest=DIGEST)


def test_the_migrations_make_the_tables_of_the_models(mailer_database: Database) -> None:
    engine = create_engine(database_url(mailer_database.migrator_url))
    try:
        with engine.connect() as connection:
            context = MigrationContext.configure(
                connection, opts={"compare_type": True, "compare_server_default": True}
            )
            assert compare_metadata(context, Base.metadata) == []
            made = connection.execute(
                text(
                    "SELECT conname FROM pg_constraint WHERE conrelid::regclass::text IN ('letters', 'attempts')"
                )
            )
            names = set(made.scalars())
    finally:
        engine.dispose()
    assert {
        str(constraint.name) for table in Base.metadata.tables.values() for constraint in table.constraints
    } <= names


def test_migrating_again_changes_nothing(mailer_database: Database) -> None:
    upgrade(mailer_database.migrator_url)
    upgrade(mailer_database.migrator_url)


def test_every_letter_is_its_own(replica: Replica) -> None:
    ledger = replica()
    assert {claimed(ledger, fresh().model_copy(update={"id": uuid4()})).attempt for _ in range(3)} == {1}
