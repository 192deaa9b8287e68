"""The order of stopping: what is in front first, so that nothing loses what it depends on while it finishes."""

import re
from collections.abc import Iterable

STAGES = {
    "epmd": 0,
    "postgres": 1,
    "rabbitmq": 1,
    "inbox": 2,
    "flower": 3,
    "auth-worker": 4,
    "mailer": 4,
    "mailer-urgent": 4,
    "relay": 5,
    "api": 6,
    "beat": 6,
    "prometheus": 7,
}
"""By kind of program; a higher one is stopped earlier."""

SERVICES = frozenset(kind for kind, stage in STAGES.items() if stage > 1)


def kind_of(program: str) -> str:
    """What a program is, without the number of the replica: `mailer` for `mailer-3`."""
    return re.sub(r"-\d+$", "", program)


def number_of(program: str) -> int:
    """The number of the replica; 0 where there is none."""
    found = re.search(r"-(\d+)$", program)
    return int(found.group(1)) if found else 0


def stage_of(program: str) -> int:
    """Where a program stands in the order."""
    return STAGES[kind_of(program)]


def by_stage(programs: Iterable[str]) -> list[list[str]]:
    """Programs in the order of stopping; those of one list side by side."""
    known = sorted(programs)
    stages = sorted({stage_of(name) for name in known}, reverse=True)
    return [[name for name in known if stage_of(name) == stage] for stage in stages]
