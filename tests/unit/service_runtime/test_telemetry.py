"""Logs: one JSON object a line, with the service and the correlation id, and no local variables."""

import json
import subprocess
import sys

PROGRAM = """
import logging, structlog
from service_runtime.telemetry import bind_correlation_id, configure_logging
configure_logging(service="auth-relay", format="{format}", level="INFO")
bind_correlation_id("abc")
structlog.get_logger("x").info("letter_published", letter_id="1")
logging.getLogger("lib").warning("plain %s", "record")
def fail():
    address = "ann" + "@example.com"
    raise RuntimeError("boom")
try:
    fail()
except RuntimeError:
    structlog.get_logger("x").exception("it_failed")
"""


def run(format: str) -> str:  # noqa: A002
    return subprocess.run(
        [sys.executable, "-c", PROGRAM.replace("{format}", format)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_every_record_is_one_json_line_with_service_and_correlation_id() -> None:
    lines = [json.loads(line) for line in run("json").splitlines()]
    assert [line["event"] for line in lines] == ["letter_published", "plain record", "it_failed"]
    assert all(line["service"] == "auth-relay" and line["correlation_id"] == "abc" for line in lines)
    assert lines[0]["letter_id"] == "1"
    assert "RuntimeError: boom" in lines[2]["exception"]


def test_the_library_of_oauth_says_no_token_whatever_the_level() -> None:
    program = (
        "import logging\n"
        "import auth_service.http.oauth_server\n"
        "from service_runtime.telemetry import configure_logging\n"
        "configure_logging(service='auth-api', format='json', level='DEBUG')\n"
        "names = [name for name in logging.root.manager.loggerDict if name.startswith('authlib.oauth2.rfc6749')]\n"
        "assert names\n"
        "for name in names:\n"
        "    logging.getLogger(name).debug('Issue token %r to %r', 'a-token', 'shop')\n"
        "logging.getLogger('another').debug('said')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "a-token" not in done.stdout + done.stderr
    assert "said" in done.stdout


def test_neither_format_prints_local_variables() -> None:
    for format in ("json", "console"):  # noqa: A001
        output = run(format)
        assert "boom" in output
        assert "ann@example.com" not in output


def test_warnings_of_what_is_settled_are_left_unsaid_and_all_others_said() -> None:
    program = (
        "import warnings\n"
        "from celery.exceptions import CPendingDeprecationWarning, SecurityWarning\n"
        "from celery.platforms import ROOT_DISCOURAGED\n"
        "from celery.worker.consumer.consumer import CANCEL_TASKS_BY_DEFAULT\n"
        "from service_runtime.telemetry import configure_logging\n"
        "configure_logging(service='x', format='json', level='INFO')\n"
        "warnings.warn(SecurityWarning(ROOT_DISCOURAGED))\n"
        "warnings.warn(CANCEL_TASKS_BY_DEFAULT, CPendingDeprecationWarning)\n"
        "warnings.warn(SecurityWarning('another'))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "superuser" not in done.stderr
    assert "Celery 5.1" not in done.stderr
    assert "another" in done.stderr
