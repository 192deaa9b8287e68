"""`postern-local scale`: more or fewer replicas of the stack that runs, and of every later one."""

import json
import signal
import threading
from collections.abc import Mapping
from typing import Final

import psutil

from postern_local.configuration import StackConfiguration
from postern_local.console import emit
from postern_local.consumers import consumed, letter_queues
from postern_local.directory import StateDirectory
from postern_local.errors import NotRunning
from postern_local.lock import held, is_held
from postern_local.replicas import Replicas
from postern_local.services import mailer
from postern_local.stages import kind_of, number_of
from postern_local.start_waiter import Patience
from postern_local.supervision import Supervisor

_ONE_SIGNAL_SECONDS: Final = 30


def scale(state: StateDirectory, wanted: Mapping[str, int]) -> None:
    """Bring the number of replicas to what is wanted, by kind: `mailer` or `api`.

    Returns when the mailers take letters, the API's processes run and `stack.json` says so.

    Raises:
        NotRunning: the stack is not up.
        LocalStackError: a new replica did not come up.
    """
    if not is_held(state.lock_file) or not state.stack_file.exists():
        raise NotRunning("start one with `make run`")
    supervisor = Supervisor(state=state)
    configuration = StackConfiguration.load_from(state)
    patience = Patience(supervisor=supervisor, stop=threading.Event())
    with held(state.run / "scale.lock", wait=True):
        if "mailer" in wanted:
            _scale_mailers(configuration, supervisor, patience, wanted["mailer"])
        if "api" in wanted:
            _scale_api(supervisor, patience, wanted["api"])
        Replicas.load_from(state).with_numbers(wanted).save_in(state)
    for kind, number in wanted.items():
        emit(f"{kind} replicas: {number}")


def _scale_mailers(
    configuration: StackConfiguration, supervisor: Supervisor, patience: Patience, replicas: int
) -> None:
    letters = letter_queues(configuration.overrides)
    present = sorted(
        number_of(entry.name) for entry in supervisor.states() if kind_of(entry.name) == "mailer"
    )
    fresh = [number for number in range(1, replicas + 1) if number not in present]
    added = fresh[: max(0, replicas - len(present))]
    supervisor.add(mailer(configuration, number) for number in added)
    supervisor.start(f"mailer-{number}" for number in added)
    supervisor.remove(f"mailer-{number}" for number in present[replicas:])
    patience.until(
        "mailers",
        lambda: consumed(configuration.broker.amqp_url, letters=letters, replicas=replicas),
        seconds=60,
    )
    patience.until("stack.json", lambda: _listed(configuration.state) == replicas, seconds=10)


def _scale_api(supervisor: Supervisor, patience: Patience, replicas: int) -> None:
    """Asks the API's master for one process more or less at a time, so that it answers all the while."""
    master = next(entry.pid for entry in supervisor.states() if entry.name == "api")
    process = psutil.Process(master)
    while (present := len(process.children())) != replicas:
        process.send_signal(signal.SIGTTIN if present < replicas else signal.SIGTTOU)
        patience.until(
            "API processes",
            lambda before=present: len(process.children()) != before,  # type: ignore[misc]
            seconds=_ONE_SIGNAL_SECONDS,
        )


def _listed(state: StateDirectory) -> int:
    description = json.loads(state.stack_file.read_text(encoding="utf-8"))
    return len(description["processes"]["mailer"])
