"""The page of the figures is what the figures say, and the matrix has a scenario for every row."""

import re
from dataclasses import replace
from pathlib import Path

from support.faults.figures import Figures, Versions, read_figures
from support.faults.matrix import ROWS
from support.faults.page import add_up, merge, read_totals, render

REPOSITORY = Path(__file__).parents[3]
RUN = Figures(
    row=3,
    fault="kill -9 relay",
    seed=1,
    quick=False,
    requested=10,
    accepted=10,
    delivered=10,
    copies=1,
    ambiguous=2,
    dead=0,
    lost=0,
    recovery_seconds=1.5,
    worst_answer_seconds=0.2,
    violations=(),
    versions=Versions(rabbitmq="3.10.8", postgresql="15.1", python="3.11.2"),
)


def test_the_page_is_made_from_the_published_figures() -> None:
    docs = REPOSITORY / "docs"
    assert (docs / "faults.md").read_text(encoding="utf-8") == render(read_totals(docs / "faults.json"))


def test_every_published_figure_belongs_to_a_scenario() -> None:
    known = _scenarios()
    for total in read_totals(REPOSITORY / "docs" / "faults.json"):
        assert (total.row, total.fault) in known


def test_runs_of_one_scenario_add_up_and_the_longest_recovery_counts() -> None:
    (total,) = add_up([RUN, replace(RUN, recovery_seconds=9.0, violations=("I3 twice",))])
    assert (total.runs, total.requested, total.copies, total.recovery_seconds) == (2, 20, 2, 9.0)
    assert "| 3 | kill -9 relay | 2 | 20 | 20 | 2 of 4 | 0 | 0 | 9.0 s | I3 |" in render([total])


def test_a_small_run_never_takes_the_place_of_a_full_one() -> None:
    full, small = add_up([RUN]), add_up([replace(RUN, quick=True, requested=2)])
    assert merge(full, small) == full
    assert merge(small, full) == full
    assert merge([], small) == small


def test_a_scenario_has_a_line_and_every_version_a_column_in_the_order_of_their_numbers() -> None:
    def on(rabbitmq: str) -> Versions:
        return replace(RUN.versions, rabbitmq=rabbitmq)

    runs = [replace(RUN, versions=on("4.3.6"), quick=True), replace(RUN, versions=on("3.10.8"))]
    page = render(add_up([*runs, replace(RUN, versions=on("3.9.1"), fault="SIGSTOP relay")]))
    assert "| # | fault | RabbitMQ 3.9.1 | RabbitMQ 3.10.8 | RabbitMQ 4.3.6 |" in page
    small, full = "hold: small, 10 letters, 0 lost, 1.5 s", "hold: 10 letters, 0 lost, 1.5 s"
    assert f"| 3 | kill -9 relay | not run | {full} | {small} |" in page


def test_figures_survive_their_file(tmp_path: Path) -> None:
    RUN.append_to(tmp_path / "figures.jsonl")
    RUN.append_to(tmp_path / "figures.jsonl")
    assert read_figures(tmp_path / "figures.jsonl") == [RUN, RUN]


def _scenarios() -> set[tuple[int, str]]:
    sources = (path.read_text("utf-8") for path in (REPOSITORY / "tests" / "faults").glob("test_*.py"))
    found = {
        (int(number), fault)
        for source in sources
        for number, fault in re.findall(r'\brow\(\s*(\d+),\s*"([^"]+)"', source)
    }
    assert {number for number, _ in found} <= set(ROWS)
    return found
