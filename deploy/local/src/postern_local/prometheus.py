"""Debian's Prometheus beside the stack, with the rules of deploy/prometheus/ and targets that follow the replicas."""

import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from mail_contract.topology import VHOST
from postern_local.configuration import REPOSITORY, StackConfiguration
from postern_local.directory import write_private
from postern_local.ports import LOOPBACK
from postern_local.program import Program
from postern_local.stack_file import auth_metrics, metrics_addresses
from postern_local.supervision import ProgramState

RULES = REPOSITORY / "deploy" / "prometheus" / "rules"
_KEPT = "15d"


def prometheus(configuration: StackConfiguration) -> Program:
    """The program; its configuration is written by the way."""
    run = configuration.state.run
    settings = {
        "global": {"scrape_interval": "5s", "evaluation_interval": "5s"},
        "rule_files": [str(RULES / "*.yml")],
        "scrape_configs": [
            {
                "job_name": "postern",
                "file_sd_configs": [
                    {"files": [str(configuration.state.targets_file)], "refresh_interval": "5s"}
                ],
            }
        ],
    }
    write_private(run / "prometheus.yml", json.dumps(settings, indent=2) + "\n")  # JSON is YAML
    return Program(
        name="prometheus",
        command=(
            "prometheus",
            f"--config.file={run / 'prometheus.yml'}",
            f"--storage.tsdb.path={configuration.state.root / 'prometheus'}",
            f"--storage.tsdb.retention.time={_KEPT}",
            f"--web.listen-address={LOOPBACK}:{configuration.ports['prometheus']}",
            "--log.level=warn",
        ),
        directory=configuration.state.run,
    )


def write_targets(configuration: StackConfiguration, states: Iterable[ProgramState]) -> None:
    """Tells Prometheus where the processes are that run now."""
    write_private(
        configuration.state.targets_file, json.dumps(list(_targets(configuration, states)), indent=2) + "\n"
    )


def _targets(configuration: StackConfiguration, states: Iterable[ProgramState]) -> Iterable[dict[str, Any]]:
    for job, address in auth_metrics(configuration).items():
        yield _target(address, job=job)
    for address in metrics_addresses(configuration, states):
        yield _target(address, job="mailer")
    broker = configuration.http("rabbitmq_metrics")
    yield _target(f"{broker}/metrics", job="rabbitmq")
    queues = {"__param_family": "queue_coarse_metrics", "__param_vhost": VHOST}
    yield _target(f"{broker}/metrics/detailed", job="rabbitmq-queues", more=queues)


def _target(address: str, *, job: str, more: Mapping[str, str] | None = None) -> dict[str, Any]:
    parts = urlsplit(address)
    return {
        "targets": [parts.netloc],
        "labels": {"job": job, "__metrics_path__": parts.path, **(more or {})},
    }
