"""What replicas know together of a provider, in a real database: given up by one, tried by one, budgets kept by all."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from mail_contract.letters import LetterClass
from mailer_service.db.session_lock import SessionLock
from mailer_service.providers.circuit import OpenCircuit, ProbeBackoff
from mailer_service.providers.connection_quota import ConnectionQuota
from mailer_service.providers.provider_store import ProviderStatus, ProviderStore
from mailer_service.providers.rate_limiter import RateLimiter
from mailer_service.smtp.server import SmtpServer
from service_runtime.database.engine import build_engine
from support.database import Database
from support.eventually import eventually

REFUSED = OpenCircuit(reason="5.7.8", account=True)
AWAY = OpenCircuit(reason="connection_refused")
Join = Callable[[], SessionLock]


def server(*, connections: int = 8, rate: float | None = None) -> SmtpServer:
    return SmtpServer.from_url(f"smtp://mail.example?connections={connections}&rate={rate or 1000}")


SERVER = server()
NAME = SERVER.name


@pytest.fixture
def register(mailer_database: Database) -> Iterator[ProviderStore]:
    engine = build_engine(mailer_database.url, application="test", connections=8, autocommit=True)
    entries = ProviderStore(engine, probe_backoff=ProbeBackoff(first_seconds=0.2, limit_seconds=1.0))
    entries.enrol([NAME])
    yield entries
    engine.dispose()


@pytest.fixture
def join(mailer_database: Database) -> Iterator[Join]:
    """Sessions of replicas; all end with the test."""
    made = []

    def make() -> SessionLock:
        engine = build_engine(mailer_database.url, application="replica", connections=1, autocommit=True)
        session_lock = SessionLock(engine)
        session_lock.arrive()
        made.append((session_lock, engine))
        return session_lock

    yield make
    for session_lock, engine in made:
        session_lock.leave()
        engine.dispose()


def status(register: ProviderStore) -> ProviderStatus:
    (known,) = register.look([NAME])
    return known


def soon(seconds: float = 0.0) -> float:
    return time.monotonic() + seconds


def fill(quota: ConnectionQuota) -> int:
    taken = 0
    while quota.take(until=soon()):
        taken += 1
    return taken


def test_one_replica_gives_a_provider_up_for_all(register: ProviderStore) -> None:
    assert status(register).open_circuit is None
    assert register.open(NAME, REFUSED)
    assert not register.open(NAME, AWAY)
    assert status(register).open_circuit == REFUSED
    assert status(register).openings == 1


def test_of_many_replicas_one_tries_and_only_when_it_is_time(register: ProviderStore) -> None:
    register.open(NAME, AWAY)
    assert register.begin_probe(NAME, patience=5) is None
    eventually(lambda: status(register).due)
    with ThreadPoolExecutor(8) as replicas:
        tries = list(replicas.map(lambda _: register.begin_probe(NAME, patience=5), range(8)))
    assert [openings for openings in tries if openings is not None] == [1]
    assert not status(register).due


def test_a_try_in_vain_makes_the_next_one_later(register: ProviderStore) -> None:
    register.open(NAME, AWAY)
    eventually(lambda: register.begin_probe(NAME, patience=5) == 1)
    register.fail_probe(NAME, REFUSED, openings=1)
    assert status(register).open_circuit == REFUSED
    began = time.monotonic()
    eventually(lambda: register.begin_probe(NAME, patience=5) == 2)
    assert time.monotonic() - began > 0.3


def test_a_replica_that_dies_while_it_tries_is_followed_by_another(register: ProviderStore) -> None:
    register.open(NAME, AWAY)
    eventually(lambda: register.begin_probe(NAME, patience=0.3) == 1)
    eventually(lambda: register.begin_probe(NAME, patience=0.3) == 1)


def test_a_late_success_does_not_undo_what_was_found_since(register: ProviderStore) -> None:
    register.open(NAME, AWAY)
    register.fail_probe(NAME, REFUSED, openings=1)
    assert not register.close(SERVER, openings=1)
    assert status(register).open_circuit == REFUSED
    assert register.close(SERVER, openings=2)
    assert status(register).open_circuit is None


def test_how_often_it_was_given_up_is_forgiven_with_a_letter_not_with_a_login(
    register: ProviderStore,
) -> None:
    register.open(NAME, REFUSED)
    register.close(SERVER, openings=1)
    assert status(register).openings == 1
    register.open(NAME, REFUSED)
    assert status(register).openings == 2
    register.reset(NAME)
    assert status(register).openings == 2
    register.close(SERVER, openings=2)
    register.reset(NAME)
    assert status(register).openings == 0


def test_every_replica_knows_what_was_our_set_up_until_a_letter_was_taken(
    register: ProviderStore,
) -> None:
    register.open(NAME, AWAY)
    assert not status(register).set_up
    register.close(server(), openings=1)
    register.open(NAME, OpenCircuit(reason="5.7.1", account=True, set_up=True))
    register.fail_probe(NAME, AWAY, openings=2)
    register.close(server(), openings=3)
    assert status(register).set_up
    register.reset(NAME)
    assert not status(register).set_up


def test_all_replicas_together_never_have_more_connections_than_allowed(join: Join) -> None:
    replicas = [ConnectionQuota(server(connections=7), join()) for _ in range(3)]
    barrier = Barrier(3)

    def rush(quota: ConnectionQuota) -> int:
        barrier.wait()
        return fill(quota)

    with ThreadPoolExecutor(3) as threads:
        assert sum(threads.map(rush, replicas)) == 7


def test_a_slot_stays_with_its_replica_for_the_next_letter(join: Join) -> None:
    quota, other = (
        ConnectionQuota(server(connections=1), join()),
        ConnectionQuota(server(connections=1), join()),
    )
    for _ in range(3):
        assert quota.take(until=soon())
        quota.give_back()
    assert len(quota) == 1
    assert not other.take(until=soon())
    assert other.starving
    quota.return_spare(idle=lambda: 1)
    assert len(quota) == 1
    quota.return_spare(idle=lambda: 0)
    assert other.take(until=soon(5))


def test_slots_of_a_replica_that_died_are_free_at_once(join: Join) -> None:
    dying = join()
    assert fill(ConnectionQuota(server(connections=3), dying)) == 3
    dying.leave()
    heir = ConnectionQuota(server(connections=3), join())
    eventually(lambda: heir.take(until=soon()))
    assert fill(heir) == 2


def test_slots_lost_with_their_session_are_not_counted_as_held(join: Join) -> None:
    session_lock = join()
    quota = ConnectionQuota(server(connections=2), session_lock)
    assert fill(quota) == 2
    epoch = session_lock.epoch
    with session_lock.session() as session:
        session.invalidate()
    eventually(lambda: session_lock.epoch > epoch)
    other = ConnectionQuota(server(connections=2), join())
    assert fill(other) == 2
    quota.give_back()
    assert not quota.take(until=soon())


def test_a_letter_waits_for_a_slot_and_not_longer_than_it_should(join: Join) -> None:
    quota = ConnectionQuota(server(connections=1), join())
    assert quota.take(until=soon())
    began = time.monotonic()
    assert not quota.take(until=soon(0.5))
    assert 0.4 < time.monotonic() - began < 2.0


def test_while_others_want_connections_each_replica_keeps_to_its_share(join: Join) -> None:
    greedy, modest = (ConnectionQuota(server(connections=4), join()) for _ in range(2))
    assert fill(greedy) == 4
    assert not modest.take(until=soon())
    greedy.limit(width=1.0, wanted=True)
    assert greedy.share == 2
    for _ in range(4):
        greedy.give_back()
    assert greedy.for_idle() == 2
    greedy.return_spare(idle=greedy.for_idle)
    assert modest.take(until=soon(5))
    assert fill(modest) == 1
    assert fill(greedy) == 2


def test_a_replica_with_fewer_than_its_share_wants_more_only_while_letters_ask(join: Join) -> None:
    greedy, modest = (ConnectionQuota(server(connections=4), join()) for _ in range(2))
    assert fill(modest) == 4
    modest.limit(width=1.0, wanted=False)
    for _ in range(3):
        modest.give_back()
    modest.return_spare(idle=lambda: 0)
    assert fill(greedy) == 3
    greedy.limit(width=1.0, wanted=False)
    modest.limit(width=1.0, wanted=False)
    assert not modest.take(until=soon())
    assert modest.short
    assert not greedy.short
    eventually(lambda: not modest.short)


def test_a_replica_knows_its_share_before_any_other_wants_one(join: Join) -> None:
    first, second = (
        ConnectionQuota(server(connections=5), join()),
        ConnectionQuota(server(connections=5), join()),
    )
    first.limit(width=1.0, wanted=False)
    assert first.share == 5
    second.limit(width=1.0, wanted=False)
    first.limit(width=1.0, wanted=False)
    assert first.share == second.share == 3
    assert fill(first) == 5


def test_a_server_that_asks_for_less_gets_half_of_what_was_open_and_more_again_with_time(
    register: ProviderStore, join: Join
) -> None:
    servant = server(connections=50)
    quota = ConnectionQuota(servant, join())
    for _ in range(8):
        assert quota.take(until=soon())
    assert register.slow_down(servant)
    assert not register.slow_down(servant)
    width = status(register).width
    assert width == pytest.approx(4 / 50, rel=0.05)
    assert status(register).speed == pytest.approx(0.5, rel=0.05)
    quota.limit(width=width, wanted=False)
    for _ in range(8):
        quota.give_back()
    assert fill(quota) == 4
    quota.return_spare(idle=lambda: 0)
    assert len(quota) == 4


def test_replicas_keep_one_rate_together(register: ProviderStore) -> None:
    rate, seconds = 60.0, 3.0
    began = time.monotonic()

    def replica(_: int) -> int:
        rate_limiter = RateLimiter(
            rate, lambda count, *, lead: register.reserve(NAME, count, rate=rate, lead=lead)
        )
        sent = 0
        while rate_limiter.keep(LetterClass.BULK, until=began + seconds):
            sent += 1
        return sent

    with ThreadPoolExecutor(3) as replicas:
        sent = sum(replicas.map(replica, range(3)))
    assert sent == pytest.approx(rate * seconds, rel=0.1)
