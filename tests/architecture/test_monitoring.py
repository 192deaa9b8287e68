"""Rules and dashboards name figures that there are, and every alert has a test and an entry for whoever it wakes."""

import json
import re
import subprocess
from collections.abc import Iterator

import pytest

from architecture.test_house_rules import REPOSITORY

PROMETHEUS = REPOSITORY / "deploy" / "prometheus"
RULES = (PROMETHEUS / "rules" / "postern.yml").read_text(encoding="utf-8")
TESTS = (PROMETHEUS / "tests" / "postern.yml").read_text(encoding="utf-8")
DASHBOARD = REPOSITORY / "deploy" / "grafana" / "dashboards" / "postern.json"
SCALERS = REPOSITORY / "deploy" / "kubernetes" / "base" / "services" / "scaling.yaml"

MADE = re.compile(
    r"\b(Counter|Gauge|Histogram|GaugeMetricFamily|CounterMetricFamily)\(\s*\"((?:auth|mailer|postern)_[a-z_]+)\""
)
NAMED = re.compile(r"\b(?:auth|mailer|postern)_[a-z_]+")
SUFFIXES = {
    "Counter": ("_total",),
    "CounterMetricFamily": ("_total",),
    "Histogram": ("_bucket", "_sum", "_count"),
    "Gauge": ("",),
    "GaugeMetricFamily": ("",),
}


def made() -> dict[str, str]:
    """Figures that the code makes: from a series' name to the name that pages give it."""
    found = {}
    for package in ("shared", "auth-service", "mailer-service"):
        for path in (REPOSITORY / package / "src").rglob("*.py"):
            for kind, name in MADE.findall(path.read_text(encoding="utf-8")):
                for suffix in SUFFIXES[kind]:
                    found[name + suffix] = name if kind == "Histogram" else name + suffix
    return found


def panels() -> list[dict[str, object]]:
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def expressions() -> Iterator[tuple[str, str]]:
    """Every question to Prometheus, and who asks it."""
    yield from re.findall(r"- alert: (\w+)\n +expr: (.*(?:\n {10,}.*)*)", RULES)
    for panel in panels():
        for target in panel["targets"]:  # type: ignore[attr-defined]
            yield str(panel["title"]), target["expr"]
    yield "scalers", SCALERS.read_text(encoding="utf-8")


ALERTS = re.findall(r"- alert: (\w+)", RULES)


def test_rules_dashboards_and_scalers_ask_for_figures_that_there_are() -> None:
    known = made()
    unknown = {
        (asker, name)
        for asker, expression in expressions()
        for name in NAMED.findall(re.sub(r"\{[^}]*\}|\"[^\"]*\"", "", expression))
        if name not in known
    }
    assert unknown == set()


def test_every_figure_is_on_the_page_about_it() -> None:
    pages = "".join(
        (REPOSITORY / "docs" / f"{page}.md").read_text(encoding="utf-8")
        for page in ("monitoring", "delivery", "providers", "protection")
    )
    assert {name for name in made().values() if name not in pages} == set()


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_has_a_test_and_an_entry_for_whoever_it_wakes(alert: str) -> None:
    assert f'alertname="{alert}", alertstate="firing"' in TESTS
    assert f"runbook_url: docs/alerts.md#{alert.lower()}\n" in RULES
    assert f"\n### {alert}\n" in (REPOSITORY / "docs" / "alerts.md").read_text(encoding="utf-8")


def test_every_entry_is_of_an_alert() -> None:
    entries = re.findall(r"^### (\w+)$", (REPOSITORY / "docs" / "alerts.md").read_text(), flags=re.MULTILINE)
    assert sorted(entries) == sorted(ALERTS)


@pytest.mark.parametrize(
    "words",
    [
        ("check", "config", "--syntax-only", "prometheus.yml"),
        ("check", "rules", "rules/postern.yml"),
        ("test", "rules", "tests/postern.yml"),
    ],
)
def test_prometheus_takes_configuration_and_rules_and_alerts_are_raised_when_they_should(
    words: tuple[str, ...],
) -> None:
    done = subprocess.run(
        ["promtool", *words], cwd=PROMETHEUS, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_panel_of_the_dashboard_has_a_name_a_description_and_a_question() -> None:
    ids = [panel["id"] for panel in panels()]
    assert len(set(ids)) == len(ids)
    for panel in panels():
        assert panel["title"]
        assert panel["description"], panel["title"]
        assert panel["targets"], panel["title"]
