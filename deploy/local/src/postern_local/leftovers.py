"""What a run that was killed left behind: found by what it wrote down, and stopped before the next one starts."""

from collections.abc import Iterable

from postern_local.directory import StateDirectory
from postern_local.processes import ProcessIdentity, end, record, recorded
from postern_local.supervision import ProgramState, Supervisor


def remember(
    state: StateDirectory, *, daemon: int | None = None, programs: Iterable[ProgramState] = ()
) -> None:
    """Write down the processes of this run.

    Args:
        state: of the run.
        daemon: supervisord's pid, said once when it was started.
        programs: all others as they are now.
    """
    first = [ProcessIdentity.of(daemon)] if daemon is not None else recorded(state.started_file)[:1]
    others = [ProcessIdentity.of(program.pid) for program in programs if program.pid is not None]
    record(state.started_file, [identity for identity in [*first, *others] if identity is not None])


def alive(state: StateDirectory) -> list[ProcessIdentity]:
    """Processes of an earlier run that still live."""
    return [identity for identity in recorded(state.started_file) if identity.process() is not None]


def stop(state: StateDirectory) -> None:
    """End what is left of a run: supervisord first, which stops its own, then the rest by pid."""
    left = alive(state)
    end(left[:1], seconds=90)
    end(left[1:], seconds=30)
    forget(state)


def forget(state: StateDirectory) -> None:
    """Remove every trace of a run that is over; data stays."""
    supervisor = Supervisor(state=state)
    supervisor.socket.unlink(missing_ok=True)
    if supervisor.socket.parent != state.run and supervisor.socket.parent.exists():
        supervisor.socket.parent.rmdir()
    state.stack_file.unlink(missing_ok=True)
    state.operator_file.unlink(missing_ok=True)
    state.started_file.unlink(missing_ok=True)
