"""The topology doctor: holds the live broker against the topology and the apps against the safe settings."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

from celery import Celery

from mail_contract.topology import TOPOLOGY, VHOST
from mail_contract.vhost import Topology
from postern_rabbitmq.admin import BrokerAdmin
from postern_rabbitmq.doctor import alternates, drift, nodes, policies, queues, users
from postern_rabbitmq.doctor.celery import examine_app
from postern_rabbitmq.doctor.finding import Code, Diagnosis, Finding, Severity
from postern_rabbitmq.doctor.snapshot import Snapshot, read_snapshot
from service_runtime.celery.app import build_app

INTERVAL_SECONDS = 6.0
"""Between the two looks; longer than the 5 s after which RabbitMQ writes a queue's figures anew."""

Check = Callable[[Snapshot], Iterator[Finding]]

CHECKS: Sequence[Check] = (
    nodes.version,
    nodes.nodes,
    nodes.alarms,
    drift.drift,
    drift.queue_types,
    policies.policies_in_effect,
    alternates.alternates,
    queues.consumers,
    queues.paused,
    queues.urgent_alone,
    queues.progress,
    queues.dead_letters,
    queues.unroutable,
    users.guest,
    users.administrators,
    users.service_users,
    users.strangers,
)
"""Everything that is asked of a live broker."""


def diagnose(
    admin: BrokerAdmin,
    *,
    vhost: str = VHOST,
    topology: Topology = TOPOLOGY,
    user_prefix: str = "",
    apps: Sequence[Celery] = (),
    further: Sequence[Check] = (),
    interval: float = INTERVAL_SECONDS,
    wait: Callable[[float], None] = time.sleep,
) -> Diagnosis:
    """Examines a broker and the Celery apps; changes nothing. Takes `interval` seconds.

    Args:
        admin: logged in as an administrator.
        vhost: to examine.
        topology: it should have.
        user_prefix: before the names of the topology's users.
        apps: examined besides the one of `build_app`.
        further: checks of whoever knows more than the broker does.
        interval: seconds between the two looks at the queues.
        wait: lets the interval pass.

    Raises:
        TopologyError: the broker cannot be asked.
    """
    of_apps = [
        finding for app in (contract_app(topology), *apps) for finding in examine_app(app, topology=topology)
    ]
    if vhost not in {item["name"] for item in admin.get("vhosts")}:
        return Diagnosis(
            vhost=vhost,
            broker_version=admin.version(),
            findings=(_no_vhost(vhost), *of_apps),
        )
    snapshot = read_snapshot(
        admin, vhost=vhost, topology=topology, user_prefix=user_prefix, interval=interval, wait=wait
    )
    of_broker = [finding for check in (*CHECKS, *further) for finding in check(snapshot)]
    return Diagnosis(vhost=vhost, broker_version=snapshot.version, findings=(*of_broker, *of_apps))


def contract_app(topology: Topology) -> Celery:
    """The app as both services build it, with every queue."""
    return build_app("mail-contract", broker_url="amqp://", consumes=topology.queues)


def _no_vhost(vhost: str) -> Finding:
    return Finding(
        code=Code.MISSING,
        severity=Severity.ERROR,
        object=vhost,
        sentence=f"vhost {vhost} is missing: no service can connect",
        fix=drift.APPLY,
    )
