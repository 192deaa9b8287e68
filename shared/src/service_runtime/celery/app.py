"""The one way to build a Celery app: every setting that keeps letters from being lost, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from celery import Celery
from kombu import Queue

from mail_contract.topology import MAILER_CONTROL, MAILER_EVENTS, QUEUE_ARGUMENTS, UNROUTABLE
from service_runtime import telemetry
from service_runtime.celery import read_ahead
from service_runtime.celery.monitoring import SparingEvents

HEARTBEAT_SECONDS = 10

_BUILTIN = "celery."

SAFE_SETTINGS = {
    # Publishing. A publish without a confirm may vanish; one without socket timeouts hangs for ever while the broker
    # blocks publishers (memory or disk alarm).
    "broker_transport_options": {
        "confirm_publish": True,
        "read_timeout": 5,
        "write_timeout": 5,
        "max_retries": 3,
        "interval_start": 0.2,
        "interval_step": 0.5,
        "interval_max": 1.0,
    },
    "broker_heartbeat": HEARTBEAT_SECONDS,
    "broker_connection_timeout": 4,
    "broker_pool_acquire_timeout": 10,
    "task_publish_retry": False,  # whoever publishes decides; a hidden retry would double the wait
    # Consuming. A worker resumes by itself however long the broker was away.
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,
    "broker_channel_error_retry": True,
    "worker_cancel_long_running_tasks_on_connection_loss": False,
    # A message leaves its queue only after its task returned; a task that raises leaves a dead letter.
    "task_acks_late": True,
    "task_reject_on_worker_lost": True,
    "task_acks_on_failure": False,
    "task_acks_on_timeout": False,
    "worker_prefetch_multiplier": 1,
    "worker_soft_shutdown_timeout": 30.0,
    "worker_consumer": "service_runtime.celery.consumer:DeadLetteringConsumer",
    "worker_disable_rate_limits": True,
    "task_ignore_result": True,
    # Without results there are none to clean up; else beat asks for that every night, on a queue nobody reads.
    "result_expires": None,
    # The topology is applied by its own step; services declare nothing and may not.
    "task_create_missing_queues": False,
    "task_serializer": "json",
    "accept_content": ["json"],
    "enable_utc": True,
    "worker_hijack_root_logger": False,
    "worker_send_task_events": False,
    "worker_enable_remote_control": False,
}


def build_app(name: str, *, broker_url: str, consumes: Sequence[str] = (), monitored: bool = False) -> Celery:
    """Builds a Celery app that can neither declare a queue nor lose a message silently.

    Args:
        name: of the app; appears in logs.
        broker_url: `amqp://user:password@host:port/vhost`, or several of them with `;` between.
        consumes: names of the queues its worker may consume from; none for a pure publisher.
        monitored: whether it sends events and answers remote control, for Flower; needs the rights for both.

    Returns:
        The app, not finalised, without tasks.
    """
    telemetry.carry_correlation_ids()
    read_ahead.install()
    queues = tuple(consumes) or (UNROUTABLE,)
    app = Celery(
        name,
        broker=broker_url,
        set_as_current=False,
        events=SparingEvents,
        amqp="service_runtime.celery.queue_consumers:QueueByQueue",
    )
    app.on_after_finalize.connect(_without_builtins, weak=False)
    app.conf.update(SAFE_SETTINGS)
    app.conf.update(
        # Celery recognises quorum queues by this argument and then leaves global prefetch alone.
        task_queues=[
            Queue(queue, no_declare=True, queue_arguments=dict(QUEUE_ARGUMENTS)) for queue in queues
        ],
        # Celery looks its default queue up on every publish, and makes one named `celery` where there is none.
        task_default_queue=queues[0],
        control_exchange=MAILER_CONTROL,
        event_exchange=MAILER_EVENTS,
        event_queue_prefix=MAILER_EVENTS,
        worker_send_task_events=monitored,
        worker_enable_remote_control=monitored,
    )
    return app


def _without_builtins(sender: Celery, **_: Any) -> None:
    """Celery's own tasks (`celery.chain`, `celery.map`, …) run other tasks as often as their arguments say."""
    for name in [name for name in sender.tasks if name.startswith(_BUILTIN)]:
        sender.tasks.unregister(name)
