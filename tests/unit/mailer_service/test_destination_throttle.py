"""Who gets a thread: one slow or refusing domain never has them all."""

import time
from concurrent.futures import ThreadPoolExecutor

from mailer_service.db.tables import Scope
from mailer_service.providers.destination_throttle import DestinationThrottle, ThreadShare, Throttled
from mailer_service.suppression.recipient_hashes import RecipientHashes

THREADS = 8


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def hashes(domain: str, mailbox: str = "an") -> RecipientHashes:
    return RecipientHashes(recipient=f"{mailbox}@{domain}".encode(), domain=domain.encode())


def throttle(clock: Clock, *, threads: int = THREADS) -> DestinationThrottle:
    return DestinationThrottle(threads=threads, clock=clock)


def enter(place: DestinationThrottle, domain: str, mailbox: str = "an") -> ThreadShare | None:
    share_held = place.enter(hashes(domain, mailbox), until=0.0)
    if isinstance(share_held, Throttled):
        return None
    place.begin(share_held)
    return share_held


def fill(place: DestinationThrottle, domain: str, *, connections: int | None = None) -> list[ThreadShare]:
    stays = []
    while not isinstance(
        share_held := place.enter(hashes(domain), until=0.0, connections=connections), Throttled
    ):
        place.begin(share_held)
        stays.append(share_held)
    return stays


def visit(place: DestinationThrottle, domain: str, seconds: float | None) -> None:
    share_held = enter(place, domain)
    assert share_held is not None
    place.leave(share_held, seconds=seconds)


def test_a_domain_nobody_knows_has_half_of_the_threads_and_a_quick_one_three_quarters() -> None:
    place = throttle(Clock())
    for share_held in fill(place, "quick"):
        place.leave(share_held, seconds=0.1)
    assert len(fill(place, "new")) == 4
    assert len(fill(place, "quick")) == 6


def test_a_domain_that_begins_to_hang_leaves_a_quarter_of_the_threads_to_others_however_it_began() -> None:
    for seconds in (0.1, 5.0, None):
        clock = Clock()
        place = throttle(clock, threads=56)
        visit(place, "hanging", seconds)
        hanging = fill(place, "hanging")
        clock.now += 1.5
        assert enter(place, "hanging") is None
        assert 56 - len(hanging) >= 14
        # Half an hour later it still hangs, and was quick with nobody.
        clock.now += 1800.0
        assert enter(place, "hanging") is None
        assert enter(place, "another") is not None


def test_of_what_hanging_domains_left_the_next_to_hang_has_half_at_most() -> None:
    clock = Clock()
    place = throttle(clock, threads=56)
    names = [f"quick{n}" for n in range(6)]
    for name in names:
        visit(place, name, 0.1)
    taken = []
    for name in names:
        taken.append(len(fill(place, name)))
        clock.now += 1.5
    assert taken == [42, 7, 3, 2, 1, 1]
    assert sum(taken) <= 56


def test_a_quick_domain_is_served_while_another_hangs() -> None:
    clock = Clock()
    place = throttle(clock, threads=56)
    visit(place, "hanging", 0.1)
    visit(place, "quick", 0.1)
    fill(place, "hanging")
    clock.now += 1.5
    for _ in range(300):
        clock.now += 1.0
        stays = fill(place, "quick")
        assert len(stays) == 7
        for share_held in stays:
            place.leave(share_held, seconds=0.2)


def test_two_slow_domains_and_nobody_else_leave_a_quarter() -> None:
    place = throttle(Clock(), threads=56)
    visit(place, "slow", 5.0)
    visit(place, "slower", 9.0)
    assert [len(fill(place, "slow")), len(fill(place, "slower"))] == [28, 14]


def test_where_there_are_fewer_connections_than_threads_those_are_shared_out() -> None:
    clock = Clock()
    place = throttle(clock, threads=56)
    visit(place, "quick", 0.1)
    assert len(fill(place, "quick", connections=20)) == 15
    clock.now += 1.5
    assert len(fill(place, "new", connections=20)) == 2


def test_a_slow_domain_has_a_quarter_once_others_are_seen_to_be_quick() -> None:
    clock = Clock()
    place = throttle(clock)
    visit(place, "slow", 5.0)
    assert len(fill(place, "slow")) == 4
    visit(place, "quick", 0.1)
    place = throttle(clock)
    visit(place, "quick", 0.1)
    visit(place, "slow", 5.0)
    assert len(fill(place, "slow")) == 2


