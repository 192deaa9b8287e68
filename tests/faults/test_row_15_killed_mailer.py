"""Row 15: kill -9 of a mailer at five exact points; how often its letter arrives is known for each."""

from uuid import UUID

from dev_inbox.script import Phase, Rule
from support.eventually import eventually
from support.faults.evidence import Evidence
from support.faults.gathering import rows
from support.faults.matrix import row
from support.faults.proxy import Flow, Then, proxy_to
from support.faults.scenario import Scenario

ONE_AT_A_TIME = {"MAILER_CONCURRENCY": "1"}
NEVER = 60.0
SETTLING = b"INSERT INTO attempts"


def finish(scenario: Scenario) -> Evidence:
    """Another replica takes over, beside a load that no kill may hold up."""
    scenario.play()
    scenario.commit(scenario.size(100, 20))
    scenario.services.start("mailer")
    scenario.healed()
    return scenario.settle()


def kept_on_the_wire(scenario: Scenario, letter: UUID) -> int:
    return sum(f"<{letter}@".encode() in message.raw for message in scenario.peer.messages())


@row(15, "kill -9 mailer before DATA", quick=True)
def test_killed_before_data_the_letter_is_sent_once(scenario: Scenario) -> None:
    scenario.up(env={"mailer": ONE_AT_A_TIME})
    scenario.idle()
    scenario.play(Rule(phase=Phase.RCPT, delay_seconds=NEVER, times=1))
    (letter,) = scenario.commit(1)
    eventually(
        lambda: scenario.ledger()[letter].state == "transmitting" if letter in scenario.ledger() else False
    )
    scenario.services.kill("mailer")
    evidence = finish(scenario)
    assert evidence.received[letter] == 1


@row(15, "kill -9 mailer after the dot, the server has the letter", quick=True)
def test_killed_after_the_dot_of_a_letter_the_server_keeps_it_is_sent_twice_and_marked(
    scenario: Scenario,
) -> None:
    scenario.up(env={"mailer": ONE_AT_A_TIME})
    scenario.idle()
    scenario.play(Rule(phase=Phase.DOT, delay_seconds=NEVER, times=1, store=True))
    (letter,) = scenario.commit(1)
    eventually(lambda: kept_on_the_wire(scenario, letter) == 1, within=20)
    scenario.services.kill("mailer")
    evidence = finish(scenario)
    assert evidence.received[letter] == 2
    assert evidence.ambiguous == {letter}


@row(15, "kill -9 mailer after the dot, the server drops the letter")
def test_killed_after_the_dot_of_a_letter_the_server_drops_it_is_sent_once_and_marked(
    scenario: Scenario,
) -> None:
    scenario.up(env={"mailer": ONE_AT_A_TIME})
    scenario.idle()
    lost = Rule(phase=Phase.DOT, delay_seconds=NEVER, times=1, store=False)
    scenario.play(lost)
    (letter,) = scenario.commit(1)
    eventually(lambda: scenario.was_played(lost), within=20)
    scenario.services.kill("mailer")
    evidence = finish(scenario)
    assert evidence.received[letter] == 1


@row(15, "kill -9 mailer after 250, before the ledger's commit", quick=True)
def test_killed_before_the_ledger_knows_the_letter_is_sent_twice_and_marked(scenario: Scenario) -> None:
    scenario.up(env={"mailer": ONE_AT_A_TIME})
    scenario.idle()
    scenario.services.stop("mailer")
    with proxy_to(scenario.services.at.mailer_database.url) as cable:
        scenario.services.start("mailer", env={"MAILER_DATABASE_URL": cable.address})
        wire = cable.when(SETTLING, Then.HOLD_BEFORE)
        (letter,) = scenario.commit(1)
        assert wire.tripped.wait(30)
        assert kept_on_the_wire(scenario, letter) == 1
        scenario.services.kill("mailer")
    evidence = finish(scenario)
    assert evidence.received[letter] == 2
    assert evidence.ambiguous == {letter}


@row(15, "kill -9 mailer after the ledger's commit, before the report", quick=True)
def test_killed_before_its_report_the_letter_is_sent_once_and_reported_by_the_next(
    scenario: Scenario,
) -> None:
    kill_while_reporting(scenario, held=Flow.UP, told=False)


@row(15, "kill -9 mailer after the report, before the acknowledgement", quick=True)
def test_killed_after_its_report_the_letter_is_sent_once_and_reported_twice(scenario: Scenario) -> None:
    kill_while_reporting(scenario, held=Flow.DOWN, told=True)


def kill_while_reporting(scenario: Scenario, *, held: Flow, told: bool) -> None:
    """Kill a mailer whose report is kept from the broker, or whose broker's confirm is kept from it."""
    scenario.up(env={"mailer": ONE_AT_A_TIME})
    scenario.idle()
    scenario.services.stop("mailer")
    with proxy_to(scenario.broker.url("mailer")) as cable:
        scenario.services.start("mailer", env={"MAILER_BROKER_URL": cable.address})
        scenario.wait_until_sent(scenario.commit(1))  # its connection for reports is there from now on
        scenario.play(Rule(phase=Phase.DOT, delay_seconds=1.0, times=1))
        (letter,) = scenario.commit(1)
        eventually(lambda: letter in scenario.ledger(), within=20)
        cable.hold(held)
        eventually(lambda: scenario.ledger()[letter].state == "accepted", within=20)
        if told:
            eventually(lambda: scenario.auth_letters()[letter] == "sent", within=20)
        else:
            assert scenario.auth_letters()[letter] != "sent"
        scenario.services.kill("mailer")
    evidence = finish(scenario)
    assert evidence.received[letter] == 1
    assert times_recorded_as_sent(scenario, letter) == 1
    assert not evidence.ambiguous


def times_recorded_as_sent(scenario: Scenario, letter: UUID) -> int:
    ((times,),) = rows(
        scenario.services.at.auth_database,
        "SELECT count(*) FROM letter_events WHERE letter_id = %s AND state = 'sent'",
        str(letter),
    )
    return int(times)
