"""Takes dead letters of deleted accounts out of the queue, soon after auth-service said that an account is gone.

In a thread of its own: whoever takes cancellations must not wait for a person who is at work on the dead letters.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

import structlog

from mailer_service.errors import MailerError

log = structlog.get_logger(__name__)

_GATHERING_SECONDS: Final = 2.0
"""A deleted account's letters are told of together; and one that died this moment has been laid down by then."""

_AGAIN_SECONDS: Final = 30.0
"""Between two tries while broker or ledger are away."""

_EVERY_SECONDS: Final = 3600.0
"""How often it looks unasked, in case the replica that was asked died before it did."""


class DeadLetterEraser:
    """A thread that looks through the dead letters when it is asked to, and from time to time.

    Args:
        erase: takes out what is to go and returns how many; raises MailerError.
        gathering_seconds: between being asked and looking.
    """

    def __init__(self, erase: Callable[[], int], *, gathering_seconds: float = _GATHERING_SECONDS) -> None:
        self._erase = erase
        self._gathering_seconds = gathering_seconds
        self._wake = threading.Event()
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._run, name="dead-letters", daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread, or leaves it waiting for a person."""
        self._leaving.set()
        self._wake.set()
        if self._thread.ident is not None:
            self._thread.join(timeout=2.0)

    def look_soon(self) -> None:
        """Has it look, once more if it is looking already."""
        self._wake.set()

    def _run(self) -> None:
        while not self._leaving.is_set():
            self._wake.wait(_EVERY_SECONDS)
            if self._leaving.wait(self._gathering_seconds):
                return
            self._wake.clear()
            try:
                erased = self._erase()
            except MailerError as error:
                self._try_again(error)
            except Exception as error:  # noqa: BLE001 - whatever it is, a replica that no longer looks is worse
                self._try_again(error)
            else:
                log.info("dead_letters_erased", letters=erased)

    def _try_again(self, error: Exception) -> None:
        log.warning("dead_letters_not_erased", error=type(error).__name__)
        self._leaving.wait(_AGAIN_SECONDS)
        self._wake.set()
