"""What a receipt tells, by what is known of its letters."""

from datetime import UTC, datetime, timedelta

import pytest

from auth_service.domain.delivery import DeliveryState
from auth_service.domain.receipt import LetterProgress, ReceiptState, Step, progress_of

START = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def known(
    *states: str,
    tells: bool = True,
    age: timedelta = timedelta(),
    renewal_due: bool = False,
    confirmed_at: datetime | None = None,
) -> LetterProgress:
    """A request whose letters took these steps, a second apart; looked at `age` after the last."""
    steps = [
        Step(at=START + timedelta(seconds=n), state=ReceiptState(state)) for n, state in enumerate(states)
    ]
    return LetterProgress(
        tells=tells,
        steps=steps,
        expires_at=START + DAY,
        renewal_due=renewal_due,
        confirmed_at=confirmed_at,
        now=steps[-1].at + age,
    )


def test_every_state_of_a_letter_is_one_of_a_receipt() -> None:
    assert {state.value for state in ReceiptState} == {*(state.value for state in DeliveryState), "confirmed"}


@pytest.mark.parametrize("state", ["failed", "expired", "superseded", "suppressed", "limited"])
def test_an_end_is_final_and_not_to_be_asked_about_again(state: str) -> None:
    told = progress_of(known("accepted", state))
    assert (told.state, told.final, told.poll_after) == (state, True, None)


@pytest.mark.parametrize("state", ["sent", "unconfirmed"])
def test_a_letter_somebody_may_read_is_final_only_when_its_link_is_too_old(state: str) -> None:
    assert progress_of(known("accepted", state)).final is False
    assert progress_of(known("accepted", state, age=DAY)).final is True


@pytest.mark.parametrize("state", ["accepted", "queued", "deferred"])
def test_a_letter_on_its_way_is_never_final(state: str) -> None:
    assert progress_of(known(state, age=3 * DAY)).final is False


def test_an_expired_letter_that_is_to_be_renewed_is_not_final() -> None:
    assert progress_of(known("accepted", "expired", renewal_due=True)).final is False


@pytest.mark.parametrize(("age", "pause"), [(0, 1), (5, 1), (60, 12), (3600, 60)])
def test_who_has_waited_long_is_told_to_ask_less_often(age: int, pause: int) -> None:
    told = progress_of(known("queued", age=timedelta(seconds=age)))
    assert told.poll_after == timedelta(seconds=pause)


def test_a_confirmed_registration_says_so_whatever_its_letters_did_afterwards() -> None:
    told = progress_of(known("accepted", "queued", "superseded", confirmed_at=START + timedelta(seconds=1.5)))
    assert (told.state, told.final) == ("confirmed", True)
    assert [step.state for step in told.timeline] == ["accepted", "queued", "confirmed", "superseded"]


@pytest.mark.parametrize("confirmed_at", [None, START])
@pytest.mark.parametrize("state", ["accepted", "sent", "failed", "limited"])
def test_a_receipt_that_is_not_to_tell_says_accepted_and_nothing_more(
    state: str, confirmed_at: datetime | None
) -> None:
    told = progress_of(known(state, "deferred", tells=False, confirmed_at=confirmed_at))
    assert (told.state, told.final, told.poll_after) == ("accepted", True, None)
    assert told.timeline == [Step(at=START, state=ReceiptState.ACCEPTED)]
