"""The relay's times: thirds of the lease, pauses that grow and end."""

from auth_service.backoff import Backoff
from auth_service.relay.batch import Deadlines
from auth_service.relay.wakeup import StopRequest


def test_a_claim_is_published_answered_and_settled_in_thirds_of_its_lease() -> None:
    deadlines = Deadlines.from_claim(100.0, 30.0)
    assert (deadlines.publish, deadlines.answers, deadlines.lease) == (110.0, 120.0, 130.0)


def test_pauses_double_up_to_the_longest_and_start_anew_after_a_success() -> None:
    backoff = Backoff(first=1, longest=4)
    for full in (1, 2, 4, 4):
        assert full / 2 <= backoff.next() <= full
    backoff.reset()
    assert backoff.next() <= 1


def test_a_request_to_stop_ends_the_waiting_and_may_be_made_twice() -> None:
    stop = StopRequest()
    assert not stop.made
    stop.make()
    stop.make()
    stop.wait(60)
    assert stop.made
