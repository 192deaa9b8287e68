"""Databases that lie elsewhere and belong to nobody any more: what `kill -9` of a test run, or `rm -rf .postern`, leaves.

Data outside its state directory has a note beside it that says where it belongs, and for data that is not meant to
last, which process made it. It is a stray once nothing there leads to it, or once that process is gone.
"""

import json
import os
import shutil
from dataclasses import asdict
from pathlib import Path

from postern_local.directory import write_private
from postern_local.processes import ProcessIdentity

_NOTE = "belongs-to.json"
_POSTMASTER = Path("data", "postmaster.pid")


def note_owner(home: Path, *, place: Path, lasting: bool) -> None:
    """Write down whose data `home` is.

    Args:
        home: directory of the data.
        place: the link in the state directory that leads there.
        lasting: whether it is meant to outlive this process.
    """
    maker = None if lasting else ProcessIdentity.of(os.getpid())
    note = {"place": str(place), "maker": asdict(maker) if maker is not None else None}
    write_private(home / _NOTE, json.dumps(note) + "\n")


def sweep(elsewhere: Path) -> list[Path]:
    """Remove the orphans in a directory that holds such data; returns what was removed.

    What has no note of ours or has a server on it stays.
    """
    orphans = [home for home in sorted(elsewhere.glob("postern-*")) if _is_orphan(home)]
    for home in orphans:
        shutil.rmtree(home, ignore_errors=True)
    return orphans


def _is_orphan(home: Path) -> bool:
    note_file = home / _NOTE
    try:
        if home.is_symlink() or note_file.lstat().st_uid != os.geteuid():
            return False  # everybody may write there
        note = json.loads(note_file.read_text(encoding="utf-8"))
        place, maker = Path(note["place"]), note["maker"]
    except (OSError, ValueError, KeyError):
        return False
    wanted = place.is_symlink() and place.resolve() == home.resolve()
    if wanted and maker is not None:
        wanted = ProcessIdentity(**maker).process() is not None
    return not wanted and not _is_served(home)


def _is_served(home: Path) -> bool:
    try:
        pid, *_ = (home / _POSTMASTER).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return False
    return ProcessIdentity.of(int(pid)) is not None
