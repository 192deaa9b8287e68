"""Reading the management API: nothing but a queue's name is taken for granted."""

import pytest

from postern_rabbitmq.doctor.snapshot import QueueState, _alone, _tags


def test_a_queue_made_a_moment_ago_has_figures_of_nothing_and_no_policy_known() -> None:
    queue = QueueState.of(
        {"name": "mailer.urgent", "type": "quorum", "arguments": {"x-queue-type": "quorum"}}
    )
    assert (queue.ready, queue.messages, queue.dead_lettering, queue.acks, queue.published) == (0, 0, 0, 0, 0)
    assert queue.effective is None


def test_a_queue_that_names_its_type_only_in_its_arguments_has_it() -> None:
    assert QueueState.of({"name": "q", "arguments": {"x-queue-type": "stream"}}).type == "stream"
    assert QueueState.of({"name": "q"}).type == "classic"


@pytest.mark.parametrize("nothing", [None, [], {}])
def test_a_queue_without_a_policy_is_known_to_have_none(nothing: object) -> None:
    assert QueueState.of({"name": "q", "effective_policy_definition": nothing}).effective == {}


def test_figures_are_read() -> None:
    queue = QueueState.of(
        {
            "name": "q",
            "messages": 7,
            "messages_ready": 5,
            "messages_dlx": 2,
            "message_stats": {"ack": 3, "publish": 10},
            "policy": "ours",
            "operator_policy": "theirs",
        }
    )
    assert (queue.messages, queue.ready, queue.dead_lettering, queue.acks, queue.published) == (
        7,
        5,
        2,
        3,
        10,
    )
    assert (queue.policy, queue.operator_policy) == ("ours", "theirs")


@pytest.mark.parametrize("tags", [["administrator", "monitoring"], "administrator, monitoring"])
def test_tags_are_a_list_or_a_text(tags: object) -> None:
    assert _tags(tags) == {"administrator", "monitoring"}


@pytest.mark.parametrize("tags", [None, [], ""])
def test_there_may_be_no_tags(tags: object) -> None:
    assert _tags(tags) == frozenset()


def consumer(queue: str, connection: str) -> dict[str, object]:
    return {"queue": {"name": queue}, "channel_details": {"connection_name": connection}}


def test_a_worker_takes_from_one_queue_though_celery_asks_it_how_it_is_through_another() -> None:
    consumers = [
        consumer("mailer.urgent", "1"),
        consumer("mailer-41c6f479@host.mailer.pidbox", "1"),
        consumer("mailer.urgent", "2"),
        consumer("mailer.bulk", "2"),
    ]
    assert _alone(consumers) == {"mailer.urgent": 1}
