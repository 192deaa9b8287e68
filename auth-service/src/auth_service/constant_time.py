"""What is done about an address takes one time, so that the time says nothing of the address."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

SECONDS: Final = 0.03
"""For an answer: three times what the work behind it takes; the transactions differ in a row lock or an update, and where
the machine is busy that difference shows."""


@contextmanager
def in_constant_time(seconds: float = SECONDS) -> Iterator[None]:
    """Keeps the block, whether it succeeds or fails, from ending sooner than this after its beginning."""
    ends = time.monotonic() + seconds
    try:
        yield
    finally:
        time.sleep(max(0.0, ends - time.monotonic()))
