"""Celery's consumer, with the steps changed that would lose a letter, obey strangers, or need rights nobody has."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

import structlog
from celery.worker.consumer import Consumer

from mail_contract.messages import MAX_MESSAGE_BYTES
from service_runtime.celery.call import Refusal, refusal
from service_runtime.celery.control_panel import ControlStep
from service_runtime.celery.queue_consumers import QueueWatch

log = structlog.get_logger(__name__)
_stdlib_log = logging.getLogger(__name__)

_DROPPED = {
    "celery.worker.consumer.delayed_delivery:DelayedDelivery",
    "celery.worker.consumer.gossip:Gossip",
    "celery.worker.consumer.control:Control",
}

_RECONNECT = {"interval_start": 1, "interval_step": 1, "interval_max": 5}
"""Seconds between two tries: 1, 2, 3, 4, 5, 5, …"""


class DeadLetteringConsumer(Consumer):
    """Rejects what cannot be read or does not belong to its queue, so that it becomes a dead letter.

    The stock consumer acks away what it cannot read, and runs any task it has a name for. This one also logs no bodies,
    refuses oversized messages unread, takes each queue on its own, and declares nothing for native delayed delivery (28
    exchanges and queues at every connect, for which the service has no rights and of which it has no need). Other workers
    tell it nothing (gossip and mingle, by which they would also say what is revoked), and remote control only looks.
    """

    class Blueprint(Consumer.Blueprint):  # type: ignore[valid-type,misc] # an attribute in the stubs
        """The stock steps, some left out, some of our own."""

        default_steps = (
            *(step for step in Consumer.Blueprint.default_steps if step not in _DROPPED),
            QueueWatch,
            ControlStep,
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # The step that takes tasks requires mingle to be there, on or off.
        kwargs["worker_options"] = {**(kwargs.get("worker_options") or {}), "without_mingle": True}
        super().__init__(*args, **kwargs)

    def ensure_connected(self, conn: Any) -> Any:
        """Looks for a broker that is away every few seconds; the stock consumer lets up to half a minute pass."""
        conn.ensure_connection = partial(conn.ensure_connection, **_RECONNECT)
        return super().ensure_connected(conn)

    def create_task_handler(self, *args: Any, **kwargs: Any) -> Callable[[Any], None]:
        """Returns the stock handler behind checks of size, form and place.

        The stock one trusts the form: a body such as `null` or a task without an id ends the whole worker, and a body
        such as `[1]` fails in the pool, where nobody settles the message.
        """
        handle = super().create_task_handler(*args, **kwargs)

        def on_message(message: Any) -> None:
            if len(message.body) > MAX_MESSAGE_BYTES:
                self._bury(message, "oversized")
                return
            try:
                refused = refusal(message.delivery_info["queue"], message.headers, message.payload)
            except Exception as error:  # noqa: BLE001 - whatever a decoder makes of a stranger's bytes
                self.on_decode_error(message, error)
                return
            if refused is not None:
                self._bury(message, refused)
                return
            try:
                handle(message)
            except (TypeError, ValueError, LookupError, AttributeError) as error:
                self.on_invalid_task(None, message, error)  # headers of the wrong kind

        return on_message

    def on_decode_error(self, message: Any, exc: Exception) -> None:
        """A body that is not what its content type says."""
        self._bury(message, "undecodable", exc)

    def on_unknown_message(self, body: Any, message: Any) -> None:  # noqa: ARG002 - celery's signature
        """Not a task at all."""
        self._bury(message, Refusal.NOT_A_TASK)

    def on_unknown_task(self, body: Any, message: Any, exc: Exception) -> None:  # noqa: ARG002
        """A task this service does not have."""
        self._bury(message, "unknown_task")

    def on_invalid_task(self, body: Any, message: Any, exc: Exception) -> None:  # noqa: ARG002
        """A task whose headers or content type are refused."""
        self._bury(message, "invalid_task", exc)

    def _bury(self, message: Any, reason: str, exc: Exception | None = None) -> None:
        log.error(
            "message_rejected",
            reason=reason,
            error=type(exc).__name__ if exc else None,
            bytes=len(message.body or b""),
            queue=message.delivery_info.get("queue"),
            routing_key=message.delivery_info.get("routing_key"),
        )
        message.reject_log_error(_stdlib_log, self.connection_errors)  # type: ignore[attr-defined] # missing in the stubs
