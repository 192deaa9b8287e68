from itertools import product

from auth_service.domain.delivery import OPEN_STATES, TRANSITIONS, DeliveryState, may_follow, predecessors
from mail_contract.messages import ReportedState


def test_every_state_says_what_may_follow() -> None:
    assert TRANSITIONS.keys() == set(DeliveryState)


def test_every_reported_state_is_a_state_and_wins_over_the_relays_note() -> None:
    for reported in ReportedState:
        state = DeliveryState(reported.value)
        assert may_follow(state, DeliveryState.ACCEPTED)
        assert not may_follow(DeliveryState.QUEUED, state)


def test_nothing_follows_a_letter_that_was_sent() -> None:
    assert not any(may_follow(state, DeliveryState.SENT) for state in DeliveryState)


def test_a_letter_that_failed_may_be_brought_back_to_life() -> None:
    assert may_follow(DeliveryState.SENT, DeliveryState.FAILED)
    assert may_follow(DeliveryState.DEFERRED, DeliveryState.FAILED)


def test_predecessors_are_the_table_read_backwards() -> None:
    for new, current in product(DeliveryState, DeliveryState):
        assert (current in predecessors(new)) == may_follow(new, current)


def test_whatever_is_open_can_still_be_superseded() -> None:
    assert predecessors(DeliveryState.SUPERSEDED) >= OPEN_STATES
