"""Waiting during the start: ends at once when a program fails or somebody presses Ctrl-C."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from postern_local.errors import Interrupted, StepFailed
from postern_local.log_stream import last_lines
from postern_local.readiness import wait_for
from postern_local.supervision import FAILED, ProgramState, Supervisor


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """What is watched while something is waited for.

    Attributes:
        supervisor: of the programs; any of them that ends is a failure.
        stop: set when nobody is to wait any longer.
    """

    supervisor: Supervisor
    stop: threading.Event
    _pids: dict[str, int] = field(default_factory=dict, init=False)

    def until(self, name: str, check: Callable[[], bool], *, seconds: float) -> None:
        """Return once `check` says yes.

        Raises:
            NotReady: it did not in time.
            StepFailed: a program ended meanwhile; the error has its last words.
            Interrupted: the stack is to stop.
        """

        def asked() -> bool:
            if self.stop.is_set():
                raise Interrupted
            if check():
                return True
            self._look_for_failures()
            return False

        wait_for(name, asked, seconds=seconds)

    def _look_for_failures(self) -> None:
        for program in self.supervisor.states():
            if program.state in FAILED or self._started_anew(program):
                log = self.supervisor.state.logs / f"{program.name}.log"
                raise StepFailed(f"{program.name} ended; the end of {log}:\n{last_lines(log, 20)}")

    def _started_anew(self, program: ProgramState) -> bool:
        # A program that needs more than a second to fail is running again before anybody could see it ended.
        return program.pid is not None and self._pids.setdefault(program.name, program.pid) != program.pid
