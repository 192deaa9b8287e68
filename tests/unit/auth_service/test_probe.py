"""A probe that signs up, with an API that the test plays."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from auth_service.cli.probe import Finding, probe
from auth_service.domain.address import parse_address
from auth_service.security.proofs import Proofs
from auth_service.security.secrets import KeyedHash
from auth_service.setting_values import _probe_address
from support.clock import Clock

ACCEPTED = (202, {"receipt": "r-1", "registration_secret": "s", "resend_after": 60})
Answer = tuple[int, dict[str, Any]]


class PlayedApi:
    """Answers one after the other; each takes a second."""

    def __init__(self, *answers: Answer) -> None:
        self.clock = Clock()
        self.asked: list[tuple[str, Mapping[str, Any] | None]] = []
        self._answers: Iterator[Answer] = iter(answers)

    def ask(self, path: str, body: Mapping[str, Any] | None) -> Answer:
        self.asked.append((path, body))
        self.clock.forward(1)
        return next(self._answers)

    def finding(self, *, within: float = 60) -> Finding:
        return probe(self.ask, "probe@example.com", within=within, clock=self.clock, wait=self.clock.forward)


def receipt(state: str, *, final: bool = False) -> Answer:
    return 200, {"state": state, "final": final, "timeline": []}


def test_it_follows_its_receipt_until_the_email_is_sent() -> None:
    api = PlayedApi(ACCEPTED, receipt("queued"), receipt("sent", final=False))
    finding = api.finding()
    assert (finding.ok, finding.state, finding.accepted_seconds) == (True, "sent", 1)
    assert finding.sent_seconds == pytest.approx(3.25)
    assert [path for path, _ in api.asked] == ["/v1/registrations", "/v1/receipts/r-1", "/v1/receipts/r-1"]


def test_what_will_not_be_sent_ends_it_at_once() -> None:
    finding = PlayedApi(ACCEPTED, receipt("failed", final=True)).finding()
    assert (finding.ok, finding.state, finding.problem) == (False, "failed", "the email will not be sent")


def test_what_is_not_sent_in_time_is_a_failure() -> None:
    finding = PlayedApi(ACCEPTED, *[receipt("queued")] * 5).finding(within=4)
    assert (finding.ok, finding.problem) == (False, "not sent within 4 s")


def test_a_refused_registration_is_said_by_its_code() -> None:
    finding = PlayedApi((429, {"code": "rate_limited"})).finding()
    assert (finding.ok, finding.state) == (False, None)
    assert "429 rate_limited" in (finding.problem or "")


def test_it_solves_a_proof_of_work_as_a_browser_does() -> None:
    proofs = Proofs(keyed_hash=KeyedHash("0" * 32), tries=4)
    challenge = proofs.new_challenge().document
    api = PlayedApi((428, {"code": "proof_required", "challenge": challenge}), ACCEPTED, receipt("sent"))
    assert api.finding().ok
    body = api.asked[1][1]
    assert body is not None
    assert proofs.serial_of(body["proof"])


@pytest.mark.parametrize("address", ["probe@example.com", "probe-*@example.com", "*@probe.example.com"])
def test_its_address_may_have_a_star(address: str) -> None:
    assert parse_address(_probe_address(address).replace("*", "5e1f"))


@pytest.mark.parametrize("address", ["probe", "*", "probe@*"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="email address"):
        _probe_address(address)
