"""Row 27: a great many bulk letters are queued and being sent when urgent ones come."""

from datetime import UTC, datetime, timedelta

import pytest

from mail_contract.letters import LetterClass
from mail_contract.topology import MAILER_BULK, MAILER_URGENT
from support.eventually import eventually
from support.faults.duration import lasting
from support.faults.matrix import row
from support.faults.scenario import Scenario
from support.people import on_the_wire

DAY = timedelta(days=1)


@pytest.mark.timeout(3600)
@row(27, "100,000 bulk letters queued, then urgent ones")
def test_urgent_letters_overtake_a_bulk_run_that_goes_on_moving(scenario: Scenario) -> None:
    bulk, urgent = scenario.size(100_000, 2000), scenario.size(200, 30)
    scenario.up()
    scenario.idle()
    scenario.services.stop("mailer")
    scenario.commit(bulk, LetterClass.BULK, lifetime=DAY)
    eventually(lambda: scenario.broker.depth(MAILER_BULK) == bulk, within=600, every=1)
    scenario.services.start("mailer")
    scenario.services.start("mailer", env={"MAILER_QUEUES": MAILER_URGENT})
    eventually(lambda: scenario.broker.depth(MAILER_BULK) < bulk, within=60)
    asked: dict[str, datetime] = {}
    sent_of_bulk = scenario.broker.depth(MAILER_BULK)
    for person in scenario.people(urgent):
        asked[on_the_wire(person)] = datetime.now(UTC)
        scenario.commit(0, people=[person])
        lasting(scenario.chance.uniform(0.05, 0.25))
    assert scenario.broker.depth(MAILER_BULK) < sent_of_bulk, "bulk stands still"
    assert scenario.broker.depth(MAILER_BULK) > 0, "the bulk run was over before the urgent letters came"
    scenario.healed()
    evidence = scenario.settle(within=3000)
    seconds = sorted(
        (message.received_at - asked[message.recipients[0]]).total_seconds()
        for message in scenario.peer.messages()
        if message.recipients[0] in asked
    )
    assert len(seconds) == urgent
    p99 = seconds[int(len(seconds) * 0.99)]
    print(f"urgent letters beside {bulk} bulk ones: p99 {p99 * 1000:.0f} ms to the inbox")
    assert p99 < 1.0
    assert evidence.copies == 0
