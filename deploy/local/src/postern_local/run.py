"""`postern-local run`: the native stack in the foreground, until Ctrl-C or SIGTERM."""

import signal
import threading
from types import FrameType

from postern_local import leftovers
from postern_local.address_table import address_table
from postern_local.configuration import StackConfiguration
from postern_local.console import emit, say
from postern_local.directory import StateDirectory
from postern_local.lock import held
from postern_local.replicas import Replicas
from postern_local.stack import Stack
from postern_local.supervision import Supervisor

ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(state: StateDirectory, *, monitoring: bool) -> None:
    """Start the stack, stay with it, and stop all of it in order.

    Raises:
        AlreadyRunning: one is up in this state directory.
        LocalStackError: it could not be started, or did not stay up; whatever was started is stopped by then.
    """
    state.create()
    with held(state.lock_file):
        stop = _stop_on_signals()  # before anything is stopped or started, so that neither is left half done
        if leftovers.alive(state):
            say("stopping what a killed run left behind")
        leftovers.stop(state)
        stack = Stack(
            configuration=StackConfiguration.create_in(state),
            supervisor=Supervisor(state=state),
            stop=stop,
            monitoring=monitoring,
        )
        try:
            stack.start(Replicas.load_from(state))
            say("everything answers")
            emit("")
            emit(address_table(stack.configuration, metrics=stack.metrics(), monitoring=monitoring))
            emit(f"\nFor an operator's commands: (set -a; . {state.operator_file}; mailer-service dead list)")
            emit(f"Ctrl-C stops it; the data stays in {state.root}.\n")
            stack.watch()
        finally:
            stack.end()
            say("stopped")


def _stop_on_signals() -> threading.Event:
    stop = threading.Event()

    def ask(_signal: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            say("already stopping, in order")
        stop.set()

    for name in ENDING_SIGNALS:
        signal.signal(name, ask)
    return stop
