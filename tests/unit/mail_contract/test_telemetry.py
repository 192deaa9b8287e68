"""Logs: one JSON object a line, with the service and the correlation id, and no local variables."""

import json
import subprocess
import sys

PROGRAM = """
import logging, structlog
from mail_contract.telemetry import bind_correlation_id, configure_logging
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


def test_neither_format_prints_local_variables() -> None:
    for format in ("json", "console"):  # noqa: A001
        output = run(format)
        assert "boom" in output
        assert "ann@example.com" not in output
