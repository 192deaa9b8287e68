"""The end of a run: wait until everything is quiet, gather the evidence, judge it, keep the numbers."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from mail_contract.topology import MAILER_DEAD
from support.eventually import eventually
from support.faults.evidence import Evidence
from support.faults.figures import Figures
from support.faults.gathering import (
    dead_letters,
    doubled_addresses,
    ledger_of_mailer,
    letters_in,
    letters_of_auth,
    messages_in_queues,
    outbox_rows,
    received_letters,
    unknown_receipts,
)
from support.faults.invariants import lost_letters, violations
from support.faults.leaks import find_leaks, secrets_of
from support.people import on_the_wire

if TYPE_CHECKING:
    from support.faults.scenario import Scenario

OPEN = ("accepted", "queued", "deferred")
IN_HAND = ("claimed", "transmitting", "waiting")
QUIET_SECONDS = 1.5
"""Longer than the broker's figures are old."""


def settle(scenario: Scenario, *, within: float, resting: frozenset[str]) -> tuple[Evidence, Figures]:
    """Wait until quiet, at most `within` seconds; what is not quiet then is judged as it is.

    Args:
        scenario: healed.
        within: seconds.
        resting: queues in which messages may stay, besides the dead letters.
    """
    healed_at = scenario.healed_at or time.monotonic()
    try:
        quiet_at = _wait_until_quiet(scenario, within, resting | {MAILER_DEAD})
    except AssertionError:
        quiet_at = time.monotonic()
    evidence = _gather(scenario, resting | {MAILER_DEAD})
    figures = Figures(
        row=scenario.row,
        fault=scenario.fault,
        seed=scenario.seed,
        quick=scenario.quick,
        requested=evidence.requested,
        accepted=evidence.accepted,
        delivered=evidence.delivered,
        copies=evidence.copies,
        ambiguous=len(evidence.ambiguous),
        dead=len(evidence.dead),
        lost=len(lost_letters(evidence)) + len(evidence.promised),
        recovery_seconds=round(quiet_at - healed_at, 1),
        worst_answer_seconds=round(max((answer.seconds for answer in evidence.answers), default=0.0), 2),
        violations=violations(evidence),
        versions=scenario.versions,
    )
    return evidence, figures


def _wait_until_quiet(scenario: Scenario, within: float, resting: frozenset[str]) -> float:
    quiet_since: list[float] = []

    def quiet() -> bool:
        if not is_quiet(scenario, resting):
            quiet_since.clear()
            return False
        quiet_since.append(time.monotonic())
        return quiet_since[-1] - quiet_since[0] >= QUIET_SECONDS

    eventually(quiet, within=within, every=0.25)
    return quiet_since[0]


def is_quiet(scenario: Scenario, resting: frozenset[str] = frozenset({MAILER_DEAD})) -> bool:
    """Whether nothing is on its way any more, by figures of the broker up to half a second old."""
    if scenario.outbox_rows() or any(_left_in_queues(scenario, resting).values()):
        return False
    at = scenario.services.at
    waited_for = letters_in(at.auth_database, OPEN) | letters_in(at.mailer_database, IN_HAND)
    return not waited_for or waited_for <= {dead.letter for dead in dead_letters(scenario.broker)}


def _left_in_queues(scenario: Scenario, resting: frozenset[str]) -> dict[str, int]:
    found = messages_in_queues(scenario.broker)
    return {queue: count for queue, count in found.items() if queue not in resting}


def _gather(scenario: Scenario, resting: frozenset[str]) -> Evidence:
    at = scenario.services.at
    messages = scenario.peer.messages()
    dead = dead_letters(scenario.broker)
    reached = {recipient for message in messages for recipient in message.recipients}
    receipts = [receipt for crowd in scenario.crowds for receipt in crowd.receipts.values()]
    straight = sum(letter is not None for letter in scenario.asked.values())
    answers = [] if scenario.api_is_victim else [a for crowd in scenario.crowds for a in crowd.answers]
    leaks = find_leaks(
        secrets_of(messages),
        infra=scenario.infra,
        databases=(at.auth_database, at.mailer_database),
        logs=at.directory,
    )
    return Evidence(
        letters=dict.fromkeys(scenario.forgotten, "sent") | letters_of_auth(at.auth_database),
        promised=unknown_receipts(at.auth_database, receipts),
        requested=len(scenario.asked),
        accepted=len(receipts) + straight,
        delivered=sum(on_the_wire(person) in reached for person in scenario.asked),
        received=received_letters(messages),
        ledger=scenario.forgotten_entries | ledger_of_mailer(at.mailer_database),
        dead=tuple(one for one in dead if one.letter not in scenario.planted),
        planted=scenario.planted <= {one.letter for one in dead},
        outbox=outbox_rows(at.auth_database),
        queues=_left_in_queues(scenario, resting),
        doubles=doubled_addresses(at.auth_database),
        tokens=scenario.tokens.try_all(scenario.services.api, scenario.peer, scenario.crowds),
        leaks=tuple(leaks),
        answers=tuple(answers),
        in_clear=sum(
            connection.logins_in_clear > 0 or connection.tls_before_mail is False
            for connection in scenario.peer.connections()
        ),
        ended=tuple(scenario.services.ended_by_themselves()),
    )
