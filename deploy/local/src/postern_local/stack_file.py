"""`stack.json`: where everything is, for scripts and tests; there only while the stack is up."""

import json
from collections.abc import Iterable
from typing import Any

from postern_local import replica_ports
from postern_local.configuration import StackConfiguration
from postern_local.directory import write_private
from postern_local.stages import kind_of, number_of
from postern_local.supervision import ProgramState

LISTED = (
    "api",
    "relay",
    "auth-worker",
    "beat",
    "mailer",
    "mailer-urgent",
    "rabbitmq",
    "postgres",
    "flower",
    "inbox",
)
MAILERS = ("mailer", "mailer-urgent")


def process_table(states: Iterable[ProgramState]) -> dict[str, list[int]]:
    """Pids by kind of process, replicas in the order of their numbers; a process that is down is not listed."""
    table: dict[str, list[int]] = {name: [] for name in LISTED}
    for state in sorted(states, key=lambda entry: number_of(entry.name)):
        kind = kind_of(state.name)
        if kind in table and state.pid is not None:
            table[kind].append(state.pid)
    return table


def metrics_addresses(configuration: StackConfiguration, states: Iterable[ProgramState]) -> list[str]:
    """Where Prometheus finds each mailer, in the order of the process table."""
    up = [state.name for state in states if state.pid is not None and kind_of(state.name) in MAILERS]
    ordered = sorted(up, key=lambda name: (MAILERS.index(kind_of(name)), number_of(name)))
    return [f"{replica_ports.address(configuration.state, name)}/metrics" for name in ordered]


def auth_metrics(configuration: StackConfiguration) -> dict[str, str]:
    """Where Prometheus finds each process of auth-service, by its kind."""
    ports = {"api": "ops", "relay": "relay", "auth-worker": "auth_worker", "beat": "beat"}
    return {kind: f"{configuration.http(port)}/metrics" for kind, port in ports.items()}


def stack_description(configuration: StackConfiguration, states: Iterable[ProgramState]) -> dict[str, Any]:
    """The whole content; its addresses carry logins, so the file is for its owner only."""
    known = list(states)
    return {
        "api": configuration.http("api"),
        "ops": configuration.http("ops"),
        "inbox": configuration.http("inbox"),
        "rabbitmq_console": configuration.http("rabbitmq_console"),
        "flower": configuration.http("flower"),
        "amqp": configuration.broker.amqp_url,
        "database": {
            service: configuration.database_url(service, role="migrator") for service in ("auth", "mailer")
        },
        "smtp": configuration.smtp,
        "rabbitmq_admin": configuration.broker.management_url,
        "flower_login": configuration.flower_login,
        "metrics": metrics_addresses(configuration, known),
        "auth_metrics": auth_metrics(configuration),
        "processes": process_table(known),
    }


def write_stack_file(configuration: StackConfiguration, states: Iterable[ProgramState]) -> None:
    """Write it anew; a reader sees the old or the new one, whole."""
    text = json.dumps(stack_description(configuration, states), indent=2)
    write_private(configuration.state.stack_file, text + "\n")
