"""Programs of others, run apart: without a network, with a DNS of their own, and gone when they are done."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from support import with_dns


@contextmanager
def letter_files(letters: Mapping[str, bytes]) -> Iterator[list[Path]]:
    """The letters as files of those names, for the time of the block."""
    with TemporaryDirectory(prefix="postern-letters-") as directory:
        files = [Path(directory, name) for name in letters]
        for file, octets in zip(files, letters.values(), strict=True):
            file.write_bytes(octets)
        yield files


def run_apart(records: Mapping[str, str], *command: str) -> str:
    """What the command prints.

    Args:
        records: TXT records of the DNS that it asks, which knows nothing else.
        command: with its arguments; whatever it starts ends with it.
    """
    with TemporaryDirectory(prefix="postern-home-") as home:
        done = subprocess.run(
            [
                *("unshare", "--map-root-user", "--net", "--mount", "--pid", "--fork", "--kill-child"),
                # Without its own directory on the path: modules beside it have names of the standard library's.
                *(sys.executable, "-P", with_dns.__file__, json.dumps(dict(records)), *command),
            ],
            capture_output=True,
            env={"PATH": f"{os.environ['PATH']}:/usr/sbin", "HOME": home, "LC_ALL": "C.UTF-8"},
            text=True,
            check=False,
            timeout=150,
        )
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout
