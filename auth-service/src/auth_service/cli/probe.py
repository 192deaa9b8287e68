"""`auth-service probe`: signs up as a person does, and waits until a mail server has the email."""

from __future__ import annotations

import json
import secrets
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from http.client import HTTPException
from typing import Any, Final
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

import altcha
import click

from auth_service.cli.operating import transactions_on
from auth_service.cli.starting import start
from auth_service.domain.address import parse_address
from auth_service.domain.receipt import ReceiptState
from auth_service.errors import DatabaseUnavailable
from auth_service.flows.forget_probe import ForgetProbe
from auth_service.settings import ProbeSettings

FAILED: Final = 1
_POLL_SECONDS: Final = 0.25
_ANSWER_SECONDS: Final = 15.0
_MOST_BYTES: Final = 100_000

Ask = Callable[[str, Mapping[str, Any] | None], tuple[int, dict[str, Any]]]
"""Takes a path and, for a POST, a body; returns status and document. Raises OSError where nobody answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What came of a probe.

    Attributes:
        ok: whether a mail server took the email in time.
        state: the receipt's last; None if there is no receipt.
        problem: what went wrong; None if nothing did.
        accepted_seconds: until the API had accepted the registration.
        sent_seconds: until the email was known to be with a mail server, from the same moment.
    """

    ok: bool
    state: str | None = None
    problem: str | None = None
    accepted_seconds: float | None = None
    sent_seconds: float | None = None


def run(*, within: float, as_json: bool) -> int:
    """Probes and prints what came of it; returns the exit code."""
    settings = start("auth-probe", ProbeSettings, log_to=sys.stderr)
    email = settings.probe_address.replace("*", secrets.token_hex(6))
    try:
        finding = probe(_asking(settings.probe_url), email, within=within)
    except (OSError, HTTPException, ValueError) as error:
        finding = Finding(ok=False, problem=f"no answer of the API: {type(error).__name__}")
    finding = _tidied(settings, email, finding)
    if as_json:
        click.echo(json.dumps(asdict(finding)))
    elif finding.ok:
        click.echo(
            f"accepted after {finding.accepted_seconds:.2f} s, sent after {finding.sent_seconds:.2f} s"
        )
    else:
        click.echo(f"{finding.problem} (state: {finding.state or 'none'})", err=True)
    return 0 if finding.ok else FAILED


def probe(
    ask: Ask,
    email: str,
    *,
    within: float,
    clock: Callable[[], float] = time.monotonic,
    wait: Callable[[float], None] = time.sleep,
) -> Finding:
    """Registers the address, and follows its receipt until the email is sent or cannot be any more.

    Args:
        ask: the API.
        email: the probe's own.
        within: seconds until the email should be with a mail server.
        clock: seconds.
        wait: sleeps.
    """
    begun = clock()
    body = {"email": email, "password": secrets.token_urlsafe(24)}
    status, answer = ask("/v1/registrations", body)
    if status == 428:
        status, answer = ask("/v1/registrations", {**body, "proof": _solved(answer)})
    if status != 202:
        return Finding(ok=False, problem=f"the registration was answered {status} {answer.get('code', '')}")
    accepted = clock() - begun
    receipt, state = str(answer["receipt"]), "accepted"
    while True:
        status, answer = ask(f"/v1/receipts/{quote(receipt)}", None)
        state = str(answer.get("state", state))
        passed = clock() - begun
        if state == ReceiptState.SENT:
            return Finding(ok=True, state=state, accepted_seconds=accepted, sent_seconds=passed)
        if answer.get("final") or passed >= within:
            problem = "the email will not be sent" if answer.get("final") else f"not sent within {within:g} s"
            return Finding(ok=False, state=state, problem=problem, accepted_seconds=accepted)
        wait(_POLL_SECONDS)


def _solved(problem: Mapping[str, Any]) -> str:
    challenge = altcha.Challenge.from_dict(problem["challenge"])
    solution = altcha.solve_challenge(challenge)
    if solution is None:
        raise ValueError("no solution")
    return altcha.Payload(challenge, solution).to_base64()


def _asking(base: str) -> Ask:
    def ask(path: str, body: Mapping[str, Any] | None) -> tuple[int, dict[str, Any]]:
        data = None if body is None else json.dumps(body).encode()
        # The setting takes http and https only.
        request = Request(base + path, data=data, headers={"Content-Type": "application/json"})  # noqa: S310
        try:
            with urlopen(request, timeout=_ANSWER_SECONDS) as answer:  # noqa: S310
                return answer.status, _document(answer.read(_MOST_BYTES))
        except HTTPError as error:
            with error:
                return error.code, _document(error.read(_MOST_BYTES))

    return ask


def _document(content: bytes) -> dict[str, Any]:
    found = json.loads(content)
    return found if isinstance(found, dict) else {}


def _tidied(settings: ProbeSettings, email: str, finding: Finding) -> Finding:
    try:
        with transactions_on(settings.database_url, application="auth-probe") as transactions:
            ForgetProbe(transactions=transactions, keyed_hash=settings.keyed_hash())(parse_address(email))
    except DatabaseUnavailable:
        problem = finding.problem or "sent, but the registration could not be deleted: no database"
        return Finding(**{**asdict(finding), "ok": False, "problem": problem})
    return finding
