"""Rows 22 and 23: a mail server that misbehaves, and one that cannot be trusted."""

from collections.abc import Callable

from dev_inbox.script import Action, Extension, Phase, Rule
from support.certificates import sign_oneself
from support.eventually import eventually
from support.faults.duration import lasting
from support.faults.matrix import row
from support.faults.proxy import proxy_to
from support.faults.scenario import Scenario

IMPATIENT = {
    "MAILER_SMTP_TIMEOUT_SECONDS": "3",
    "MAILER_DOT_SECONDS": "3",
    "MAILER_LEASE_SECONDS": "15",
}
TIMES = 6


def bad_day(scenario: Scenario, rule: Rule) -> None:
    """Some of the letters meet the rule; all arrive, copies only of those marked ambiguous."""
    scenario.up(env={"mailer": IMPATIENT})
    scenario.idle()
    scenario.play(rule)
    scenario.commit(scenario.size(300, 40))
    eventually(lambda: scenario.plays_no_more(rule), within=120, every=0.2)
    scenario.healed()
    evidence = scenario.settle(within=180)
    assert evidence.delivered == evidence.requested
    doubtful = rule.phase is Phase.DOT
    assert bool(evidence.ambiguous) == doubtful
    assert evidence.copies == (len(evidence.ambiguous) if doubtful else 0)
    assert max(entry.attempts for entry in evidence.ledger.values()) <= TIMES + 1


@row(22, "SMTP: refuses")
def test_a_server_that_refuses_connections_gets_its_letters_later(scenario: Scenario) -> None:
    with proxy_to(scenario.smtp_url) as cable:
        scenario.up(env={"mailer": {**IMPATIENT, "MAILER_SMTP_URL": cable.address}})
        scenario.idle()
        cable.close()
        cable.reset()
        scenario.commit(scenario.size(300, 40))
        lasting(scenario.size(30, 6))
        cable.open()
        scenario.healed()
        evidence = scenario.settle(within=180)
        assert evidence.delivered == evidence.requested
        assert (evidence.copies, len(evidence.ambiguous)) == (0, 0)
        scenario.services.kill("mailer")


@row(22, "SMTP: resets before DATA")
def test_a_reset_before_data_is_no_doubt(scenario: Scenario) -> None:
    bad_day(scenario, Rule(phase=Phase.RCPT, action=Action.RESET, every=2, times=TIMES))


@row(22, "SMTP: resets after the dot", quick=True)
def test_a_reset_after_the_dot_leaves_a_letter_ambiguous(scenario: Scenario) -> None:
    bad_day(scenario, Rule(phase=Phase.DOT, action=Action.RESET, store=True, every=3, times=TIMES))


@row(22, "SMTP: 250 delayed beyond all patience")
def test_a_reply_that_comes_too_late_leaves_a_letter_ambiguous(scenario: Scenario) -> None:
    bad_day(scenario, Rule(phase=Phase.DOT, delay_seconds=300, every=3, times=TIMES))


@row(22, "SMTP: 250 delayed, within its patience and beyond the lease")
def test_a_scanner_that_takes_its_time_makes_no_copy(scenario: Scenario) -> None:
    slow = Rule(phase=Phase.DOT, delay_seconds=20, every=3, times=TIMES, store=True)
    scenario.up(env={"mailer": {**IMPATIENT, "MAILER_DOT_SECONDS": "120", "MAILER_LEASE_SECONDS": "6"}})
    scenario.idle()
    scenario.play(slow)
    scenario.commit(scenario.size(300, 40))
    eventually(lambda: scenario.plays_no_more(slow), within=120, every=0.2)
    scenario.healed()
    evidence = scenario.settle(within=180)
    assert evidence.delivered == evidence.requested
    assert (evidence.copies, len(evidence.ambiguous)) == (0, 0)
    assert max(entry.attempts for entry in evidence.ledger.values()) == 1


