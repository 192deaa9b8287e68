"""Directories that belong to one user, in places where everybody may write."""

import hashlib
import os
import pwd
import stat
from pathlib import Path

from postern_local.errors import UnsafeDirectory


def short_name(path: Path) -> str:
    """A name for something that belongs to `path` but has to lie elsewhere; the same at every call."""
    return "postern-" + hashlib.sha256(str(path).encode()).hexdigest()[:12]


def make_private(directory: Path, *, owner: str | None = None) -> None:
    """Make `directory` with mode 0700, or make sure that the one there is ours.

    Args:
        directory: its parent exists.
        owner: account it is for; None for our own.

    Raises:
        UnsafeDirectory: it is a link or somebody else's.
    """
    account = pwd.getpwuid(os.geteuid()) if owner is None else pwd.getpwnam(owner)
    try:
        directory.mkdir(mode=0o700)
    except FileExistsError:
        found = directory.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {account.pw_uid, os.geteuid()}:
            raise UnsafeDirectory(str(directory)) from None
    if owner is not None:
        os.chown(directory, account.pw_uid, account.pw_gid)
    directory.chmod(0o700)
