"""`postern-local scale`: more or fewer mailer replicas of whichever stack is running."""

import json
import threading

from postern_local import compose
from postern_local.configuration import StackConfiguration
from postern_local.console import emit
from postern_local.consumers import consumed, letter_queues
from postern_local.directory import StateDirectory
from postern_local.errors import NotRunning
from postern_local.lock import held, is_held
from postern_local.services import mailer
from postern_local.stages import kind_of, number_of
from postern_local.start_waiter import Patience
from postern_local.supervision import Supervisor


def scale(state: StateDirectory, *, replicas: int) -> None:
    """Bring the number of mailers to `replicas`; returns when they take letters and `stack.json` says so.

    Raises:
        NotRunning: neither the native stack nor Docker Compose's is up.
        LocalStackError: a new replica did not come up.
    """
    if is_held(state.lock_file) and state.stack_file.exists():
        _scale_native(state, replicas=replicas)
    elif compose.is_running():
        compose.scale(replicas)
    else:
        raise NotRunning("start one with `make run` or `make up`")
    emit(f"mailer replicas: {replicas}")


def _scale_native(state: StateDirectory, *, replicas: int) -> None:
    supervisor = Supervisor(state=state)
    configuration = StackConfiguration.load_from(state)
    letters = letter_queues(configuration.overrides)
    with held(state.run / "scale.lock", wait=True):
        present = sorted(
            number_of(entry.name) for entry in supervisor.states() if kind_of(entry.name) == "mailer"
        )
        fresh = [number for number in range(1, replicas + 1) if number not in present]
        added = fresh[: max(0, replicas - len(present))]
        supervisor.add(mailer(configuration, number) for number in added)
        supervisor.start(f"mailer-{number}" for number in added)
        supervisor.remove(f"mailer-{number}" for number in present[replicas:])
        patience = Patience(supervisor=supervisor, stop=threading.Event())
        patience.until(
            "mailers",
            lambda: consumed(configuration.broker.amqp_url, letters=letters, replicas=replicas),
            seconds=60,
        )
        patience.until("stack.json", lambda: _listed(state) == replicas, seconds=10)


def _listed(state: StateDirectory) -> int:
    description = json.loads(state.stack_file.read_text(encoding="utf-8"))
    return len(description["processes"]["mailer"])
