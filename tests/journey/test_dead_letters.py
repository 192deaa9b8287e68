"""The whole way round: refused by the mail server, dead, mended by a person with the command line, delivered once."""

import json
import os
import subprocess
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from support import nursery
from support.people import Gate, Mailbox, addresses
from support.stack import COMMAND, Stack

SOURCED = 'set -a; . "$1"; exec env --null'


def command(stack: Stack, *arguments: str) -> Any:
    """What a person types after `. .postern/operator.env`, with --json."""
    variables = subprocess.run(
        ["sh", "-c", SOURCED, "sh", str(stack.state.operator_file)],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    done = nursery.run(
        [COMMAND.parent / "mailer-service", *arguments, "--json"],
        environment=dict(line.split("=", 1) for line in variables.stdout.split("\0") if line),
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def refused(stack: Stack) -> Iterator[str]:
    """Somebody whom the mail server refuses until the script is taken away."""
    (address,) = addresses(1)
    rule = {"match": {"phase": "rcpt", "recipient": address}, "reply": "551 5.7.1 Not at this hour"}
    httpx.put(f"{stack.inbox}/api/script", json=[rule]).raise_for_status()
    try:
        yield address
    finally:
        httpx.delete(f"{stack.inbox}/api/script").raise_for_status()


def test_a_refused_letter_is_mended_redriven_and_delivered_once(
    stack: Stack, gate: Gate, mailbox: Mailbox, refused: str
) -> None:
    before = {one["id"] for one in command(stack, "dead", "list", "--each")["letters"]}
    receipt = gate.register(refused)
    gate.wait_until(receipt, "failed")
    (dead,) = [one for one in command(stack, "dead", "list", "--each")["letters"] if one["id"] not in before]
    assert dead["last_reply"].startswith("551 5.7.1")
    httpx.delete(f"{stack.inbox}/api/script").raise_for_status()

    assert command(stack, "dead", "redrive", "--id", dead["id"])["done"] == {"redriven": 1}

    gate.wait_until(receipt, "sent")
    (letter,) = mailbox.wait_for(refused)
    assert gate.verify(of=refused, token=letter.token).status_code == 200
    states = [event["event"] for event in command(stack, "explain", dead["id"])["timeline"]]
    assert states == ["first_seen", "attempt", "redriven", "attempt", "accepted"]
    assert len(mailbox.summaries(refused)) == 1
