"""Rows 3, 4 and 11: the relay dies, freezes or loses its broker at the worst moment; every letter is sent once."""

from mail_contract.topology import MAILER_URGENT
from support.eventually import eventually
from support.faults.gathering import rows
from support.faults.matrix import row
from support.faults.proxy import Flow, Then, proxy_to
from support.faults.scenario import Scenario

SETTLING = b"DELETE FROM outbox"
LEASE = {"AUTH_RELAY_LEASE_SECONDS": "3", "AUTH_RELAY_WINDOW": "40"}


def rows_in_hand(scenario: Scenario) -> int:
    ((count,),) = rows(
        scenario.services.at.auth_database, "SELECT count(*) FROM outbox WHERE claimed_by IS NOT NULL"
    )
    return int(count)


def without_relay_and_mailer(scenario: Scenario) -> None:
    """Nothing is relayed or sent, so that what a relay does can be watched step by step."""
    scenario.idle()
    scenario.services.stop("relay", "mailer")


@row(3, "kill -9 relay before publish")
def test_a_relay_killed_between_claim_and_publish_delays_letters_and_loses_none(scenario: Scenario) -> None:
    scenario.up(env={"relay": LEASE})
    scenario.services.stop("relay")
    with proxy_to(scenario.broker.url("auth")) as cable:
        scenario.services.start("relay", env={"AUTH_BROKER_URL": cable.address})
        scenario.services.wait_until_ready()
        eventually(lambda: cable.accepted)
        cable.hold(Flow.UP)
        scenario.commit(scenario.size(300, 60))
        eventually(lambda: rows_in_hand(scenario) > 0, within=20)
        scenario.services.kill("relay")
    scenario.services.start("relay")
    scenario.healed()
    evidence = scenario.settle()
    assert evidence.copies == 0


@row(3, "kill -9 relay after the confirm, before settling", quick=True)
def test_a_relay_killed_between_confirm_and_settling_publishes_again_and_the_ledger_drops_the_copy(
    scenario: Scenario,
) -> None:
    letters = scenario.size(300, 60)
    scenario.up(env={"relay": LEASE})
    without_relay_and_mailer(scenario)
    with proxy_to(scenario.services.at.auth_database.url) as cable:
        scenario.services.start("relay", env={"AUTH_DATABASE_URL": cable.address})
        scenario.commit(
            1
        )  # a relay publishes a whole window only on a connection that has confirmed a letter
        eventually(lambda: scenario.outbox_rows() == 0, within=30)
        before = scenario.broker.depth(MAILER_URGENT)
        wire = cable.when(SETTLING, Then.HOLD_BEFORE)
        scenario.commit(letters)
        assert wire.tripped.wait(30)
        published = scenario.broker.depth(MAILER_URGENT) - before
        assert published == int(LEASE["AUTH_RELAY_WINDOW"])
        scenario.services.kill("relay")
    scenario.services.start("relay")
    eventually(lambda: scenario.outbox_rows() == 0, within=60)
    assert scenario.broker.depth(MAILER_URGENT) - before == letters + published
    scenario.services.start("mailer")
    scenario.healed()
    evidence = scenario.settle()
    assert evidence.copies == 0


@row(4, "SIGSTOP relay holding rows, a second one takes over; thawed it publishes late")
def test_the_rows_of_a_frozen_relay_are_taken_over_and_what_it_publishes_late_is_sent_once(
    scenario: Scenario,
) -> None:
    scenario.up(env={"relay": LEASE})
    scenario.services.stop("relay")
    with proxy_to(scenario.broker.url("auth")) as cable:
        (frozen,) = scenario.services.start("relay", env={"AUTH_BROKER_URL": cable.address})
        scenario.services.wait_until_ready()
        eventually(lambda: cable.accepted)
        cable.hold(Flow.UP)
        letters = scenario.size(300, 60)
        scenario.commit(letters)
        eventually(lambda: rows_in_hand(scenario) > 0, within=20)
        frozen.freeze()
        scenario.services.start("relay")
        scenario.wait_for_delivered(letters)
        cable.release()
        frozen.thaw()
        scenario.healed()
        evidence = scenario.settle()
        assert evidence.copies == 0


@row(4, "two relays side by side, one frozen for a while under load")
def test_two_relays_and_a_frozen_one_send_every_letter_once(scenario: Scenario) -> None:
    scenario.up(env={"relay": LEASE})
    (first,) = scenario.services.servers("relay")
    scenario.services.start("relay")
    scenario.services.wait_until_ready()
    letters = scenario.size(1000, 300)
    scenario.commit(letters)
    scenario.wait_for_delivered(scenario.chance.randrange(5, letters // 4))
    first.freeze()
    scenario.commit(letters)
    scenario.wait_for_delivered(letters + letters // 2, within=300)
    first.thaw()
    scenario.healed()
    evidence = scenario.settle()
    assert evidence.copies == 0


@row(11, "reset after publish, before its confirm", quick=True)
def test_a_window_whose_confirms_were_lost_is_published_again_and_sent_once(scenario: Scenario) -> None:
    letters = scenario.size(300, 60)
    scenario.up(env={"relay": LEASE})
    without_relay_and_mailer(scenario)
    before = scenario.broker.depth(MAILER_URGENT)
    with proxy_to(scenario.broker.url("auth")) as cable:
        scenario.services.start("relay", env={"AUTH_BROKER_URL": cable.address})
        scenario.services.wait_until_ready()
        scenario.commit(1)
        eventually(lambda: scenario.outbox_rows() == 0, within=20)
        cable.hold(Flow.DOWN)
        scenario.commit(letters)
        eventually(lambda: scenario.broker.depth(MAILER_URGENT) > before + 1, within=20)
        cable.reset()
        cable.release()
        scenario.healed()
        eventually(lambda: scenario.outbox_rows() == 0, within=60)
        assert scenario.broker.depth(MAILER_URGENT) > before + 1 + letters
        scenario.services.start("mailer")
        evidence = scenario.settle()
        assert evidence.copies == 0
