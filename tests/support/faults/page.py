"""The published figures: added up by fault, kept as JSON, shown as a page."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from support.faults.figures import Figures, Versions
from support.faults.matrix import ROWS


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """The runs of one scenario at one size on one set of versions, added up; times are the longest of all runs."""

    versions: Versions
    row: int
    fault: str
    quick: bool
    runs: int
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

    @property
    def scenario(self) -> tuple[Versions, int, str]:
        return self.versions, self.row, self.fault


def add_up(runs: Iterable[Figures]) -> list[Total]:
    """One total a scenario, size and set of versions."""
    groups: dict[tuple[Versions, int, str, bool], list[Figures]] = {}
    for run in runs:
        groups.setdefault((run.versions, run.row, run.fault, run.quick), []).append(run)
    return [_total(group) for group in groups.values()]


def _total(group: Sequence[Figures]) -> Total:
    first = group[0]
    return Total(
        versions=first.versions,
        row=first.row,
        fault=first.fault,
        quick=first.quick,
        runs=len(group),
        requested=sum(run.requested for run in group),
        accepted=sum(run.accepted for run in group),
        delivered=sum(run.delivered for run in group),
        copies=sum(run.copies for run in group),
        ambiguous=sum(run.ambiguous for run in group),
        dead=sum(run.dead for run in group),
        lost=sum(run.lost for run in group),
        recovery_seconds=max(run.recovery_seconds for run in group),
        worst_answer_seconds=max(run.worst_answer_seconds for run in group),
        violations=tuple(sorted({wrong for run in group for wrong in run.violations})),
    )


def merge(published: Iterable[Total], new: Iterable[Total]) -> list[Total]:
    """New totals replace older ones of the same scenario; a quick one never replaces a full one."""
    kept = {total.scenario: total for total in published}
    for total in sorted(new, key=lambda one: not one.quick):
        older = kept.get(total.scenario)
        if older is None or older.quick or not total.quick:
            kept[total.scenario] = total
    return sorted(kept.values(), key=lambda one: (_in_order(one.versions), one.row, one.fault))


def read_totals(path: Path) -> list[Total]:
    """What is published; nothing where there is no file yet."""
    if not path.exists():
        return []
    return [_read(fields) for fields in json.loads(path.read_text(encoding="utf-8"))]


def write_totals(path: Path, totals: Iterable[Total]) -> None:
    """Publish these."""
    text = json.dumps([asdict(total) for total in totals], ensure_ascii=False, indent=1)
    path.write_text(text + "\n", encoding="utf-8")


def _read(fields: dict[str, Any]) -> Total:
    versions = Versions(**fields.pop("versions"))
    violations = tuple(fields.pop("violations"))
    return Total(**fields, versions=versions, violations=violations)


def render(totals: Sequence[Total]) -> str:
    """The page of the figures, in Markdown."""
    ran_on = sorted({total.versions for total in totals}, key=_in_order)
    parts = [HEAD, *_overview(totals, ran_on)]
    for versions in ran_on:
        parts.append(
            f"## RabbitMQ {versions.rabbitmq}, PostgreSQL {versions.postgresql}, Python {versions.python}\n\n"
        )
        parts.append(
            "| # | fault | runs | requested | delivered | copies | dead | lost | recovery | invariants |\n"
            "|---|---|---|---|---|---|---|---|---|---|\n"
        )
        parts += [_line(total) for total in totals if total.versions == versions]
        parts.append("\n")
    parts.append("## What is expected\n\n| # | fault | expected |\n|---|---|---|\n")
    parts += [f"| {number} | {fault} | {expected} |\n" for number, (fault, expected) in ROWS.items()]
    return "".join(parts)


def _overview(totals: Sequence[Total], ran_on: Sequence[Versions]) -> Iterator[str]:
    """A line a scenario, a column a set of versions."""
    found = {total.scenario: total for total in totals}
    yield "## Every scenario on every version\n\n"
    yield f"| # | fault | {' | '.join(f'RabbitMQ {versions.rabbitmq}' for versions in ran_on)} |\n"
    yield f"|---|---|{'---|' * len(ran_on)}\n"
    for row, fault in sorted({(total.row, total.fault) for total in totals}):
        cells = [_cell(found.get((versions, row, fault))) for versions in ran_on]
        yield f"| {row} | {fault} | {' | '.join(cells)} |\n"
    yield "\n"


def _cell(total: Total | None) -> str:
    if total is None:
        return "not run"
    size = "small, " if total.quick else ""
    return f"{_judgement(total)}: {size}{total.requested:,} letters, {total.lost} lost, {total.recovery_seconds:.1f} s"


def _judgement(total: Total) -> str:
    return ", ".join(sorted({wrong.split()[0] for wrong in total.violations})) or "hold"


def _in_order(versions: Versions) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(map(int, re.findall(r"\d+", version))) for version in asdict(versions).values())


def _line(total: Total) -> str:
    copies = f"{total.copies} of {total.ambiguous}" if total.ambiguous else str(total.copies)
    runs = f"{total.runs} small" if total.quick else str(total.runs)
    return (
        f"| {total.row} | {total.fault} | {runs} | {total.requested:,} | {total.delivered:,} | {copies} | {total.dead} "
        f"| {total.lost} | {total.recovery_seconds:.1f} s | {_judgement(total)} |\n"
    )


HEAD = """\
# Faults

