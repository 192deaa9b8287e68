"""A database whose clock differs from everybody else's, by libfaketime; its timers go on as they should."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from support.infra import Infra


@contextmanager
def database_clock(infra: Infra, offset: str) -> Iterator[None]:
    """Restart PostgreSQL with its clock wrong by `offset`, such as -25h, until the end of the block.

    Raises:
        AssertionError: libfaketime is not installed.
    """
    libraries = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    assert libraries, "libfaketime is missing: apt-get install faketime"
    # Not in the environment: the library's shared memory would belong to root before the server drops to its own user.
    wrong = ("env", f"LD_PRELOAD={libraries[0]}", f"FAKETIME={offset}", "FAKETIME_DONT_FAKE_MONOTONIC=1")
    right = infra.postgres.program
    infra.stop_postgres()
    infra.postgres.program = replace(right, command=(*wrong, *right.command))
    try:
        infra.start_postgres()
        yield
    finally:
        infra.stop_postgres()
        infra.postgres.program = right
        infra.start_postgres()
