from __future__ import annotations

import json
import os
import signal
import smtplib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from dev_inbox.cli import main
from support import nursery
from support.certificates import Authority
from support.eventually import eventually
from unit.dev_inbox.letters import letter

COMMAND = Path(sys.executable).parent / "dev-inbox"
ANY_PORTS = ["--smtp", "127.0.0.1:0", "--http", "127.0.0.1:0"]
ENVIRONMENT = {"PATH": os.environ["PATH"], "POSTERN_LOG_FORMAT": "json", "POSTERN_LOG_LEVEL": "DEBUG"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """An inbox as a process."""

    process: nursery.Child
    log: Path

    def events(self) -> list[dict[str, Any]]:
        lines = self.log.read_text(encoding="utf-8").splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def address(self, door: str) -> tuple[str, int]:
        (ready,) = eventually(lambda: [event for event in self.events() if event["event"] == "inbox_ready"])
        host, _, port = ready[door].rpartition(":")
        return host, int(port)

    def end(self, number: signal.Signals = signal.SIGTERM) -> str:
        """Everything it logged until the signal ended it."""
        self.process.send_signal(number)
        assert self.process.wait(timeout=10) == 0
        return self.log.read_text(encoding="utf-8")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "inbox.log"


@contextmanager
def running(log: Path, *arguments: str) -> Iterator[Running]:
    process = nursery.fork(
        [str(COMMAND), *ANY_PORTS, *arguments], environment=ENVIRONMENT, log=log, directory=log.parent
    )
    try:
        yield Running(process=process, log=log)
    finally:
        process.kill()
        process.wait(timeout=10)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_cleanly_even_with_connections_open(log: Path, number: signal.Signals) -> None:
    with running(log) as inbox:
        host, port = inbox.address("http")
        with httpx.Client(base_url=f"http://{host}:{port}") as page:
            page.get("/healthz")
            client = smtplib.SMTP(*inbox.address("smtp"), timeout=5)
            inbox.end(number)
        client.close()
        assert inbox.events()[-1]["event"] == "inbox_stopped"


def test_its_logs_hold_nothing_of_a_letter_at_any_level(log: Path) -> None:
    with running(log) as inbox:
        with smtplib.SMTP(*inbox.address("smtp"), timeout=5) as client:
            client.sendmail(
                "sender-canary@a.example",
                ["recipient-canary@b.example"],
                letter(subject="subject-canary", text="body-canary\n"),
            )
        host, port = inbox.address("http")
        page = f"http://{host}:{port}"
        messages = httpx.get(f"{page}/api/messages", params={"to": "recipient-canary@b.example"})
        assert len(messages.json()["messages"]) == 1
        httpx.get(f"{page}/query-canary")
        said = inbox.end()
    assert "message_kept" in said
    assert "canary" not in said


def test_it_takes_mail_under_tls_after_a_login_that_its_logs_do_not_hold(tmp_path: Path, log: Path) -> None:
    authority = Authority.below(tmp_path / "authority")
    certificate = authority.issue("127.0.0.1")
    login_file = tmp_path / "login"
    login_file.write_text("user-canary:password-canary\n")
    tls = ("--smtps", "127.0.0.1:0", "--tls-certificate", str(certificate), "--login-file", str(login_file))
    with running(log, *tls) as inbox:
        with smtplib.SMTP_SSL(*inbox.address("smtps"), timeout=5, context=authority.trust) as client:
            client.login("user-canary", "password-canary")
            client.sendmail("a@b.example", ["c@d.example"], letter())
        said = inbox.end()
    assert "message_kept" in said
    assert "canary" not in said


@pytest.mark.parametrize(
    "arguments",
    [
        ["--smtps", "127.0.0.1:0"],
        ["--tls-key", "key.pem"],
        ["--tls-certificate", "nowhere.pem"],
        ["--tls-certificate", __file__],
        ["--login-file", "nowhere"],
        ["--login-file", os.devnull],
        ["--max-connections", "0"],
        ["--max-messages-per-second", "0"],
        ["--smtp", "nowhere"],
        ["--smtp", ":25"],
        ["--http", "127.0.0.1:99999"],
        ["--http", "127.0.0.1:http"],
        ["--keep", "0"],
        ["--log-level", "LOUD"],
        ["--maildir", "letters"],
        ["surplus"],
    ],
)
def test_a_bad_argument_is_named_and_ends_with_2(arguments: list[str]) -> None:
    ended = CliRunner().invoke(main, arguments)
    assert ended.exit_code == 2
    assert arguments[0] in ended.stderr


def test_a_taken_port_is_named(log: Path) -> None:
    with running(log) as inbox:
        host, port = inbox.address("smtp")
        ended = nursery.run(
            [COMMAND, "--smtp", f"{host}:{port}", "--http", "127.0.0.1:0"], environment=ENVIRONMENT
        )
    assert ended.returncode == 1
    assert f"cannot listen on {host}:{port}: Address already in use" in ended.stderr
