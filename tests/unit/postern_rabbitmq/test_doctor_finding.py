"""What a finding is, how a diagnosis is printed, what its exit code says."""

import json
import re
from pathlib import Path

import pytest

from postern_rabbitmq.doctor.examination import CHECKS
from postern_rabbitmq.doctor.finding import Area, Code, Diagnosis, Finding, Severity
from postern_rabbitmq.doctor.report import as_json, as_text
from support.healthy import healthy

PAGE = Path(__file__).parents[3] / "docs" / "doctor.md"


def finding(code: Code, severity: Severity) -> Finding:
    return Finding(code=code, severity=severity, object="it", sentence=f"it is {severity}", fix="mend it")


def diagnosis(*findings: Finding) -> Diagnosis:
    return Diagnosis(vhost="postern", broker_version="4.0.5", findings=findings)


ERROR = finding(Code.STUCK, Severity.ERROR)
WARNING = finding(Code.DEAD_LETTERS, Severity.WARNING)
OF_USERS = finding(Code.GUEST, Severity.ERROR)


@pytest.mark.parametrize(
    ("findings", "exit_code"), [((), 0), ((WARNING,), 0), ((WARNING, ERROR), 1), ((ERROR,), 1)]
)
def test_only_an_error_makes_the_exit_code_1(findings: tuple[Finding, ...], exit_code: int) -> None:
    assert diagnosis(*findings).exit_code == exit_code


def test_people_read_a_line_a_finding_by_area_errors_first_and_the_fix_underneath() -> None:
    assert as_text(diagnosis(WARNING, OF_USERS, ERROR)).splitlines() == [
        "vhost postern on RabbitMQ 4.0.5: 2 errors, 1 warning",
        "",
        "queues",
        "  error    it is error  [queues.stuck]",
        "           fix: mend it",
        "  warning  it is warning  [queues.dead_letters]",
        "           fix: mend it",
        "",
        "users",
        "  error    it is error  [users.guest]",
        "           fix: mend it",
    ]


def test_people_read_that_nothing_was_found() -> None:
    assert as_text(diagnosis()) == "vhost postern on RabbitMQ 4.0.5: nothing found\n"


def test_programs_read_every_field() -> None:
    assert json.loads(as_json(diagnosis(WARNING))) == {
        "vhost": "postern",
        "broker_version": "4.0.5",
        "errors": 0,
        "warnings": 1,
        "findings": [
            {
                "code": "queues.dead_letters",
                "severity": "warning",
                "object": "it",
                "sentence": "it is warning",
                "fix": "mend it",
            }
        ],
    }


@pytest.mark.parametrize("code", Code)
def test_every_code_belongs_to_an_area(code: Code) -> None:
    assert code.area in Area


def test_a_healthy_broker_has_no_finding() -> None:
    assert [found for check in CHECKS for found in check(healthy())] == []


def test_the_page_explains_every_code_and_no_other() -> None:
    explained = re.findall(r"^\| `(\w+\.\w+)`", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert sorted(explained) == sorted(Code)
