"""Logs as JSON lines and a correlation id that follows a request through the broker.

Every process calls `configure_logging` once. Events have snake_case names and keys; never an address, a secret or a
payload.
"""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Mapping, MutableMapping
from typing import Any, Literal, TextIO
from uuid import uuid4

import structlog
from celery import signals
from celery.exceptions import CPendingDeprecationWarning, SecurityWarning

from service_runtime.log_lines import LineHandler

CORRELATION_HEADER = "postern_correlation_id"
SEALED = "(sealed)"
"""What events, Flower and logs show in place of a task's arguments."""
LogFormat = Literal["json", "console"]


def configure_logging(
    *,
    service: str,
    format: LogFormat,  # noqa: A002 - reads best at the call
    level: str,
    stream: TextIO | None = None,
) -> None:
    """Sends structlog's and the standard library's records to one place, a line each.

    Args:
        service: named in every line.
        format: `json`, or `console` for people.
        level: a name the standard library knows, such as `INFO`.
        stream: standard output if not given; a command whose output is the answer logs elsewhere.
    """
    stream = stream or sys.stdout
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    render: list[Any] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
        if format == "json"
        else [structlog.dev.ConsoleRenderer(colors=stream.isatty(), exception_formatter=_plain_traceback)]
    )
    handler = LineHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                _add_service(service),
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *render,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    _leave_unsaid()
    for chatty in _CHATTY:
        logging.getLogger(chatty).setLevel(logging.WARNING)
    # A receiver of this signal keeps Celery from configuring logging its own way.
    signals.setup_logging.connect(_leave_logging_alone, weak=False, dispatch_uid="postern-logging")


_CHATTY = ("celery.worker.strategy", "celery.app.trace", "authlib")
"""Two lines a task, which say less than the one of our own; and, where all is logged, every token that is issued."""


def _leave_unsaid() -> None:
    """Two warnings of Celery's about what is settled here; every other one is still said."""
    # Root is warned of pickled messages, which no app of `build_app` accepts.
    warnings.filterwarnings(
        "ignore", message="You're running the worker with superuser", category=SecurityWarning
    )
    # At every lost connection; `build_app` says on purpose that tasks go on.
    warnings.filterwarnings(
        "ignore", message="\nIn Celery 5.1 we introduced", category=CPendingDeprecationWarning
    )


def bind_correlation_id(correlation_id: str | None = None) -> str:
    """Binds the id, or a new one, to this thread's log lines and outgoing messages, and returns it."""
    value = correlation_id or uuid4().hex
    structlog.contextvars.bind_contextvars(correlation_id=value)
    return value


def current_correlation_id() -> str | None:
    """Returns the id bound in this thread, if any."""
    value = structlog.contextvars.get_contextvars().get("correlation_id")
    return None if value is None else str(value)


def carry_correlation_ids() -> None:
    """Makes Celery carry the id in message headers, and keep arguments out of events, on every publish.

    A retry loses the redaction a task was sent with, so it is set where messages leave.
    """
    signals.before_task_publish.connect(_on_publish, weak=False, dispatch_uid="postern-publish")
    signals.task_prerun.connect(_on_start, weak=False, dispatch_uid="postern-start")
    signals.task_postrun.connect(_on_end, weak=False, dispatch_uid="postern-end")


def _on_publish(*, headers: MutableMapping[str, Any], **_: Any) -> None:
    headers["argsrepr"] = headers["kwargsrepr"] = SEALED
    headers.setdefault(CORRELATION_HEADER, current_correlation_id() or uuid4().hex)


def _on_start(*, task: Any, **_: Any) -> None:
    structlog.contextvars.clear_contextvars()
    bind_correlation_id(getattr(task.request, CORRELATION_HEADER, None))


def _on_end(**_: Any) -> None:
    structlog.contextvars.clear_contextvars()


def _leave_logging_alone(**_: Any) -> None:
    return None


def _add_service(service: str) -> structlog.types.Processor:
    def add(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
        event["service"] = service
        return event

    return add


def _plain_traceback(stream: Any, exc_info: Any) -> None:
    # The default formatter of the console prints local variables, and those hold addresses.
    structlog.dev.plain_traceback(stream, exc_info)
