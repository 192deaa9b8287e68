"""Policies and alternates in effect, whatever the list of policies says."""

from dataclasses import replace
from typing import Any

import pytest

from mail_contract.topology import MAIL_DEAD
from postern_rabbitmq.doctor.alternates import alternates
from postern_rabbitmq.doctor.drift import APPLY
from postern_rabbitmq.doctor.finding import Code, Severity
from postern_rabbitmq.doctor.policies import deviating, policies_in_effect
from postern_rabbitmq.doctor.snapshot import Snapshot
from support.healthy import healthy, with_queue

WORK = dict(healthy().queues["mailer.urgent"].effective or {})


def test_without_its_policy_a_queue_has_no_dead_letter_exchange_and_no_limits() -> None:
    snapshot = replace(with_queue(healthy(), "mailer.urgent", effective={}, policy=None), policies={})
    missing, limits = policies_in_effect(snapshot)
    assert (missing.code, missing.severity, missing.fix) == (Code.NO_DEAD_LETTERS, Severity.ERROR, APPLY)
    assert missing.sentence.startswith("mailer.urgent has no dead-letter exchange in effect")
    assert limits.code is Code.POLICY_NOT_IN_EFFECT
    assert "delivery-limit is not set, not 10" in limits.sentence


def test_a_policy_that_takes_the_place_of_ours_is_named_in_the_fix() -> None:
    snapshot = with_queue(healthy(), "mailer.urgent", effective={"max-length": 3}, policy="theirs")
    for finding in policies_in_effect(snapshot):
        assert "rabbitmqctl clear_policy -p postern theirs; then postern-topology apply" in finding.fix


def test_another_dead_letter_exchange_is_a_deviation() -> None:
    snapshot = with_queue(healthy(), "mailer.urgent", effective={**WORK, "dead-letter-exchange": "away"})
    (finding,) = policies_in_effect(snapshot)
    assert finding.code is Code.POLICY_NOT_IN_EFFECT
    assert f"dead-letter-exchange is away, not {MAIL_DEAD}" in finding.sentence


def test_an_operator_policy_that_tightens_a_limit_is_named() -> None:
    snapshot = replace(
        with_queue(
            healthy(),
            "mailer.urgent",
            effective={**WORK, "max-length": 5, "message-ttl": 1000},
            operator_policy="op",
        ),
        operator_policies={"op": {"max-length": 5, "message-ttl": 1000}},
    )
    (finding,) = policies_in_effect(snapshot)
    assert finding.code is Code.OPERATOR_POLICY
    assert "max-length is 5, not 1000000, message-ttl is 1000, not unset" in finding.sentence
    assert finding.fix == "rabbitmqctl clear_operator_policy -p postern op"


def test_an_operator_policy_that_tightens_nothing_is_fine() -> None:
    snapshot = replace(
        with_queue(healthy(), "mailer.urgent", operator_policy="op"),
        operator_policies={"op": {"max-length": 9_000_000}},
    )
    assert list(policies_in_effect(snapshot)) == []


def test_a_policy_that_is_there_but_not_in_effect_yet_asks_for_patience() -> None:
    snapshot = with_queue(healthy(), "mailer.urgent", effective={**WORK, "max-length": 7})
    (finding,) = policies_in_effect(snapshot)
    assert finding.fix.startswith("the policy is there but not in effect yet")


def test_a_queue_without_figures_is_a_warning_not_a_guess() -> None:
    (finding,) = policies_in_effect(with_queue(healthy(), "mailer.urgent", effective=None))
    assert (finding.code, finding.severity) == (Code.NOT_REPORTED, Severity.WARNING)


@pytest.mark.parametrize(
    ("wanted", "effective", "words"),
    [
        ({"a": 1}, {"a": 1}, {}),
        ({"a": 1}, {"a": 2}, {"a": "a is 2, not 1"}),
        ({"a": 1}, {}, {"a": "a is not set, not 1"}),
        ({}, {"a": 1}, {"a": "a is 1, not unset"}),
    ],
)
def test_deviations_are_said_both_ways(wanted: Any, effective: Any, words: Any) -> None:
    assert deviating(wanted, effective) == words


def with_exchange(name: str, **fields: Any) -> Snapshot:
    snapshot = healthy()
    return replace(snapshot, exchanges={**snapshot.exchanges, name: {"name": name, **fields}})


def test_a_missing_alternate_is_named() -> None:
    (finding,) = alternates(with_exchange("reports", arguments={}))
    assert finding.code is Code.NO_ALTERNATE
    assert finding.sentence.startswith("exchange reports has no alternate, not unroutable")
    assert finding.fix == f"delete exchange reports in the console, then at once {APPLY}"


def test_an_alternate_by_policy_counts() -> None:
    snapshot = replace(
        with_exchange("reports", policy="ae"), policies={"ae": {"alternate-exchange": "unroutable"}}
    )
    assert list(alternates(snapshot)) == []


def test_an_alternate_for_letters_strands_them_and_the_policy_that_gives_it_is_named() -> None:
    snapshot = replace(
        with_exchange("mail", policy="ae"), policies={"ae": {"alternate-exchange": "unroutable"}}
    )
    (finding,) = alternates(snapshot)
    assert finding.code is Code.UNWANTED_ALTERNATE
    assert finding.fix == "rabbitmqctl clear_policy -p postern ae"


def test_an_alternate_for_letters_by_argument_needs_the_exchange_made_anew() -> None:
    (finding,) = alternates(with_exchange("mail", arguments={"alternate-exchange": "unroutable"}))
    assert finding.code is Code.UNWANTED_ALTERNATE
    assert finding.fix.startswith("delete exchange mail")
