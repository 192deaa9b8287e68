"""What a run of a scenario came to, in numbers: printed, and kept as one JSON line."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions:
    """What a run ran on."""

    rabbitmq: str
    postgresql: str
    python: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The numbers of one run.

    Attributes:
        row, fault: of the matrix; which of the row's faults.
        seed: reproduces the run.
        quick: whether it was the small size.
        requested: letters asked for.
        accepted: requests that were promised a letter.
        delivered: requested letters that arrived.
        copies: messages that arrived beyond the first of their letter.
        ambiguous: letters the ledger says may have arrived twice.
        dead: letters that ended as dead letters.
        lost: letters promised or committed that ended in no way, or that nobody received though they count as sent.
        recovery_seconds: from the end of the fault until everything was quiet.
        worst_answer_seconds: of the API, over the whole run.
        violations: of the invariants; each begins with its name.
    """

    row: int
    fault: str
    seed: int
    quick: bool
    requested: int
    accepted: int
    delivered: int
    copies: int
    ambiguous: int
    dead: int
    lost: int
    recovery_seconds: float
    worst_answer_seconds: float
    violations: tuple[str, ...]
    versions: Versions

    def line(self) -> str:
        """One line for a person."""
        return (
            f"row {self.row} ({self.fault}): seed {self.seed}, requested {self.requested}, accepted {self.accepted}, "
            f"delivered {self.delivered}, copies {self.copies}, ambiguous {self.ambiguous}, dead {self.dead}, "
            f"lost {self.lost}, recovered in {self.recovery_seconds:.1f} s"
        )

    def append_to(self, path: Path) -> None:
        """Add them to a file of JSON lines."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(asdict(self), ensure_ascii=False) + "\n")


def read_figures(path: Path) -> list[Figures]:
    """Every run in a file of JSON lines."""
    return [_figures(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines() if line]


def _figures(fields: dict[str, object]) -> Figures:
    versions = fields.pop("versions")
    violations = fields.pop("violations")
    assert isinstance(versions, dict)
    assert isinstance(violations, list)
    return Figures(**fields, violations=tuple(violations), versions=Versions(**versions))  # type: ignore[arg-type]
