"""What the topology doctor finds: one type, a fixed list of codes, each with its page section in `docs/doctor.md`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad it is.

    `ERROR`: letters are or will be lost, kept or doubled, or somebody can do what only Postern may.
    `WARNING`: a person should look.
    """

    ERROR = "error"
    WARNING = "warning"


class Area(StrEnum):
    """Which part of the system; findings are printed by area."""

    BROKER = "broker"
    TOPOLOGY = "topology"
    QUEUES = "queues"
    USERS = "users"
    SETTINGS = "settings"


class Code(StrEnum):
    """Every kind of finding, `area.name`; scripts may rely on these."""

    VERSION = "broker.version"
    PLUGIN_MISSING = "broker.plugin_missing"
    MEMORY_ALARM = "broker.memory_alarm"
    DISK_ALARM = "broker.disk_alarm"
    NODE_DOWN = "broker.node_down"
    PARTITION = "broker.partition"

    MISSING = "topology.missing"
    FOREIGN = "topology.foreign"
    CHANGED = "topology.changed"
    WRONG_QUEUE_TYPE = "topology.wrong_queue_type"
    OVERRIDING_ARGUMENT = "topology.overriding_argument"
    NO_ALTERNATE = "topology.no_alternate"
    UNWANTED_ALTERNATE = "topology.unwanted_alternate"
    NO_DEAD_LETTERS = "topology.no_dead_letter_exchange"
    POLICY_NOT_IN_EFFECT = "topology.policy_not_in_effect"
    OPERATOR_POLICY = "topology.operator_policy"
    NOT_REPORTED = "topology.not_reported"

    NO_CONSUMER = "queues.no_consumer"
    PAUSED = "queues.paused"
    HELD = "queues.held"
    CONSUMER_WITHOUT_ACK = "queues.consumer_without_ack"
    URGENT_NOT_ALONE = "queues.urgent_not_alone"
    STUCK = "queues.stuck"
    DEAD_LETTERING_STUCK = "queues.dead_lettering_stuck"
    DEAD_LETTERS = "queues.dead_letters"
    DEAD_LETTERS_GROWING = "queues.dead_letters_growing"
    UNROUTABLE = "queues.unroutable"
    LETTERS_LOST = "queues.letters_lost"
    LETTERS_NOT_COUNTED = "queues.letters_not_counted"

    GUEST = "users.guest"
    MANY_ADMINISTRATORS = "users.many_administrators"
    RIGHTS = "users.rights"
    TAGS = "users.tags"
    OTHER_VHOST = "users.other_vhost"
    STRANGER = "users.stranger"

    UNSAFE_SETTING = "settings.unsafe"
    UNSAFE_TASK = "settings.unsafe_task"
    DECLARES_QUEUE = "settings.declares_queue"
    QUEUE_TYPE_MISSING = "settings.queue_type_missing"
    UNKNOWN_QUEUE = "settings.unknown_queue"

    @property
    def area(self) -> Area:
        """The part before the dot."""
        return Area(self.value.partition(".")[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        code: what kind.
        severity: how bad.
        object: the queue, exchange, user, node or setting it is about.
        sentence: what is wrong and what follows from it.
        fix: what to do, a command where there is one.
    """

    code: Code
    severity: Severity
    object: str
    sentence: str
    fix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """Everything found on one virtual host."""

    vhost: str
    broker_version: str
    findings: tuple[Finding, ...]

    def count(self, severity: Severity) -> int:
        """How many of that severity."""
        return sum(finding.severity is severity for finding in self.findings)

    @property
    def exit_code(self) -> int:
        """0 for nothing or warnings only, 1 with at least one error."""
        return 1 if self.count(Severity.ERROR) else 0


def by_area(findings: Iterable[Finding]) -> dict[Area, list[Finding]]:
    """Groups findings in the order of the areas, errors first; areas without any are left out."""
    ordered = sorted(findings, key=lambda finding: (finding.severity is Severity.WARNING, finding.code))
    groups = {area: [finding for finding in ordered if finding.code.area is area] for area in Area}
    return {area: group for area, group in groups.items() if group}
