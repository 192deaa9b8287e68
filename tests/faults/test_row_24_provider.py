"""Row 24: the mail server's account is locked for long, or it is half away: letters wait, none dies, no storm."""

from datetime import timedelta

import pytest

from dev_inbox.script import Action, Phase, Rule
from mail_contract.topology import MAILER_URGENT
from mailer_service.smtp.server import USUAL_CONNECTIONS
from support.faults.duration import lasting
from support.faults.gathering import messages_in_queues
from support.faults.matrix import row
from support.faults.scenario import Scenario

LOCKED = Rule(phase=Phase.AUTH, reply="535 5.7.8 Credentials invalid")
FLAPPING = Rule(phase=Phase.MAIL, reply="421 4.3.2 Down", action=Action.CLOSE, every=2)
REPLICAS = 2


@pytest.mark.timeout(4500)
@row(24, "535 for an hour", quick=True)
def test_a_locked_account_pauses_consumption_and_costs_no_letter_an_attempt(scenario: Scenario) -> None:
    seconds = scenario.size(3600, 12)
    letters = scenario.size(500, 60)
    scenario.up()
    scenario.idle()
    scenario.services.stop("mailer")
    scenario.play(LOCKED)
    before = scenario.peer.totals()
    scenario.services.start("mailer", n=REPLICAS)
    scenario.services.wait_until_ready()
    waiting = scenario.commit(letters, lifetime=timedelta(days=1))
    lasting(seconds)
    after = scenario.peer.totals()
    # Every connection of the budget may be on its way to log in when the first refusal comes; then only probes try.
    assert after.logins_tried - before.logins_tried <= USUAL_CONNECTIONS + seconds, "a storm of logins"
    queues = messages_in_queues(scenario.broker)
    assert queues[MAILER_URGENT] > 0, "it goes on consuming"
    scenario.play()
    scenario.healed()
    evidence = scenario.settle(within=240)
    assert not evidence.dead
    assert {evidence.letters[letter] for letter in waiting} == {"sent"}
    assert max(evidence.ledger[letter].attempts for letter in waiting) <= 2
    assert (evidence.copies, len(evidence.ambiguous)) == (0, 0)


@pytest.mark.timeout(1500)
@row(24, "50 % 421 flapping for five minutes")
def test_a_server_that_is_half_away_kills_no_letter_and_is_not_stormed(scenario: Scenario) -> None:
    seconds = scenario.size(300, 15)
    scenario.up(mailers=REPLICAS)
    scenario.idle()
    scenario.play(FLAPPING)
    before = scenario.peer.totals()
    scenario.commit(scenario.size(500, 60))
    lasting(seconds)
    after = scenario.peer.totals()
    assert after.opened - before.opened <= 20 * seconds, "a storm of connections"
    scenario.play()
    scenario.healed()
    evidence = scenario.settle(within=240)
    assert not evidence.dead
    assert evidence.delivered == evidence.requested
    assert (evidence.copies, len(evidence.ambiguous)) == (0, 0)
