from __future__ import annotations

import json
import os
import signal
import smtplib
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.certificates import Authority
from unit.dev_inbox.letters import letter

COMMAND = [sys.executable, "-m", "dev_inbox"]
ANY_PORTS = ["--smtp", "127.0.0.1:0", "--http", "127.0.0.1:0"]


def environment(level: str = "DEBUG") -> dict[str, str]:
    return {**os.environ, "POSTERN_LOG_FORMAT": "json", "POSTERN_LOG_LEVEL": level}


@contextmanager
def running(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    process = subprocess.Popen(
        [*COMMAND, *ANY_PORTS, *arguments], stdout=subprocess.PIPE, text=True, env=environment()
    )
    assert process.stdout is not None
    try:
        ready = next(event for event in map(json.loads, process.stdout) if event["event"] == "inbox_ready")
        yield process, ready
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def send(ready: dict[str, Any], sender: str, recipient: str, subject: str, text: str) -> None:
    host, _, port = ready["smtp"].rpartition(":")
    with smtplib.SMTP(host, int(port), timeout=5) as client:
        client.sendmail(sender, [recipient], letter(subject=subject, text=text))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_cleanly_even_with_connections_open(number: signal.Signals) -> None:
    with running() as (process, ready):
        host, _, port = ready["smtp"].rpartition(":")
        with httpx.Client(base_url=f"http://{ready['http']}") as page:
            page.get("/healthz")
            client = smtplib.SMTP(host, int(port), timeout=5)
            process.send_signal(number)
            output, _ = process.communicate(timeout=10)
        client.close()
        assert process.returncode == 0
        assert [json.loads(line)["event"] for line in output.splitlines()][-1] == "inbox_stopped"


def test_its_logs_hold_nothing_of_a_letter_at_any_level() -> None:
    with running() as (process, ready):
        send(
            ready, "sender-canary@a.example", "recipient-canary@b.example", "subject-canary", "body-canary\n"
        )
        messages = httpx.get(
            f"http://{ready['http']}/api/messages", params={"to": "recipient-canary@b.example"}
        )
        assert len(messages.json()["messages"]) == 1
        httpx.get(f"http://{ready['http']}/query-canary")
        process.terminate()
        output, _ = process.communicate(timeout=10)
    assert "message_kept" in output
    assert "canary" not in output


def test_it_takes_mail_under_tls_after_a_login_that_its_logs_do_not_hold(tmp_path: Path) -> None:
    authority = Authority.below(tmp_path / "authority")
    certificate = authority.issue("127.0.0.1")
    login_file = tmp_path / "login"
    login_file.write_text("user-canary:password-canary\n")
    with running(
        *("--smtps", "127.0.0.1:0", "--tls-certificate", str(certificate), "--login-file", str(login_file))
    ) as (process, ready):
        host, _, port = ready["smtps"].rpartition(":")
        with smtplib.SMTP_SSL(host, int(port), timeout=5, context=authority.trust) as client:
            client.login("user-canary", "password-canary")
            client.sendmail("a@b.example", ["c@d.example"], letter())
        process.terminate()
        output, _ = process.communicate(timeout=10)
    assert "message_kept" in output
    assert "canary" not in output


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
    ended = subprocess.run(
        [*COMMAND, *arguments], check=False, capture_output=True, text=True, env=environment(), timeout=30
    )
    assert ended.returncode == 2
    assert arguments[0] in ended.stderr


def test_a_taken_port_is_named() -> None:
    with running() as (_, ready):
        ended = subprocess.run(
            [*COMMAND, "--smtp", ready["smtp"], "--http", "127.0.0.1:0"],
            check=False,
            capture_output=True,
            text=True,
            env=environment(),
            timeout=30,
        )
    assert ended.returncode == 1
    assert f"cannot listen on {ready['smtp']}: Address already in use" in ended.stderr
