"""Row 26: auth-service's database is lost, and a backup older than the queues takes its place."""

from mail_contract.topology import AUTH_REPORTS_DEAD
from support.eventually import eventually
from support.faults.backup import Backup
from support.faults.gathering import messages_in_queues
from support.faults.matrix import row
from support.faults.scenario import JOURNEY, Scenario


@row(26, "backup of auth's database restored beside newer queues", quick=True)
def test_a_restored_database_resurrects_nothing_and_reports_of_unknown_letters_are_kept(
    scenario: Scenario,
) -> None:
    count = scenario.size(200, 30)
    database = scenario.services.at.auth_database
    scenario.up()
    with scenario.registering(count):
        pass
    scenario.idle()
    scenario.services.stop("relay")
    scenario.commit(count)
    scenario.services.stop(*JOURNEY)
    backup = Backup.of(database)
    for service in JOURNEY:
        scenario.services.start(service)
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
