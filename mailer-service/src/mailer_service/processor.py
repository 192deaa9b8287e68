"""One processor for all threads of a replica.

The interpreter runs one thread at a time, so a second processor is of no use to it. But the kernel wakes each thread on
whichever is free, and handing the interpreter's lock over to another processor costs more than the work between two
such moments: on one processor forty threads send twice as many letters (docs/decisions/why-threads.md). It stays there:
looking every few seconds for one that others use less, and moving to it, changed nothing (`make benchmailer` on two busy
processors, two turns: 4.5 to 4.6 ms of CPU a letter with it, 3.9 to 4.5 without).
"""

from __future__ import annotations

import os
import random
from contextlib import suppress


def keep_to_one_processor() -> None:
    """Chooses one for this thread and for all it starts, so it is called before there are others.

    Where the system has none to choose from, or forbids it, threads run wherever the kernel likes.
    """
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    if len(allowed) > 1:
        with suppress(OSError):  # a sandbox
            # By chance: replicas that start together would all find the same one free.
            os.sched_setaffinity(0, {random.choice(sorted(allowed))})  # noqa: S311 - no secret
