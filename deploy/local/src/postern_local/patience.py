"""Waiting during the start: ends at once when a program fails or somebody presses Ctrl-C."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from postern_local.errors import Interrupted, StepFailed
from postern_local.log_stream import last_lines
from postern_local.readiness import wait_for
from postern_local.supervision import FAILED, Supervisor


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """What is watched while something is waited for."""

    supervisor: Supervisor
    stop: threading.Event

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
            if program.state in FAILED:
                log = self.supervisor.state.logs / f"{program.name}.log"
                raise StepFailed(f"{program.name} ended; the end of {log}:\n{last_lines(log, 20)}")
