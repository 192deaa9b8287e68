"""Processes whose clock stands still (SIGSTOP) while their sockets stay open."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import psutil


def tree(pid: int) -> list[psutil.Process]:
    """A process and all below it."""
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


@contextmanager
def frozen(pids: Iterable[int]) -> Iterator[None]:
    """Stop the clock of these processes, and of all below them, until the end of the block."""
    processes = [process for pid in pids for process in tree(pid)]
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()