@row(22, "SMTP: 1 byte/s")
def test_a_reply_of_a_byte_a_second_is_not_waited_for(scenario: Scenario) -> None:
    bad_day(
        scenario, Rule(phase=Phase.MAIL, reply="250 2.1.0 Ok, soon", byte_seconds=1, every=2, times=TIMES)
    )


@row(22, "SMTP: silent banner")
def test_a_silent_banner_is_not_waited_for(scenario: Scenario) -> None:
    bad_day(scenario, Rule(phase=Phase.CONNECT, delay_seconds=300, times=1))


@row(22, "SMTP: 1 MB line")
def test_a_line_of_a_megabyte_is_not_read(scenario: Scenario) -> None:
    bad_day(scenario, Rule(phase=Phase.RCPT, reply="250 " + "x" * 2**20, every=2, times=TIMES))


@row(22, "SMTP: early 221")
def test_an_early_goodbye_is_no_answer(scenario: Scenario) -> None:
    bad_day(
        scenario, Rule(phase=Phase.RCPT, reply="221 2.0.0 Bye", action=Action.CLOSE, every=2, times=TIMES)
    )


@row(22, "SMTP: garbage")
def test_garbage_is_no_answer(scenario: Scenario) -> None:
    bad_day(scenario, Rule(phase=Phase.RCPT, reply="\udcff\udc00 ???", every=2, times=TIMES))


def distrusted(
    scenario: Scenario,
    *rules: Rule,
    spoil: Callable[[], None] = lambda: None,
    mend: Callable[[], None] = lambda: None,
) -> None:
    """Nothing is said to a server that cannot be trusted: no login, no letter; later everything arrives."""
    scenario.up()
    scenario.idle()
    # A connection kept from before is trusted for good reason: only new ones meet the fault.
    scenario.services.stop("mailer")
    spoil()
    scenario.play(*rules)
    before, kept = scenario.peer.totals(), len(scenario.peer.messages())
    scenario.services.start("mailer")
    scenario.commit(scenario.size(200, 30))
    eventually(lambda: scenario.peer.totals().opened >= before.opened + 3, within=60)
    lasting(scenario.size(20, 3))
    after = scenario.peer.totals()
    assert after.logins_tried == before.logins_tried
    assert len(scenario.peer.messages()) == kept
    newest = scenario.peer.connections()[: after.opened - before.opened]
    assert not [c for c in newest if {"AUTH", "MAIL", "DATA"} & c.commands.keys()]
    mend()
    scenario.play()
    scenario.healed()
    evidence = scenario.settle(within=180)
    assert evidence.delivered == evidence.requested
    assert evidence.copies == 0


@row(23, "STARTTLS stripped", quick=True)
def test_a_server_without_its_starttls_hears_no_login_and_no_letter(scenario: Scenario) -> None:
    distrusted(scenario, Rule(phase=Phase.EHLO, without=frozenset({Extension.STARTTLS})))


@row(23, "text injected after 220")
def test_text_injected_behind_the_220_is_never_believed(scenario: Scenario) -> None:
    injected = "220 2.0.0 Go\n250-evil.example\n250 AUTH PLAIN"
    distrusted(scenario, Rule(phase=Phase.STARTTLS, reply=injected))


@row(23, "bad certificate: expired")
def test_an_expired_certificate_is_not_believed(scenario: Scenario) -> None:
    with_certificate(scenario, str(scenario.authority.issue_expired("127.0.0.1")))


@row(23, "bad certificate: of another host")
def test_a_certificate_of_another_host_is_not_believed(scenario: Scenario) -> None:
    with_certificate(scenario, str(scenario.authority.issue("mail.example.org")))


@row(23, "bad certificate: self-signed")
def test_a_certificate_nobody_signed_is_not_believed(scenario: Scenario) -> None:
    with_certificate(scenario, str(sign_oneself("127.0.0.1", scenario.authority.directory)))


def with_certificate(scenario: Scenario, bad: str) -> None:
    good = str(scenario.authority.issue("127.0.0.1"))
    distrusted(
        scenario,
        spoil=lambda: scenario.certificate.load_cert_chain(bad),
        mend=lambda: scenario.certificate.load_cert_chain(good),
    )
