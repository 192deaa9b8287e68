"""Letters a second for all replicas, on a clock of the test's own."""

from itertools import pairwise

from mail_contract.letters import LetterClass
from mailer_service.providers.rate_limiter import Block, RateLimiter

RATE = 50.0


class Row:
    """The shared row, its clock and the replicas' own."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.next_at = 0.0
        self.asked = 0

    def reserve(self, count: int, *, lead: float) -> Block | None:
        self.asked += 1
        if self.next_at > self.now + lead:
            return None
        start = max(self.next_at, self.now)
        self.next_at = start + count / RATE
        return Block(wait=start - self.now, interval=1 / RATE)

    def wait(self, seconds: float) -> bool:
        self.now += seconds
        return True

    def rate_limiter(self) -> RateLimiter:
        return RateLimiter(RATE, self.reserve, clock=lambda: self.now, pause=self.wait)


def test_letters_go_at_the_rate_and_not_in_bursts() -> None:
    row = Row()
    rate_limiter, moments = row.rate_limiter(), []
    for _ in range(100):
        assert rate_limiter.keep(LetterClass.BULK, until=row.now + 10)
        moments.append(row.now)
    gaps = [later - earlier for earlier, later in pairwise(moments)]
    assert min(gaps) > 0.99 / RATE
    assert abs((moments[-1] - moments[0]) - 99 / RATE) < 0.1


def test_many_letters_cost_far_less_than_a_question_each() -> None:
    row = Row()
    rate_limiter = row.rate_limiter()
    for _ in range(200):
        rate_limiter.keep(LetterClass.URGENT, until=row.now + 10)
    assert row.asked <= 200 / 5


def test_two_replicas_keep_the_rate_together() -> None:
    row = Row()
    replicas = [row.rate_limiter(), row.rate_limiter()]
    began = row.now
    for n in range(100):
        assert replicas[n % 2].keep(LetterClass.URGENT, until=row.now + 10)
    assert row.now - began >= 99 / RATE * 0.9


def test_a_quiet_hour_saves_nothing_up() -> None:
    row = Row()
    rate_limiter = row.rate_limiter()
    for _ in range(20):
        rate_limiter.keep(LetterClass.URGENT, until=row.now + 10)
    row.wait(3600)
    began = row.now
    for _ in range(50):
        rate_limiter.keep(LetterClass.URGENT, until=row.now + 10)
    assert row.now - began >= 49 / RATE * 0.9


def test_without_a_moment_in_time_nothing_is_waited_for() -> None:
    row = Row()
    row.next_at = row.now + 60
    assert not row.rate_limiter().keep(LetterClass.URGENT, until=row.now)
    assert row.now == 1000.0


def test_bulk_reserves_only_a_little_ahead_so_an_urgent_letter_goes_soon() -> None:
    row = Row()
    row.next_at = row.now + 0.4
    bulk, urgent = row.rate_limiter(), row.rate_limiter()
    assert not bulk.keep(LetterClass.BULK, until=row.now + 0.04)
    assert urgent.keep(LetterClass.URGENT, until=row.now + 1)
    assert row.now <= 1000.5
