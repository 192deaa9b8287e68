"""Row 26: databases are lost, and backups older than the queues, or than everything, take their place."""

from mail_contract.topology import AUTH_REPORTS_DEAD, MAILER_DEAD, TOPOLOGY
from support.eventually import eventually
from support.faults.backup import backup_of
from support.faults.gathering import messages_in_queues
from support.faults.matrix import row
from support.faults.scenario import JOURNEY, Scenario


@row(26, "backup of auth's database restored beside newer queues", quick=True)
def test_a_restored_database_resurrects_nothing_and_reports_of_unknown_letters_are_kept(
    scenario: Scenario,
) -> None:
    count = scenario.size(200, 30)
    scenario.up()
    with scenario.registering(count):
        pass
    scenario.idle()
    scenario.services.stop("relay")
    scenario.commit(count)
    with backup_of(scenario.services.at.auth_database) as backup:
        scenario.services.start("relay")
        eventually(lambda: scenario.outbox_rows() == 0, within=60)
        scenario.idle()
        sent_before = len(scenario.peer.messages())
        scenario.services.stop("mailer")
        newer = scenario.commit(count)
        eventually(lambda: scenario.outbox_rows() == 0, within=60)
        scenario.services.kill(*JOURNEY)
        backup.restore()
    scenario.forgotten.update(newer)
    assert scenario.outbox_rows() == count
    for service in (*JOURNEY, "mailer"):
        scenario.services.start(service)
    scenario.services.wait_until_ready()
    scenario.healed()
    evidence = scenario.settle(resting=frozenset({AUTH_REPORTS_DEAD}))
    assert evidence.copies == 0
    assert evidence.received.total() == sent_before + count
    # A queue's own count may lag behind what was just moved into it.
    eventually(lambda: messages_in_queues(scenario.broker)[AUTH_REPORTS_DEAD] == count, within=30)


@row(26, "backups of both databases restored beside a new broker, the ledger's taken after auth's")
def test_of_a_restored_pair_no_letter_that_the_ledger_knows_is_sent_again(scenario: Scenario) -> None:
    count = scenario.size(200, 30)
    at = scenario.services.at
    scenario.up()
    with scenario.registering(count):
        pass
    scenario.idle()
    scenario.services.stop("relay")
    scenario.commit(count)
    with backup_of(at.auth_database) as older:
        scenario.services.start("relay")
        eventually(lambda: scenario.outbox_rows() == 0, within=60)
        scenario.idle()
        with backup_of(at.mailer_database) as newer:
            scenario.forgotten.update(lost := scenario.commit(count))
            scenario.wait_until_sent(lost)
            known = scenario.ledger()
            scenario.forgotten_entries.update((letter, known[letter]) for letter in lost)
            scenario.services.kill(*JOURNEY, "mailer")
            older.restore()
            newer.restore()
    for queue in TOPOLOGY.queues:
        if queue != MAILER_DEAD:  # where the bad neighbours lie, who are looked for at the end
            scenario.broker.purge(queue)
    sent_before = len(scenario.peer.messages())
    assert scenario.outbox_rows() == count
    for service in (*JOURNEY, "mailer"):
        scenario.services.start(service)
    scenario.services.wait_until_ready()
    scenario.healed()
    evidence = scenario.settle()
    assert evidence.copies == 0
    assert evidence.received.total() == sent_before
