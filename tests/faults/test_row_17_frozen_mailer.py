"""Row 17: a replica that stands still beyond its lease and then goes on."""

from dev_inbox.script import Phase, Rule
from support.eventually import eventually
from support.faults.matrix import row
from support.faults.scenario import Scenario

LEASE = {"MAILER_LEASE_SECONDS": "6", "MAILER_SMTP_TIMEOUT_SECONDS": "4", "MAILER_CONCURRENCY": "4"}


@row(17, "mailer frozen beyond its lease, then thawed", quick=True)
def test_the_lease_fences_a_frozen_mailer(scenario: Scenario) -> None:
    letters = scenario.size(300, 40)
    scenario.up(env={"mailer": LEASE})
    scenario.play(Rule(phase=Phase.DATA, delay_seconds=0.2))
    scenario.commit(letters)
    scenario.wait_for_delivered(8)
    (frozen,) = scenario.services.servers("mailer")
    frozen.freeze()
    scenario.services.start("mailer")
    # The broker takes back what the frozen one held once it misses its heartbeats; by then the lease is over.
    scenario.wait_for_delivered(letters, within=90)
    frozen.thaw()
    scenario.healed()
    eventually(lambda: "claim_lost" in frozen.log.read_text(encoding="utf-8"), within=20)
    evidence = scenario.settle()
    assert len(evidence.ambiguous) <= int(LEASE["MAILER_CONCURRENCY"])
