"""Has this password been in a breach? Asked by the first five digits of its SHA-1 (k-anonymity), and never waited for long."""

from __future__ import annotations

import hashlib
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from typing import Final, Protocol

import structlog

SECONDS: Final = 1.0
"""For an answer, all in all; what comes later is not waited for."""

REST_SECONDS: Final = 30.0
"""After a failure nobody is asked for so long, so that a list that is down costs one request a second in half a minute."""

_AT_ONCE: Final = 4
_MOST_BYTES: Final = 1_000_000
_PREFIX_DIGITS: Final = 5

_log = structlog.get_logger(__name__)


class BreachObserver(Protocol):
    """Is told about every question; metrics in production, a list in tests."""

    def breach_list_asked(self, result: str) -> None:
        """`known`, `unknown`, `failed`, or `skipped` while it rests."""


class BreachList:
    """A list with the range API of Pwned Passwords.

    Args:
        url: to which `/` and five hexadecimal digits are added.
        observer: told about each question.
    """

    def __init__(self, url: str, observer: BreachObserver) -> None:
        self._url = url.rstrip("/")
        self._observer = observer
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="breach-list")
        self._free = threading.BoundedSemaphore(_AT_ONCE)
        self._resting_until = 0.0

    def knows(self, password: str) -> bool:
        """Says whether the list has this password, in its normalized form; False where the list cannot be asked."""
        if time.monotonic() < self._resting_until or not self._free.acquire(blocking=False):
            self._observer.breach_list_asked("skipped")
            return False
        digest = hashlib.sha1(password.encode("utf-8"), usedforsecurity=False).hexdigest().upper()
        try:
            # In a thread, since nothing bounds the resolution of a name.
            known = self._threads.submit(self._ask, digest).result(SECONDS)
        except (OSError, HTTPException, TimeoutError, ValueError) as error:
            self._resting_until = time.monotonic() + REST_SECONDS
            self._observer.breach_list_asked("failed")
            _log.warning("breach_list_unavailable", error=type(error).__name__)
            return False
        self._observer.breach_list_asked("known" if known else "unknown")
        return known

    def _ask(self, digest: str) -> bool:
        try:
            # Padding: the length of an answer would tell an observer of the network which range it is.
            request = urllib.request.Request(  # noqa: S310 - the setting takes http and https only
                f"{self._url}/{digest[:_PREFIX_DIGITS]}",
                headers={"Add-Padding": "true", "User-Agent": "postern"},
            )
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
                lines = answer.read(_MOST_BYTES).decode("ascii").split()
        finally:
            self._free.release()
        counts = dict(line.split(":", 1) for line in lines)
        return int(counts.get(digest[_PREFIX_DIGITS:], 0)) > 0  # padding has a count of 0
