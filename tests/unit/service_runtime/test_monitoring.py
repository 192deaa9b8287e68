"""What Flower is shown: everything of a quiet replica, a sample of a busy one, every failure."""

from collections.abc import Iterator
from typing import Any

import pytest

from service_runtime.celery.app import build_app
from service_runtime.celery.monitoring import SHOWN_A_SECOND, SparingDispatcher


@pytest.fixture
def sent() -> list[dict[str, Any]]:
    """The events that were written."""
    return []


@pytest.fixture
def dispatcher(sent: list[dict[str, Any]]) -> Iterator[Any]:
    """Of an app of ours, writing into a list in place of a broker."""
    app = build_app("test", broker_url="memory://", monitored=True)

    class Listing(SparingDispatcher):
        def _publish(self, event: Any, *_: Any, **__: Any) -> None:
            sent.extend(event if isinstance(event, list) else [event])

    assert issubclass(app.events.Dispatcher, SparingDispatcher)
    with app.connection_for_write() as connection:
        yield Listing(connection, app=app, buffer_group=["task"])


def run(dispatcher: Any, task: str, end: str = "task-succeeded") -> None:
    for event in ("task-received", "task-started", end):
        dispatcher.send(event, uuid=task, name="a.task")


def seen(sent: list[dict[str, Any]], task: str) -> list[str]:
    return [event["type"] for event in sent if event.get("uuid") == task]


def test_a_task_is_shown_by_its_name_and_its_end(dispatcher: Any, sent: list[dict[str, Any]]) -> None:
    run(dispatcher, "one")
    dispatcher.send("worker-heartbeat")
    assert seen(sent, "one") == ["task-received", "task-succeeded"]


def test_of_many_tasks_a_sample_is_shown_whole(dispatcher: Any, sent: list[dict[str, Any]]) -> None:
    for number in range(40 * SHOWN_A_SECOND):
        run(dispatcher, str(number))
    dispatcher.send("worker-heartbeat")
    shown = {event["uuid"] for event in sent if event["type"] == "task-received"}
    assert SHOWN_A_SECOND <= len(shown) < 20 * SHOWN_A_SECOND
    assert {event["uuid"] for event in sent if event["type"] == "task-succeeded"} == shown


def test_every_failure_is_shown(dispatcher: Any, sent: list[dict[str, Any]]) -> None:
    for number in range(40 * SHOWN_A_SECOND):
        run(dispatcher, str(number), end="task-failed")
    dispatcher.send("worker-heartbeat")
    assert sum(event["type"] == "task-failed" for event in sent) == 40 * SHOWN_A_SECOND


def test_a_worker_event_waits_for_nothing(dispatcher: Any, sent: list[dict[str, Any]]) -> None:
    dispatcher.send("worker-online")
    assert [event["type"] for event in sent] == ["worker-online"]
