"""One difference between the topology and a broker, as data: the check prints it, the doctor knows what helps."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, assert_never


class ObjectKind(StrEnum):
    """What may differ; the value is how people call it."""

    EXCHANGE = "exchange"
    QUEUE = "queue"
    POLICY = "policy"
    BINDING = "binding"
    RIGHTS = "rights of user"


class Deviation(StrEnum):
    """In which way it differs."""

    MISSING = "missing"
    FOREIGN = "foreign"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """An object that is not as the topology says.

    Attributes:
        kind: of the object.
        name: its name; of a binding `source --key--> queue`.
        deviation: in which way.
        field: what is changed in a changed object.
        actual: the field's value on the broker.
        wanted: the field's value in the topology.
    """

    kind: ObjectKind
    name: str
    deviation: Deviation
    field: str = ""
    actual: Any = None
    wanted: Any = None

    @property
    def sentence(self) -> str:
        """The difference in words."""
        match self.deviation:
            case Deviation.MISSING:
                return f"{self.kind} {self.name} is missing"
            case Deviation.FOREIGN:
                return f"{self.kind} {self.name} is not part of the topology"
            case Deviation.CHANGED:
                return f"{self.kind} {self.name}: {self.field} is {self.actual!r}, not {self.wanted!r}"
            case _:
                assert_never(self.deviation)
