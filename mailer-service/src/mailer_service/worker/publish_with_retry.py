"""Publishing what must not be left unsaid: tried again for a minute, then the message goes back to its queue."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from mailer_service.delivery.waiter import Waiter
from mailer_service.errors import Requeued
from service_runtime.errors import PublishError

log = structlog.get_logger(__name__)

PAUSES = (0.1, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 15.0, 15.0)
"""Seconds. A stale connection fails once; a restarting broker is back within half a minute; a missing binding must not
become a hot loop, nor use up the message's deliveries (ten) before somebody can mend it: here after ten minutes."""


def publish_with_retry(publish: Callable[[], None], *, waiter: Waiter) -> None:
    """Repeats a publish until it is confirmed; raises Requeued when that takes too long, or on a stop."""
    for pause in PAUSES:
        try:
            publish()
        except PublishError as error:
            log.warning("publish_failed", error=type(error).__name__, pause=pause)
            if not waiter.pause(pause):
                raise Requeued from error
        else:
            return
    raise Requeued
