"""Waiting for what happens in another process, instead of sleeping and hoping."""

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")


def eventually(check: Callable[[], Found], *, within: float = 10.0, every: float = 0.05) -> Found:
    """Ask `check` until it returns something true, or None without an AssertionError; give back its answer.

    A check may assert (and return nothing) or return what it is looking for.

    Args:
        check: asks once.
        within: seconds of patience.
        every: seconds between two questions.

    Raises:
        AssertionError: the check's last failure, or that its answer stayed false.
    """
    deadline = time.monotonic() + within
    while True:
        failure: AssertionError | None = None
        try:
            found = check()
        except AssertionError as error:
            failure = error
        else:
            if found or found is None:
                return found
        if time.monotonic() > deadline:
            if failure is not None:
                raise failure
            raise AssertionError(f"still {found!r} after {within} s")
        time.sleep(every)
