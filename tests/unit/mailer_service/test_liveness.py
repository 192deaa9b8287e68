"""Stuck or not, by a clock that the test turns."""

from threading import Event, Thread

from mailer_service.worker.liveness import Liveness, ThreadWatchdog
from service_runtime.celery.heartbeat import Heartbeat
from support.clock import Clock

LEASE = 30.0


class Replica:
    """The parts that are judged."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.watchdog = ThreadWatchdog(clock=self.clock)
        self.heartbeat = Heartbeat(consuming=lambda _: None, clock=self.clock)
        self.stopping = Event()
        self.watch_has_ended = False
        self._liveness = Liveness(
            watchdog=self.watchdog,
            heartbeat=self.heartbeat,
            companions={"watch": lambda: self.watch_has_ended},
            stopping=self.stopping,
            lease_seconds=LEASE,
        )

    def turns_for(self, seconds: float) -> None:
        self.clock.forward(seconds)
        self.heartbeat.beat()

    @property
    def complaint(self) -> str | None:
        return self._liveness.complaint()


def test_a_replica_with_nothing_in_hand_is_alive_for_ever() -> None:
    replica = Replica()
    replica.turns_for(86_400)
    assert replica.complaint is None


def test_a_thread_busy_with_one_message_beyond_the_lease_is_noticed_and_its_place_is_known() -> None:
    replica = Replica()
    frozen, begun = Event(), Event()

    def call_a_frozen_database() -> None:
        with replica.watchdog.holding():
            begun.set()
            frozen.wait(10)

    thread = Thread(target=call_a_frozen_database)
    thread.start()
    assert begun.wait(5)
    replica.turns_for(LEASE)
    assert replica.complaint is None
    replica.turns_for(1)
    assert "a thread has been busy" in (replica.complaint or "")
    silent = replica.watchdog.silent(longer_than=LEASE)
    assert silent is not None
    assert "call_a_frozen_database" in silent.where
    frozen.set()
    thread.join()
    assert replica.complaint is None


def test_a_thread_that_waits_on_purpose_is_alive() -> None:
    replica = Replica()
    with replica.watchdog.holding():
        for _ in range(300):
            replica.turns_for(1)
            replica.watchdog.sign()
        assert replica.complaint is None


def test_a_consumer_that_no_longer_turns_is_noticed() -> None:
    replica = Replica()
    replica.heartbeat.begins(lambda: 0)
    replica.clock.forward(60)
    assert replica.complaint is None
    replica.clock.forward(1)
    assert "the consumer has not turned" in (replica.complaint or "")


def test_a_consumer_that_tries_in_vain_to_reach_its_broker_is_alive() -> None:
    replica = Replica()
    tries = 0
    replica.heartbeat.begins(lambda: tries)
    replica.heartbeat.consumes(None)
    for _ in range(20):
        replica.clock.forward(15)
        tries += 1
        assert replica.complaint is None


def test_a_consumer_that_hangs_while_it_tries_to_reach_its_broker_is_noticed() -> None:
    replica = Replica()
    replica.heartbeat.begins(lambda: 3)
    replica.heartbeat.consumes(None)
    assert replica.complaint is None
    replica.clock.forward(61)
    assert "the consumer has not turned" in (replica.complaint or "")


def test_a_replica_without_a_thread_it_cannot_do_without_is_noticed() -> None:
    replica = Replica()
    replica.watch_has_ended = True
    assert replica.complaint == "the thread of the watch has ended"


def test_a_replica_that_is_being_stopped_has_an_end_of_its_own() -> None:
    replica = Replica()
    with replica.watchdog.holding():
        replica.clock.forward(100)
        replica.stopping.set()
        assert replica.complaint is None
