"""Row 21: every reply of the table, to a recipient of its own, all at once; each letter ends as written."""

from uuid import UUID

from dev_inbox.script import Phase, Rule
from support.faults.gathering import rows
from support.faults.matrix import row
from support.faults.scenario import Scenario

TEMPORARY = (
    (Phase.RCPT, "421 4.7.0 Too busy"),
    (Phase.RCPT, "432 4.7.12 A password transition is needed"),
    (Phase.RCPT, "450 4.2.0 Greylisted"),
    (Phase.RCPT, "450 4.7.1 Greylisted"),
    (Phase.RCPT, "450 4.2.1 Too many letters to you"),
    (Phase.RCPT, "451 4.3.0 Local error"),
    (Phase.RCPT, "451 4.4.1 No answer from host"),
    (Phase.RCPT, "452 4.3.1 Insufficient storage"),
    (Phase.RCPT, "452 4.2.2 Mailbox full"),
    (Phase.RCPT, "454 4.7.0 Temporary failure"),
    (Phase.RCPT, "450 Mailbox busy"),
    (Phase.RCPT, "499 Whatever"),
    (
        Phase.RCPT,
        "550 5.2.1 The user you are trying to contact is receiving mail at a rate that prevents more",
    ),
    (Phase.RCPT, "550 Ip frequency limited"),
    (Phase.DOT, "550 5.2.1 Temporarily disabled"),
    (Phase.DATA, "451 4.3.0 Local error"),
    (Phase.DOT, "451 4.3.0 Local error"),
    (Phase.DOT, "452 4.3.1 Insufficient storage"),
)
"""Answered once; the letter arrives later."""

PERMANENT = (
    (Phase.RCPT, "500 5.5.2 Syntax error"),
    (Phase.RCPT, "501 5.5.4 Bad parameter"),
    (Phase.RCPT, "502 5.5.1 Not implemented"),
    (Phase.RCPT, "503 5.5.1 Bad sequence"),
    (Phase.RCPT, "504 5.5.4 Parameter not implemented"),
    (Phase.RCPT, "555 5.5.4 Parameter not recognised"),
    (Phase.RCPT, "521 5.3.2 Does not accept mail"),
    (Phase.RCPT, "556 5.1.10 Null MX"),
    (Phase.RCPT, "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup"),
    (Phase.RCPT, "550 5.4.1 [x]: Recipient address rejected: Access denied"),
    (Phase.RCPT, "550 5.1.351 Remote server returned unknown recipient or mailbox unavailable"),
    (Phase.RCPT, "550 DMARC check failed"),
    (Phase.RCPT, "554 Host network not allowed"),
    (Phase.RCPT, "550 5.1.1 No such user"),
    (Phase.RCPT, "550 5.1.2 No such system"),
    (Phase.RCPT, "551 5.1.6 Moved"),
    (Phase.RCPT, "550 5.2.1 Disabled"),
    (Phase.RCPT, "553 5.1.3 Bad address"),
    (Phase.RCPT, "550 5.7.1 Policy"),
    (Phase.RCPT, "554 5.7.1 Reputation"),
    (Phase.RCPT, "552 5.2.2 Mailbox full"),
    (Phase.RCPT, "552 5.3.4 Too big"),
    (Phase.RCPT, "550 5.6.7 No SMTPUTF8"),
    (Phase.RCPT, "550 No"),
    (Phase.RCPT, "554 No"),
    (Phase.DOT, "554 5.7.1 Looks like spam"),
    (Phase.DOT, "552 5.3.4 Too big"),
    (Phase.DOT, "550 No"),
)
"""Answered for ever; the letter is dead and says which reply ended it."""


@row(21, "each row of the reply table, scripted", quick=True)
def test_every_reply_is_classified_as_written_and_delays_no_other_letter(scenario: Scenario) -> None:
    scenario.up()
    once = {f"later@t{n}.example": answer for n, answer in enumerate(TEMPORARY)}
    always = {f"never@p{n}.example": answer for n, answer in enumerate(PERMANENT)}
    scenario.play(
        *(Rule(phase=phase, recipient=to, reply=reply, times=1) for to, (phase, reply) in once.items()),
        *(Rule(phase=phase, recipient=to, reply=reply) for to, (phase, reply) in always.items()),
    )
    friendly = scenario.commit(scenario.size(200, 40))
    patient = dict(zip(once, scenario.commit(0, people=list(once)), strict=True))
    doomed = dict(zip(always, scenario.commit(0, people=list(always)), strict=True))
    scenario.healed()
    evidence = scenario.settle(within=180)
    assert {evidence.letters[letter] for letter in friendly} == {"sent"}
    assert {to: evidence.letters[letter] for to, letter in patient.items()} == dict.fromkeys(patient, "sent")
    assert evidence.buried == set(doomed.values())
    for to, letter in doomed.items():
        assert last_reply(scenario, letter).startswith(always[to][1][:3])
    assert (evidence.copies, len(evidence.ambiguous)) == (0, 0)


def last_reply(scenario: Scenario, letter: UUID) -> str:
    database = scenario.services.at.mailer_database
    ((reply,),) = rows(database, "SELECT last_reply FROM letters WHERE id = %s", str(letter))
    return str(reply)
