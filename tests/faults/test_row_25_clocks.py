"""Row 25: services whose clocks are a day ahead of the database's, or an hour behind; the database's time rules.

The database's clock is the one that is changed: what counts is the difference.
"""

from datetime import UTC, datetime, timedelta

from support.faults.clock import database_clock
from support.faults.gathering import rows
from support.faults.matrix import row
from support.faults.scenario import Scenario

HOUR = timedelta(hours=1)


def with_clocks_ahead(scenario: Scenario, ahead: timedelta) -> None:
    """What has expired by the database's clock, and nothing else, is not sent, whatever everybody else's clock says."""
    offset = f"{-ahead / HOUR:+g}h"
    with database_clock(scenario.infra, offset):
        assert abs(datetime.now(UTC) - ahead - database_time(scenario)) < timedelta(minutes=1)
        scenario.up()
        with scenario.registering(scenario.size(200, 30)):
            late = scenario.commit(scenario.size(20, 3), lifetime=timedelta(seconds=-1))
            scenario.commit(scenario.size(200, 30))
        scenario.healed()
        evidence = scenario.settle()
        scenario.services.kill("api", "relay", "auth-worker", "mailer")
    assert evidence.delivered == evidence.requested - len(late)
    assert {evidence.letters[letter] for letter in late} == {"expired"}
    assert not evidence.received.keys() & set(late)


def database_time(scenario: Scenario) -> datetime:
    ((now,),) = rows(scenario.services.at.auth_database, "SELECT now()")
    assert isinstance(now, datetime)
    return now


@row(25, "clock +25 h", quick=True)
def test_services_a_day_ahead_of_the_database_expire_nothing(scenario: Scenario) -> None:
    with_clocks_ahead(scenario, 25 * HOUR)


@row(25, "clock −1 h")  # noqa: RUF001 - a minus sign
def test_services_an_hour_behind_the_database_send_nothing_expired(scenario: Scenario) -> None:
    with_clocks_ahead(scenario, -HOUR)
