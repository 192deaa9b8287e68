"""What a queue takes: the bare call of a task that belongs to it."""

import json
from typing import Any

import pytest
from celery.app.task import Context

from auth_service.maintenance.schedule import build_schedule
from mail_contract.tasks import SCHEDULED_TASKS, TASKS
from postern_rabbitmq.doctor.queues import CONSUMED
from service_runtime.celery.app import build_app
from service_runtime.celery.call import HARMLESS_HEADERS, REFUSED_HEADERS, Refusal, refusal

NAMES = sorted(frozenset.union(*TASKS.values()))
BUILT_IN = ("celery.chain", "celery.group", "celery.map", "celery.starmap", "celery.chunks", "celery.chord")
SIGNATURE: dict[str, Any] = {
    "task": "mailer.deliver_letter",
    "args": [],
    "kwargs": {},
    "options": {},
    "subtask_type": None,
}
EMBED = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
QUEUE, TASK = "auth.reports", "auth.record_report"


def judged(
    *,
    queue: str = QUEUE,
    task: str = TASK,
    embed: dict[str, Any] | None = None,
    headers: dict[str, Any] | None = None,
) -> Refusal | None:
    said = {"task": task, "id": "x", "lang": "py", **(headers or {})}
    return refusal(queue, said, [[], {}, EMBED if embed is None else {**EMBED, **embed}])


@pytest.mark.parametrize("queue", sorted(TASKS))
@pytest.mark.parametrize("task", [*NAMES, *BUILT_IN, "celery.backend_cleanup", "", "mailer.format_disk"])
def test_every_task_on_every_queue(queue: str, task: str) -> None:
    expected = None if task in TASKS[queue] else Refusal.MISPLACED_TASK
    assert judged(queue=queue, task=task) == expected


def test_a_queue_that_is_not_consumed_takes_nothing() -> None:
    assert {judged(queue=queue, task=task) for queue in ("mailer.dead", "other") for task in NAMES} == {
        Refusal.MISPLACED_TASK
    }


def test_every_consumed_queue_has_its_tasks_and_every_task_a_queue() -> None:
    assert set(TASKS) == set(CONSUMED)
    assert {entry["task"] for entry in build_schedule().values()} == SCHEDULED_TASKS


@pytest.mark.parametrize("part", ["callbacks", "errbacks", "chain", "chord", "anything"])
@pytest.mark.parametrize("value", [[SIGNATURE], SIGNATURE, "x", 1, True])
def test_a_call_with_something_to_do_afterwards(part: str, value: Any) -> None:
    assert judged(embed={part: value}) is Refusal.MORE_THAN_A_CALL
    # Celery looks into the headers for what `embed` lacks.
    assert refusal(QUEUE, {"task": TASK, "id": "x", part: value}, [[], {}, {}]) is (
        None if part == "anything" else Refusal.MORE_THAN_A_CALL
    )


@pytest.mark.parametrize("embed", [{}, EMBED, {"callbacks": [], "chain": []}])
def test_an_empty_embed_however_it_is_written(embed: dict[str, Any]) -> None:
    assert judged(embed=embed) is None


@pytest.mark.parametrize("header", sorted(REFUSED_HEADERS))
@pytest.mark.parametrize("value", ["2030-01-01T00:00:00", [3, None], {"a": ["b"]}, 7])
def test_a_header_that_says_more_than_a_call(header: str, value: Any) -> None:
    assert judged(headers={header: value}) is Refusal.MORE_THAN_A_CALL


def test_what_celery_itself_writes_into_a_bare_call_is_taken() -> None:
    app = build_app("auth-beat", broker_url="amqp://")
    message = app.amqp.as_task_v2("an-id", TASK)
    assert refusal(QUEUE, message.headers, json.loads(json.dumps(message.body))) is None


def test_every_name_that_celery_reads_from_a_message_is_judged() -> None:
    read = {name for name, value in vars(Context).items() if not callable(value)} - {
        name for name in vars(Context) if name.startswith("__")
    }
    properties = {name for name, value in vars(Context).items() if isinstance(value, property)}
    assert read - properties - {"id"} <= HARMLESS_HEADERS | REFUSED_HEADERS


@pytest.mark.parametrize("consumes", [["auth.reports"], ["mailer.urgent"], []])
def test_no_app_has_celerys_own_tasks(consumes: list[str]) -> None:
    assert sorted(build_app("an app", broker_url="amqp://", consumes=consumes).tasks) == []
