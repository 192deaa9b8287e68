"""`postern-local clean`: removes the data of the native stack; never stops anything."""

import shutil

from postern_local import leftovers
from postern_local.console import emit
from postern_local.database import remove_data
from postern_local.directory import StateDirectory
from postern_local.errors import AlreadyRunning, StillRunning
from postern_local.lock import held


def clean(state: StateDirectory) -> None:
    """Delete everything a stack keeps, and nothing else that lies in the same directory.

    Raises:
        StillRunning: a stack is up, or a killed run left processes behind.
    """
    if not state.run.exists():
        emit(f"nothing to remove in {state.root}")
        return
    try:
        with held(state.lock_file):
            if leftovers.alive(state):
                raise StillRunning("a run that was killed left processes behind; `make run` ends them")
            leftovers.forget(state)
            _remove(state)
    except AlreadyRunning:
        raise StillRunning from None
    emit(f"removed the data in {state.root}")


def _remove(state: StateDirectory) -> None:
    remove_data(state.database)
    for directory in (state.broker, state.keys, state.logs):
        shutil.rmtree(directory, ignore_errors=True)
    for file in (state.passwords_file, state.ports_file):
        file.unlink(missing_ok=True)
    shutil.rmtree(state.run)
    if not any(state.root.iterdir()):
        state.root.rmdir()
