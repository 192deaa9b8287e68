"""Rows 1 and 2: the API dies around its COMMIT, or stands still; who asked again gets the one promised answer."""

import httpx
import pytest

from support.eventually import eventually
from support.faults.duration import lasting
from support.faults.gathering import rows
from support.faults.matrix import row
from support.faults.proxy import Then, proxy_to
from support.faults.scenario import Scenario

ONE_WORKER = {"AUTH_API_WORKERS": "1"}
COMMIT = b"COMMIT\x00"


def registrations(scenario: Scenario, person: str) -> int:
    local = person.partition("@")[0]
    ((count,),) = rows(
        scenario.services.at.auth_database,
        "SELECT count(*) FROM registrations WHERE split_part(email, '@', 1) = %s",
        local,
    )
    return int(count)


def kill_at_commit(scenario: Scenario, then: Then, *, committed: bool) -> None:
    """Kill the API while the COMMIT of one registration, or its answer, is held on the wire; everybody asks again."""
    scenario.api_is_victim = True
    with proxy_to(scenario.services.at.auth_database.url) as cable:
        scenario.up(env={"api": {**ONE_WORKER, "AUTH_DATABASE_URL": cable.address}})
        wire = cable.when(COMMIT, then)
        with scenario.registering(1) as crowd:
            (person,) = crowd.people
            assert wire.tripped.wait(30)
            eventually(lambda: registrations(scenario, person) == int(committed), within=20)
            cable.forget()
            scenario.services.kill("api")
            cable.reset()
            eventually(lambda: None in {answer.status for answer in crowd.answers}, within=20)
            assert registrations(scenario, person) == int(committed)
            scenario.services.start("api")
        with scenario.registering(scenario.size(100, 20)):
            pass
        scenario.healed()
        evidence = scenario.settle()
        assert registrations(scenario, person) == 1
        assert evidence.delivered == evidence.requested


@row(1, "kill -9 API before COMMIT", quick=True)
def test_an_api_killed_before_commit_leaves_nothing_behind(scenario: Scenario) -> None:
    kill_at_commit(scenario, Then.HOLD_BEFORE, committed=False)


@row(1, "kill -9 API after COMMIT, before the reply", quick=True)
def test_an_api_killed_after_commit_leaves_one_registration_and_says_202_to_the_retry(
    scenario: Scenario,
) -> None:
    kill_at_commit(scenario, Then.HOLD_AFTER, committed=True)


@row(1, "kill -9 API again and again under load")
def test_an_api_killed_under_load_breaks_no_promise(scenario: Scenario) -> None:
    scenario.api_is_victim = True
    scenario.up()
    people = scenario.size(400, 40)
    with scenario.registering(people) as crowd:
        for n in range(1, 6):
            crowd.wait_for(scenario.chance.randrange(n * people // 8, n * people // 6))
            scenario.services.kill("api")
            scenario.services.start("api")
    scenario.healed()
    evidence = scenario.settle()
    assert evidence.delivered == evidence.requested


@pytest.mark.timeout(400)
@row(2, "SIGSTOP API 60 s")
def test_a_frozen_api_lets_its_callers_time_out_and_recovers(scenario: Scenario) -> None:
    scenario.api_is_victim = True
    scenario.up()
    with scenario.registering(scenario.size(300, 40)) as crowd:
        crowd.wait_for(10)
        scenario.services.freeze("api")
        with pytest.raises(httpx.TimeoutException):
            httpx.get(f"{scenario.services.api}/healthz", timeout=3)
        letters = scenario.commit(20)
        scenario.wait_until_sent(letters)
        lasting(scenario.size(60, 8))
        scenario.services.thaw("api")
        scenario.healed()
        eventually(lambda: httpx.get(f"{scenario.services.ops}/readyz", timeout=8).status_code == 200)
    evidence = scenario.settle()
    assert evidence.delivered == evidence.requested
