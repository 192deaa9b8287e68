"""Checks a Celery app: its settings, its tasks and its queues; asks no broker."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator
from typing import Any

from celery import Celery

from mail_contract.topology import QUEUE_ARGUMENTS, TOPOLOGY
from mail_contract.vhost import Topology
from postern_rabbitmq.doctor.finding import Code, Finding, Severity
from postern_rabbitmq.doctor.safety import RULES, actual_value, is_safe, safe_value
from postern_rabbitmq.errors import NoSuchApp

_REPAIR = "build the app with service_runtime.celery.app.build_app"

_OF_TASKS = {
    "acks_late": "task_acks_late",
    "reject_on_worker_lost": "task_reject_on_worker_lost",
    "acks_on_failure": "task_acks_on_failure",
    "acks_on_timeout": "task_acks_on_timeout",
    "ignore_result": "task_ignore_result",
    "serializer": "task_serializer",
}
"""What a task may set for itself, and the setting whose place it takes."""


def load_app(path: str) -> Celery:
    """Imports an app.

    Args:
        path: `package.module:attribute`; the attribute is the app, or a function without arguments that builds it.

    Raises:
        NoSuchApp: there is nothing of the kind.
    """
    module, _, attribute = path.partition(":")
    try:
        found: Any = getattr(importlib.import_module(module), attribute)
        app = found if isinstance(found, Celery) else found()
    except Exception as error:  # whatever the module does when it is imported
        raise NoSuchApp(f"({path}: {type(error).__name__}: {error})") from error
    if not isinstance(app, Celery):
        raise NoSuchApp(f"({path} is no Celery app)")
    return app


def examine_app(app: Celery, *, topology: Topology = TOPOLOGY) -> list[Finding]:
    """Returns every setting, task and queue of the app with which letters could be lost."""
    name = str(app.main or "celery app")
    return [*_settings(app, name), *_tasks(app, name), *_queues(app, name, topology)]


def _settings(app: Celery, name: str) -> Iterator[Finding]:
    for setting, rule in RULES.items():
        if not is_safe(app.conf, setting):
            wanted = safe_value(setting)
            yield Finding(
                code=Code.UNSAFE_SETTING,
                severity=Severity.ERROR,
                object=f"{name}: {setting}",
                sentence=f"{name}: {setting} is {actual_value(app.conf, setting)!r}, not {wanted!r}: {rule.consequence}",
                fix=f"{setting} = {wanted!r}, or {_REPAIR}",
            )


def _tasks(app: Celery, name: str) -> Iterator[Finding]:
    for task_name, task in sorted(app.tasks.items()):
        if task_name.startswith("celery."):
            continue
        for attribute, setting in _OF_TASKS.items():
            own = getattr(task, attribute, None)
            # One that only follows an unsafe setting is said once, for the app.
            if own != safe_value(setting) and is_safe(app.conf, setting):
                yield Finding(
                    code=Code.UNSAFE_TASK,
                    severity=Severity.ERROR,
                    object=f"{name}: {task_name}",
                    sentence=f"{name}: task {task_name} sets {attribute} to {own!r}: {RULES[setting].consequence}",
                    fix=f"remove {attribute} from the task, so that {setting} holds",
                )


def _queues(app: Celery, name: str, topology: Topology) -> Iterator[Finding]:
    wanted = QUEUE_ARGUMENTS["x-queue-type"]
    queues: Iterable[Any] = app.amqp.queues.values()  # the stubs lack `no_declare`
    for queue in queues:
        where = f"{name}: {queue.name}"
        if not queue.no_declare:
            yield Finding(
                code=Code.DECLARES_QUEUE,
                severity=Severity.ERROR,
                object=where,
                sentence=f"{name} declares queue {queue.name} itself: without rights it cannot start, with rights it makes"
                " a queue that the topology does not know",
                fix=f"Queue({queue.name!r}, no_declare=True, …), or {_REPAIR}",
            )
        if (queue.queue_arguments or {}).get("x-queue-type") != wanted:
            yield Finding(
                code=Code.QUEUE_TYPE_MISSING,
                severity=Severity.ERROR,
                object=where,
                sentence=f"{name}: queue {queue.name} is not given as a {wanted} queue: Celery asks for a global prefetch,"
                " which quorum queues refuse",
                fix=f"Queue({queue.name!r}, queue_arguments={dict(QUEUE_ARGUMENTS)}, …), or {_REPAIR}",
            )
        if queue.name not in topology.queues:
            yield Finding(
                code=Code.UNKNOWN_QUEUE,
                severity=Severity.ERROR,
                object=where,
                sentence=f"{name} uses queue {queue.name}, which is not part of the topology",
                fix="take its name from mail_contract.topology",
            )
