"""Files of secrets: written once, replaced whole, readable by their owner alone."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def write_missing(path: Path, make: Callable[[], str]) -> Path | None:
    """Writes a file that is not there yet; returns it, or None if it is there.

    Written beside and linked into place: nobody ever reads half a key, and of two who write at once one wins.
    """
    if path.exists():
        return None
    draft = _draft(path, make())
    try:
        os.link(draft, path)
    except FileExistsError:
        return None
    finally:
        draft.unlink()
    return path


def replace(path: Path, text: str) -> None:
    """Writes a file anew for the same owner, or leaves it as it is: the service's user must be able to read it still."""
    old = path.stat()
    draft = _draft(path, text)
    try:
        os.chown(draft, old.st_uid, old.st_gid)
        draft.chmod(old.st_mode & 0o777)
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Has whoever else changes files there wait; what was replaced is on disk in the end."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _draft(path: Path, text: str) -> Path:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    return draft