What was broken, and what became of the letters. `make faults` breaks it again, on real servers on this machine; this page is
made from [faults.json](faults.json) by [publish.py](../tests/faults/publish.py).

```
make faults                       every scenario, the full sizes: about two hours on two cores; as root
make faults ROWS=3,7              these rows of the matrix
make faults QUICK=1               the scenarios that CI runs, with small loads
make faults SEED=42               the same run again
.venv/bin/python tests/faults/publish.py .postern/faults.jsonl      adds the figures of runs to this page
```

`make matrix` runs the quick ones on every [version of RabbitMQ](rabbitmq.md) that Postern is made for. What was not run is
named at the end of every run.

Each run has its own virtual host and databases, an API, a relay, a worker and mailers as processes of their own, and a mail
server that asks for STARTTLS and a login. Two bad neighbours are always there: a letter to a recipient refused for good
and a message nobody can read. The waiting rooms let go after 1 to 3 s instead of 10 s to 2 h. The cluster of row 14 is three
nodes in network namespaces of their own; Erlang counts a silent node as gone after 12 s instead of 60 s, and a node
that does not serve a minute after its fault is over is restarted, as a health check would
([why quorum queues](decisions/why-quorum-queues.md)).
The API has no limits there, but in row 30: that has two API processes with the default limits, and strangers who each come from a
network address of their own on loopback; minutes and hours pass by moving what was counted back in time.

After each run, once everything is quiet, the mailbox, both databases and every queue are read, and all of these are checked
([invariants.py](../tests/support/faults/invariants.py)):

| | must hold |
|---|---|
| I1 | every committed letter ends as sent, dead with a reason, suppressed, expired, superseded or cancelled |
| I2 | no letter without a committed request |
| I3 | a copy only of letters marked ambiguous, under the same Message-ID, one at most each time they became so |
| I4 | one success a token; one account an address |
| I5 | no usable secret on the broker's disk, in the databases' files, in the logs |
| I6 | the API answers within 8 s, 202 or 503, whatever else is down |
| I7 | when the fault ends, the backlog drains by itself; no process has ended |
| I8 | used and replaced tokens stay refused |
| I9 | the bad neighbours are dead letters and stalled nobody |
| I10 | no login and no letter without TLS |

*Copies* of *n*: messages beyond the first of their letter, and how many letters the ledger had marked as ambiguous. *Lost* are
promised or committed letters that ended in no way or that nobody received. *Recovery* is the time from the end of the fault
until everything was quiet, the longest of all runs; the two bad neighbours do not count as dead. *Small* runs have the loads
and durations of QUICK=1: tens of letters, seconds where the name of the fault says minutes. A row without a line was not run.

"""
