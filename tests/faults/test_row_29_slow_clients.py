"""Row 29: connections that hardly say anything, opened again whenever the API closes them; others are answered."""

import time

import pytest

from support.faults.matrix import row
from support.faults.scenario import Scenario
from support.faults.slow_clients import Manner, SlowClients

CONNECTIONS = 200
ANSWERED_WITHIN = 5.0
"""Seconds for a registration meanwhile, far above what one takes when nobody is slow, for the machine is shared."""


@pytest.mark.parametrize(
    "manners",
    [
        pytest.param([Manner.SILENT], marks=row(29, "200 connections that send nothing")),
        pytest.param([Manner.HEADERS], marks=row(29, "200 connections that send a byte of header a second")),
        pytest.param([Manner.BODY], marks=row(29, "200 connections that send a byte of body a second")),
        pytest.param(list(Manner), marks=row(29, "200 connections, a third of each kind", quick=True)),
    ],
)
def test_whoever_is_slow_keeps_nobody_else_waiting(scenario: Scenario, manners: list[Manner]) -> None:
    scenario.up()
    with SlowClients(scenario.services.at.listen("api"), CONNECTIONS, manners) as slow:
        until = time.monotonic() + scenario.size(60, 12)
        while time.monotonic() < until:
            with scenario.registering(10):
                pass
        print(f"\nthe API closed {slow.closed} slow connections; {slow.connected} are open")
    scenario.healed()
    evidence = scenario.settle()
    assert evidence.delivered == evidence.requested
    assert {answer.status for answer in evidence.answers} == {202}
    assert max(answer.seconds for answer in evidence.answers) < ANSWERED_WITHIN