def test_all_slow_domains_together_have_half() -> None:
    place = throttle(Clock())
    visit(place, "quick", 0.1)
    for n in range(6):
        visit(place, f"slow{n}", 5.0)
    assert sum(len(fill(place, f"slow{n}")) for n in range(6)) == 4


def test_a_letter_in_hand_for_long_makes_its_domain_slow_before_it_is_done() -> None:
    clock = Clock()
    place = throttle(clock)
    stays = fill(place, "slow")
    clock.now += 1.5
    visit(place, "quick", 0.1)
    place.leave(stays[0])
    assert enter(place, "slow") is None


def test_a_domain_that_is_quick_again_gets_its_share_back() -> None:
    place = throttle(Clock())
    visit(place, "quick", 0.1)
    visit(place, "slow", 5.0)
    visit(place, "slow", 0.1)
    assert len(fill(place, "slow")) == 6


def test_the_longer_the_line_the_longer_the_wait() -> None:
    place = throttle(Clock())
    visit(place, "quick", 0.1)
    for _ in range(4):
        visit(place, "slow", 5.0)
    fill(place, "slow")
    waits = [place.enter(hashes("slow"), until=0.0) for _ in range(200)]
    assert all(isinstance(wait, Throttled) and not wait.refusing for wait in waits)
    seconds = [wait.after for wait in waits if isinstance(wait, Throttled)]
    assert seconds[0] == 10.0
    assert seconds == sorted(seconds)
    assert seconds[-1] == 300.0


def test_a_domain_that_turns_letters_away_is_left_alone_for_longer_each_time() -> None:
    clock = Clock()
    place = throttle(clock)
    waits = []
    for _ in range(3):
        share_held = enter(place, "refusing")
        assert share_held is not None
        place.leave(share_held, seconds=0.1, refused=Scope.DOMAIN)
        throttled = place.enter(hashes("refusing", "binh"), until=0.0)
        assert isinstance(throttled, Throttled)
        assert throttled.refusing
        waits.append(throttled.after)
        clock.now += throttled.after
    assert waits == [10.0, 20.0, 40.0]


def test_after_a_refusal_one_letter_tries_and_the_rest_waits_for_its_answer() -> None:
    clock = Clock()
    place = throttle(clock)
    share_held = enter(place, "refusing")
    assert share_held is not None
    place.leave(share_held, seconds=0.1, refused=Scope.DOMAIN)
    clock.now += 10.0
    trial = enter(place, "refusing")
    assert trial is not None
    assert enter(place, "refusing") is None
    place.leave(trial, seconds=0.1)
    assert enter(place, "refusing") is not None


def test_a_mailbox_that_turns_letters_away_keeps_its_neighbours_out_of_it() -> None:
    place = throttle(Clock())
    share_held = enter(place, "example", "full")
    assert share_held is not None
    place.leave(share_held, seconds=0.1, refused=Scope.RECIPIENT)
    assert enter(place, "example", "full") is None
    assert enter(place, "example", "an") is not None


def test_a_letter_that_said_nothing_of_its_domain_changes_nothing() -> None:
    place = throttle(Clock())
    share_held = enter(place, "new")
    assert share_held is not None
    place.leave(share_held)
    assert len(fill(place, "new")) == 4


def test_with_a_single_thread_letters_still_go() -> None:
    place = throttle(Clock(), threads=1)
    visit(place, "slow", 5.0)
    visit(place, "quick", 0.1)
    visit(place, "slow", 5.0)


def test_letters_of_a_new_domain_wait_for_each_other_rather_than_on_the_broker() -> None:
    place = DestinationThrottle(threads=2)

    def send(n: int) -> bool:
        share_held = place.enter(hashes("new", f"an{n}"), until=time.monotonic() + 10)
        if isinstance(share_held, Throttled):
            return False
        place.begin(share_held)
        place.leave(share_held, seconds=0.01)
        return True

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(send, range(100)))


def test_thousands_of_domains_are_not_remembered_for_ever() -> None:
    place = throttle(Clock())
    for n in range(10_000):
        visit(place, f"domain{n}", 0.1)
    assert len(place._places) <= 4096
