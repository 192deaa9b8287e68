"""Row 16: replicas come and go in an orderly way under load; nothing is lost and nothing is sent twice."""

from dev_inbox.script import Phase, Rule
from support.faults.matrix import row
from support.faults.scenario import Scenario

SLOW = Rule(phase=Phase.DATA, delay_seconds=0.1)


def stop_oldest(scenario: Scenario) -> None:
    """SIGTERM to one replica; it has to end by itself, with exit code 0."""
    oldest = scenario.services.servers("mailer")[0]
    process = oldest.process
    assert process is not None
    oldest.stop()
    assert process.poll() == 0


@row(16, "SIGTERM under load, then a successor")
def test_sigterm_finishes_or_gives_back_what_is_in_hand(scenario: Scenario) -> None:
    letters = scenario.size(600, 80)
    scenario.up()
    scenario.play(SLOW)
    scenario.commit(letters)
    scenario.wait_for_delivered(scenario.chance.randrange(10, letters // 2))
    stop_oldest(scenario)
    assert not [entry for entry in scenario.ledger().values() if entry.state in {"claimed", "transmitting"}]
    assert scenario.delivered() < letters
    scenario.services.start("mailer")
    scenario.healed()
    evidence = scenario.settle()
    assert (evidence.copies, len(evidence.ambiguous)) == (0, 0)


@row(16, "rolling replacement of three replicas under load")
def test_a_rolling_replacement_sends_every_letter_once(scenario: Scenario) -> None:
    letters = scenario.size(1500, 150)
    scenario.up(mailers=3)
    scenario.play(SLOW)
    scenario.commit(letters)
    for n in (1, 2, 3):
        scenario.wait_for_delivered(n * letters // 5, within=120)
        scenario.services.start("mailer")
        stop_oldest(scenario)
    scenario.healed()
    evidence = scenario.settle()
    assert (evidence.copies, len(evidence.ambiguous)) == (0, 0)


@row(16, "scale 1→4→1 under load", quick=True)
def test_scaling_up_and_down_under_load_sends_every_letter_once(scenario: Scenario) -> None:
    letters = scenario.size(2000, 200)
    scenario.up()
    scenario.play(SLOW)
    scenario.commit(letters)
    scenario.wait_for_delivered(letters // 10)
    scenario.services.start("mailer", n=3)
    scenario.services.wait_until_ready()
    scenario.wait_for_delivered(letters // 2, within=120)
    for _ in range(3):
        stop_oldest(scenario)
    scenario.healed()
    evidence = scenario.settle()
    assert (evidence.copies, len(evidence.ambiguous)) == (0, 0)
