"""How a letter is kept in hand while its server takes its time."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from mailer_service.delivery.claim import Claim
from mailer_service.delivery.lease import LeaseKeeper
from mailer_service.delivery.waiter import StopSignal
from mailer_service.errors import LedgerUnavailable

CLAIM = Claim(
    letter_id=UUID(int=1),
    fence=1,
    attempt=1,
    ambiguities=0,
    first_seen=datetime.now(UTC),
    claimed_at=datetime.now(UTC),
    remaining=timedelta(hours=1),
)


class LeaseBench:
    """A clock, a ledger that counts, and a stop."""

    def __init__(self) -> None:
        self.now = 100.0
        self.extended: list[float] = []
        self.signs = 0
        self.away = False
        self.stop = StopSignal(clock=lambda: self.now)
        self.keeper = LeaseKeeper(
            self,
            lease_seconds=30,
            stop=self.stop,
            stop_seconds=18,
            sign=self.sign,
            clock=lambda: self.now,
        )

    def extend(self, claim: Claim) -> bool:
        assert claim is CLAIM
        if self.away:
            raise LedgerUnavailable("away")
        self.extended.append(self.now)
        return True

    def sign(self) -> None:
        self.signs += 1


def test_a_lease_is_renewed_at_once_and_three_times_in_each() -> None:
    around = LeaseBench()
    keep = around.keeper.keep(CLAIM).go_on
    for _ in range(31):
        assert keep()
        around.now += 1
    assert around.extended == [100, 110, 120, 130]
    assert around.signs == 31


def test_a_ledger_that_is_away_ends_no_waiting() -> None:
    around = LeaseBench()
    around.away = True
    keep = around.keeper.keep(CLAIM).go_on
    assert keep()
    around.away = False
    around.now += 10
    assert keep()
    assert around.extended == [110]


def test_a_replica_that_is_stopped_waits_for_a_part_of_its_time() -> None:
    around = LeaseBench()
    keep = around.keeper.keep(CLAIM).go_on
    assert keep()
    around.stop.set()
    assert keep()
    around.now += 17
    assert keep()
    around.now += 1
    assert not keep()


def test_the_time_a_stopped_replica_has_counts_from_the_stop_not_from_the_letters_own_dot() -> None:
    around = LeaseBench()
    around.stop.set()
    around.now += 13
    late = around.keeper.keep(CLAIM).go_on
    assert late()
    around.now += 5
    assert not late()
