"""The diagnosis for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict

from postern_rabbitmq.doctor.finding import Diagnosis, Finding, Severity, by_area


def as_text(diagnosis: Diagnosis) -> str:
    """Returns it by area: a line a finding, errors first, and underneath what helps."""
    return "\n".join(_lines(diagnosis)) + "\n"


def as_json(diagnosis: Diagnosis) -> str:
    """Returns `{"vhost", "broker_version", "errors", "warnings", "findings": [{"code", "severity", …}]}`."""
    return json.dumps(
        {
            "vhost": diagnosis.vhost,
            "broker_version": diagnosis.broker_version,
            "errors": diagnosis.count(Severity.ERROR),
            "warnings": diagnosis.count(Severity.WARNING),
            "findings": [asdict(finding) for finding in diagnosis.findings],
        },
        indent=2,
    )


def _lines(diagnosis: Diagnosis) -> Iterator[str]:
    where = f"vhost {diagnosis.vhost} on RabbitMQ {diagnosis.broker_version or '(version unknown)'}"
    if not diagnosis.findings:
        yield f"{where}: nothing found"
        return
    yield f"{where}: {_count(diagnosis, Severity.ERROR)}, {_count(diagnosis, Severity.WARNING)}"
    for area, findings in by_area(diagnosis.findings).items():
        yield ""
        yield area
        for finding in findings:
            yield from _finding_lines(finding)


def _finding_lines(finding: Finding) -> Iterator[str]:
    yield f"  {finding.severity:<7}  {finding.sentence}  [{finding.code}]"
    yield f"           fix: {finding.fix}"


def _count(diagnosis: Diagnosis, severity: Severity) -> str:
    number = diagnosis.count(severity)
    return f"{number} {severity}{'' if number == 1 else 's'}"
