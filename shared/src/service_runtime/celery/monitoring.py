"""Celery's events, made cheap: what Flower shows must not cost more than the work it shows.

Celery sends three events a task. Left as it is, the event loop, which also takes the messages, writes them a handful at
a time and waits for the broker's confirm of each handful: half of that thread's time, and Flower keeps up no better.
"""

from __future__ import annotations

import time
from typing import Any

from celery.app.events import Events
from celery.events.dispatcher import EventDispatcher

SHOWN_A_SECOND = 20
"""Tasks a replica shows; more cannot be read by a person, and are counted by metrics."""
_FLUSH_SECONDS = 1.0
_RECEIVED, _STARTED, _SUCCEEDED = "task-received", "task-started", "task-succeeded"


class SparingDispatcher(EventDispatcher):
    """Shows a quiet replica's tasks whole and at once, a busy one's as a sample, and every failure.

    A task in the sample sends `received`, which carries its name, and its end. Events are gathered, at the latest until
    the worker's next heartbeat (2 s), and not confirmed: one that is lost is lost.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        self._second, self._received_in_it = 0, 0
        self._shown: set[str] = set()
        self._flushed_at = 0.0
        self._flush_soon = options.pop("on_send_buffered", None)
        super().__init__(*args, **options)
        self.on_send_buffered = self._gathered
        # Only the event loop ever writes: a buffer that is full is flushed by whichever thread filled it.
        self.buffer_limit = 100 * SHOWN_A_SECOND

    def enable(self) -> None:
        """Begins to send, without confirms on a connection that is only for events."""
        own: Any = self
        if own.connection is not None and own.channel is None:
            own.connection.connection.confirm_publish = False
        super().enable()

    def send(self, type: str, *args: Any, **fields: Any) -> Any:  # noqa: A002 - celery's name
        """Sends an event, or gathers it, or leaves it out."""
        if not type.startswith("task-"):
            self.flush()
        elif not self._is_shown(type, str(fields.get("uuid"))):
            return None
        return super().send(type, *args, **fields)

    def _is_shown(self, type_: str, task_id: str) -> bool:
        if type_ == _RECEIVED:
            second = int(time.monotonic())
            if second != self._second:
                self._second, self._received_in_it = second, 0
            self._received_in_it += 1
            shown = self._received_in_it <= SHOWN_A_SECOND
            if shown:
                self._shown.add(task_id)
            return shown
        if type_ == _STARTED:
            return False
        was_shown = task_id in self._shown
        self._shown.discard(task_id)
        return was_shown or type_ != _SUCCEEDED

    def _gathered(self) -> None:
        now = time.monotonic()
        if self._flush_soon is not None and now - self._flushed_at >= _FLUSH_SECONDS:
            self._flushed_at = now
            self._flush_soon()


class SparingEvents(Events):
    """Gives a Celery app the dispatcher above."""

    dispatcher_cls = f"{__name__}:SparingDispatcher"
