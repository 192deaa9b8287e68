"""`mailer-service keys`: makes the key pair that letters are sealed with."""

from __future__ import annotations

import os
from pathlib import Path

from mail_contract.keys import generate_sealing_keys

PRIVATE = "sealing.private.json"
PUBLIC = "sealing.public.json"


def run(directory: Path) -> tuple[Path, ...]:
    """Writes both halves, readable by their owner only, unless they are there already.

    Args:
        directory: made if need be.

    Returns:
        The files written.

    Raises:
        FileExistsError: one half is there without the other, which cannot be made from it here.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    files = directory / PRIVATE, directory / PUBLIC
    present = [path for path in files if path.exists()]
    if len(present) == len(files):
        return ()
    if present:
        raise FileExistsError(f"{present[0]} is there, but its other half is not")
    for path, text in zip(files, generate_sealing_keys(), strict=True):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text + "\n")
    return files
