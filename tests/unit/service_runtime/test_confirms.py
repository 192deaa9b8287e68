"""The window of unanswered messages: only an ack without a return confirms."""

from types import SimpleNamespace
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service_runtime.publishing.confirms import RENEWAL_SECONDS, PublisherConfirms


def published(count: int) -> tuple[PublisherConfirms, list[UUID]]:
    window, ids = PublisherConfirms(), [uuid4() for _ in range(count)]
    for id_ in ids:
        window.add(id_)
    return window, ids


def give_back(window: PublisherConfirms, id_: UUID) -> None:
    message = SimpleNamespace(properties={"correlation_id": str(id_)})
    error = Exception()
    error.reply_code = 312  # type: ignore[attr-defined] # as the library sets it
    window.on_return(error, "mail", "mail.urgent", message)


def test_an_ack_confirms_its_message_and_no_other() -> None:
    window, ids = published(3)
    window.on_ack(2, multiple=False)
    verdicts = window.take()
    assert verdicts.confirmed == {ids[1]}
    assert verdicts.unknown == {ids[0], ids[2]}


def test_a_multiple_ack_confirms_all_up_to_its_number() -> None:
    window, ids = published(4)
    window.on_ack(3, multiple=True)
    assert window.take().confirmed == set(ids[:3])


def test_a_returned_message_is_refused_though_it_is_acked() -> None:
    window, ids = published(3)
    give_back(window, ids[1])
    window.on_ack(3, multiple=True)
    verdicts = window.take()
    assert verdicts.confirmed == {ids[0], ids[2]}
    assert verdicts.refused == {ids[1]: "returned 312"}


def test_a_returned_message_whose_ack_never_came_is_unknown() -> None:
    window, ids = published(1)
    give_back(window, ids[0])
    assert window.take().unknown == set(ids)


def test_a_nack_refuses() -> None:
    window, ids = published(2)
    window.on_nack(2, multiple=True)
    assert window.take().refused == dict.fromkeys(ids, "nacked")


def test_numbers_go_on_after_a_window_was_taken() -> None:
    window, _ = published(2)
    window.on_ack(2, multiple=True)
    window.take()
    later = uuid4()
    window.add(later)
    window.on_ack(3, multiple=False)
    assert window.take().confirmed == {later}


def test_an_answer_nobody_waits_for_changes_nothing() -> None:
    window, ids = published(1)
    window.on_ack(7, multiple=False)
    assert not window.answered
    assert window.take().unknown == set(ids)


@given(st.data())
def test_every_message_has_exactly_one_verdict_whatever_the_broker_answers(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 12))
    window, ids = published(count)
    returned = data.draw(st.sets(st.sampled_from(ids)))
    for id_ in returned:
        give_back(window, id_)
    for tag, multiple, good in data.draw(
        st.lists(st.tuples(st.integers(0, count + 1), st.booleans(), st.booleans()))
    ):
        (window.on_ack if good else window.on_nack)(tag, multiple)

    verdicts = window.take()

    assert verdicts.confirmed.isdisjoint(returned)
    assert sorted([*verdicts.confirmed, *verdicts.refused, *verdicts.unknown]) == sorted(ids)
    assert window.answered


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
    window = PublisherConfirms(clock=lambda: now)
    window.add(uuid4())
    (window.on_nack if nacked else window.on_ack)(1, multiple=False)
    window.take()
    now += age
    assert window.stale is stale
