"""A fault that has to last: waiting that is the point, and not a hope that something is ready by then."""

import time

from support.eventually import eventually


def lasting(seconds: float) -> None:
    """Return after so many seconds."""
    end = time.monotonic() + seconds
    eventually(lambda: time.monotonic() >= end, within=seconds + 1, every=0.2)
