"""Celery's remote control, as far as it only looks: what Flower shows, and nothing that changes a worker.

The stock panel lets whoever may write to its exchange revoke a letter (the worker acks it away unsent), stop the worker,
take it off its queues, or have it publish a reply to any exchange the worker may write to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Literal

import structlog
from celery.bootsteps import StartStopStep
from celery.worker import state
from celery.worker.consumer.tasks import Tasks
from kombu.common import ignore_errors
from kombu.serialization import prepare_accept_content
from pydantic import BaseModel, ConfigDict, Field

from mail_contract.messages import MAX_MESSAGE_BYTES
from service_runtime.celery.app import SAFE_SETTINGS
from service_runtime.celery.queue_consumers import received

log = structlog.get_logger(__name__)


class _ReplyTo(BaseModel):
    """Where the answer goes: nowhere but to those who asked through this exchange."""

    model_config = ConfigDict(extra="ignore")

    exchange: Literal["reply.mailer.pidbox"]
    routing_key: str = Field(max_length=255)


class _Command(BaseModel):
    """A message of kombu's process mailbox. Its `arguments` are not read, for no command here has any."""

    model_config = ConfigDict(extra="ignore")

    method: str = Field(max_length=64)
    destination: list[str] | None = None
    # A pattern may be a regular expression that takes for ever.
    pattern: None = None
    matcher: None = None
    ticket: str | None = Field(default=None, max_length=255)
    reply_to: _ReplyTo | None = None


def _stats(consumer: Any) -> Any:
    figures = consumer.controller.stats()
    # kombu gives the addresses of further nodes with their passwords.
    (figures.get("broker") or {}).pop("alternates", None)
    return figures


def _conf(consumer: Any) -> dict[str, Any]:
    return {name: consumer.app.conf[name] for name in SAFE_SETTINGS}


def _active_queues(consumer: Any) -> list[dict[str, Any]]:
    return [dict(queue.as_dict(recurse=True)) for queue in consumer.task_consumer.queues]


def _requests(requests: Any) -> list[dict[str, Any]]:
    return [request.info(safe=True) for request in tuple(requests)]


COMMANDS: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        "ping": lambda _: {"ok": "pong"},
        "stats": _stats,
        "active": lambda _: _requests(state.active_requests),
        "reserved": lambda _: _requests(set(state.reserved_requests) - set(state.active_requests)),
        # No task has an ETA, and none can be revoked.
        "scheduled": lambda _: [],
        "revoked": lambda _: [],
        "registered": lambda consumer: sorted(consumer.app.tasks),
        "active_queues": _active_queues,
        "conf": _conf,
    }
)
"""Every command there is."""


class ControlPanel:
    """A worker's ear for commands; only the event loop's thread calls."""

    def __init__(self, consumer: Any) -> None:
        self._consumer = consumer
        self._node = consumer.app.control.mailbox.Node(consumer.hostname)
        self._accept = prepare_accept_content(["json"])
        self._channel: Any = None

    def start(self) -> None:
        """Listens on a channel and a queue of its own."""
        self._channel = self._node.channel = self._consumer.connection.channel()
        queue = self._node.mailbox.get_queue(self._consumer.hostname)(self._channel)
        queue.declare()
        queue.consume(callback=self._on_delivery, no_ack=True)

    def stop(self) -> None:
        """Listens no more."""
        channel, self._channel = self._channel, None
        if channel is not None:
            ignore_errors(self._consumer, channel.close)

    def _on_delivery(self, raw: Any) -> None:
        message = received(self._channel, raw, self._accept)
        if len(message.body) > MAX_MESSAGE_BYTES:
            log.warning("control_message_refused", reason="oversized")
            return
        try:
            command = _Command.model_validate(message.payload)
        except Exception as error:  # noqa: BLE001 - whatever a stranger's bytes lead to
            log.warning("control_message_refused", reason=type(error).__name__)
            return
        if not command.destination or self._consumer.hostname in command.destination:
            self._obey(command)

    def _obey(self, command: _Command) -> None:
        look = COMMANDS.get(command.method)
        if look is None:
            log.warning("control_command_refused", command=command.method)
        try:
            answer = {"error": f"no such command: {command.method}"} if look is None else look(self._consumer)
            if command.reply_to is not None:
                self._node.reply(
                    {self._consumer.hostname: answer},
                    exchange=command.reply_to.exchange,
                    routing_key=command.reply_to.routing_key,
                    ticket=command.ticket,
                )
        except Exception as error:  # noqa: BLE001 - whoever asks must not disturb what the worker is for
            log.warning("control_command_failed", command=command.method, error=type(error).__name__)


class ControlStep(StartStopStep):
    """The step of Celery's consumer that has this panel in place of the stock one."""

    requires = (Tasks,)

    def __init__(self, parent: Any, **options: Any) -> None:
        self._panel = ControlPanel(parent)
        super().__init__(parent, **options)

    def include_if(self, parent: Any) -> bool:
        """Only where the app is monitored."""
        return bool(parent.app.conf.worker_enable_remote_control)

    def start(self, parent: Any) -> None:  # noqa: ARG002 - celery's signature
        """Begins with the connection."""
        self._panel.start()

    def stop(self, parent: Any) -> None:  # noqa: ARG002
        """Ends with it."""
        self._panel.stop()

    shutdown = stop
