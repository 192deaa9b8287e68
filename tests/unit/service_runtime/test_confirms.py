"""What became of each message of a channel: only an ack without a return confirms."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service_runtime.publishing.confirms import RENEWAL_SECONDS, Answer, PublisherConfirms, PublishOutcome

CONFIRMED = PublishOutcome(Answer.CONFIRMED)
UNKNOWN = PublishOutcome(Answer.UNKNOWN, "unanswered")
NACKED = PublishOutcome(Answer.REFUSED, "nacked")
RETURNED = PublishOutcome(Answer.RETURNED, "returned 312")


def published(count: int) -> PublisherConfirms:
    confirms = PublisherConfirms()
    assert [confirms.add() for _ in range(count)] == list(range(1, count + 1))
    return confirms


def give_back(confirms: PublisherConfirms, number: int) -> None:
    message = SimpleNamespace(properties={"message_id": str(number)})
    error = Exception()
    error.reply_code = 312  # type: ignore[attr-defined] # as the library sets it
    confirms.on_return(error, "mail", "mail.urgent", message)


def test_an_ack_confirms_its_message_and_no_other() -> None:
    confirms = published(3)
    confirms.on_ack(2, multiple=False)
    assert confirms.take() == [UNKNOWN, CONFIRMED, UNKNOWN]


def test_a_multiple_ack_confirms_all_up_to_its_number() -> None:
    confirms = published(4)
    confirms.on_ack(3, multiple=True)
    assert confirms.take() == [CONFIRMED, CONFIRMED, CONFIRMED, UNKNOWN]


def test_a_returned_message_is_not_confirmed_though_it_is_acked() -> None:
    confirms = published(3)
    give_back(confirms, 2)
    confirms.on_ack(3, multiple=True)
    assert confirms.take() == [CONFIRMED, RETURNED, CONFIRMED]


def test_a_returned_message_whose_ack_never_came_is_unknown() -> None:
    confirms = published(1)
    give_back(confirms, 1)
    assert confirms.take() == [UNKNOWN]


def test_a_nack_refuses() -> None:
    confirms = published(2)
    confirms.on_nack(2, multiple=True)
    assert confirms.take() == [NACKED, NACKED]


def test_what_is_unknown_is_told_with_what_ended_the_channel() -> None:
    confirms = published(2)
    confirms.on_ack(1, multiple=False)
    assert confirms.take(unknown_because="timeout") == [CONFIRMED, PublishOutcome(Answer.UNKNOWN, "timeout")]


def test_numbers_go_on_after_the_outcomes_were_taken() -> None:
    confirms = published(2)
    confirms.on_ack(2, multiple=True)
    confirms.take()
    assert confirms.add() == 3
    confirms.on_ack(3, multiple=False)
    assert confirms.take() == [CONFIRMED]


def test_an_answer_nobody_waits_for_changes_nothing() -> None:
    confirms = published(1)
    confirms.on_ack(7, multiple=False)
    assert not confirms.answered
    assert confirms.take() == [UNKNOWN]


@given(st.data())
def test_every_message_has_exactly_one_outcome_whatever_the_broker_answers(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 12))
    confirms = published(count)
    returned = data.draw(st.sets(st.integers(1, count)))
    for number in returned:
        give_back(confirms, number)
    for tag, multiple, good in data.draw(
        st.lists(st.tuples(st.integers(0, count + 1), st.booleans(), st.booleans()))
    ):
        (confirms.on_ack if good else confirms.on_nack)(tag, multiple)

    outcomes = confirms.take()

    assert len(outcomes) == count
    assert not any(outcomes[number - 1].confirmed for number in returned)
    assert confirms.answered


@pytest.mark.parametrize(
    ("nacked", "age", "stale"),
    [
        pytest.param(True, RENEWAL_SECONDS, True, id="old and nacked"),
        pytest.param(True, RENEWAL_SECONDS - 1, False, id="young"),
        pytest.param(False, 1000 * RENEWAL_SECONDS, False, id="only acks"),
    ],
)
def test_a_channel_is_given_up_once_it_has_had_a_nack_and_an_age(
    *, nacked: bool, age: float, stale: bool
) -> None:
    now = 100.0
    confirms = PublisherConfirms(clock=lambda: now)
    confirms.add()
    (confirms.on_nack if nacked else confirms.on_ack)(1, multiple=False)
    confirms.take()
    now += age
    assert confirms.stale is stale
