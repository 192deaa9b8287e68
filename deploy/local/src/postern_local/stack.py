"""The native stack from its first process to its last."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass

from postern_local import leftovers
from postern_local.answers import service_answers
from postern_local.configuration import StackConfiguration
from postern_local.console import emit, say
from postern_local.errors import SupervisorGone
from postern_local.log_stream import LogStream
from postern_local.operator_file import write_operator_file
from postern_local.program import Program
from postern_local.prometheus import prometheus, write_targets
from postern_local.readiness import wait_for
from postern_local.replicas import Replicas
from postern_local.services import with_broker, without_broker
from postern_local.stack_file import metrics_addresses, write_stack_file
from postern_local.stages import SERVICES, by_stage, kind_of
from postern_local.start_waiter import Patience
from postern_local.steps import prepare_files, set_up
from postern_local.supervision import ProgramState, Supervisor

LOOK_EVERY_SECONDS = 0.25
START_SECONDS = 120
"""For one part; on an idle machine all of them together take about ten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """One run.

    Attributes:
        configuration: what it consists of.
        supervisor: that of its state directory.
        stop: set when it is to end.
        monitoring: whether Prometheus belongs to it.
    """

    configuration: StackConfiguration
    supervisor: Supervisor
    stop: threading.Event
    monitoring: bool = False

    def start(self, replicas: Replicas) -> None:
        """Bring everything up; returns when every part answers.

        Raises:
            LocalStackError: a step failed, or the stack is to stop; what runs by then is for `end`.
        """
        patience = Patience(supervisor=self.supervisor, stop=self.stop)
        prepare_files(self.configuration)
        say("starting RabbitMQ and PostgreSQL")
        daemon = self.supervisor.launch()
        leftovers.remember(self.configuration.state, daemon=daemon.pid)
        wait_for("supervisord", self.supervisor.is_up, seconds=10)
        self._start([self.configuration.cluster.program(), *self.configuration.broker.programs()])
        set_up(
            self.configuration,
            patience,
            once_migrated=lambda: self._start(without_broker(self.configuration, replicas=replicas.api)),
        )
        say("starting the other services")
        self._start(with_broker(self.configuration, replicas=replicas.mailer))
        if self.monitoring:
            self._start([prometheus(self.configuration)])
        for name, answers in service_answers(self.configuration, replicas=replicas.mailer):
            patience.until(name, answers, seconds=START_SECONDS)
            say(f"{name} answers")
        write_operator_file(self.configuration)
        self._write_down(self.supervisor.states())

    def metrics(self) -> list[str]:
        """Where each mailer's figures are."""
        return metrics_addresses(self.configuration, self.supervisor.states())

    def watch(self) -> None:
        """Stream the logs and keep `stack.json` true until the stack is to stop.

        Raises:
            SupervisorGone: somebody ended supervisord.
        """
        stream = LogStream(directory=self.configuration.state.logs, write=emit)
        known = self.supervisor.states()
        while not self.stop.wait(LOOK_EVERY_SECONDS):
            states = self.supervisor.states()
            if states != known:
                self._write_down(states)
                known = states
            stream.follow(entry.name for entry in states if kind_of(entry.name) in SERVICES)
            stream.pump()

    def end(self) -> None:
        """Stop everything, what is in front first; the data stays."""
        self.configuration.state.stack_file.unlink(missing_ok=True)
        self.configuration.state.operator_file.unlink(missing_ok=True)
        try:
            for names in by_stage(entry.name for entry in self.supervisor.states()):
                say(f"stopping {', '.join(names)}")
                self.supervisor.stop(names)
            self.supervisor.shut_down()
        except SupervisorGone:
            say("supervisord does not answer; stopping what is left by pid")
        leftovers.stop(self.configuration.state)

    def _start(self, programs: Iterable[Program]) -> None:
        wanted = list(programs)
        self.supervisor.add(wanted)
        self.supervisor.start(program.name for program in wanted)
        leftovers.remember(self.configuration.state, programs=self.supervisor.states())

    def _write_down(self, states: list[ProgramState]) -> None:
        write_stack_file(self.configuration, states)
        if self.monitoring:
            write_targets(self.configuration, states)
        leftovers.remember(self.configuration.state, programs=states)
