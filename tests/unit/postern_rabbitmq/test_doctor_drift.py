"""Drift: what follows from each difference and what helps."""

from dataclasses import replace

import pytest

from postern_rabbitmq.difference import Deviation, Difference, ObjectKind
from postern_rabbitmq.doctor.drift import APPLY, drift, judge_difference, queue_types
from postern_rabbitmq.doctor.finding import Code, Severity
from support.healthy import healthy, with_queue


def difference(kind: ObjectKind, deviation: Deviation, field: str = "") -> Difference:
    name = "mail --x--> spy" if kind is ObjectKind.BINDING else "thing"
    return Difference(kind=kind, name=name, deviation=deviation, field=field, actual=1, wanted=2)


@pytest.mark.parametrize("kind", ObjectKind)
def test_what_is_missing_is_an_error_that_apply_mends(kind: ObjectKind) -> None:
    finding = judge_difference(difference(kind, Deviation.MISSING), vhost="v")
    assert finding.severity is Severity.ERROR
    assert finding.code is (Code.RIGHTS if kind is ObjectKind.RIGHTS else Code.MISSING)
    assert finding.fix == APPLY
    assert "thing is missing: " in finding.sentence or "spy is missing: " in finding.sentence


@pytest.mark.parametrize(
    ("kind", "fix"),
    [
        (ObjectKind.QUEUE, "rabbitmqctl delete_queue -p v thing"),
        (ObjectKind.POLICY, "rabbitmqctl clear_policy -p v thing"),
        (ObjectKind.EXCHANGE, "delete it there"),
    ],
)
def test_what_nobody_asked_for_is_a_warning_and_only_a_person_removes_it(kind: ObjectKind, fix: str) -> None:
    finding = judge_difference(difference(kind, Deviation.FOREIGN), vhost="v")
    assert (finding.code, finding.severity) == (Code.FOREIGN, Severity.WARNING)
    assert fix in finding.fix
    assert APPLY not in finding.fix


def test_a_binding_nobody_asked_for_is_an_error_for_it_copies_letters() -> None:
    finding = judge_difference(difference(ObjectKind.BINDING, Deviation.FOREIGN), vhost="v")
    assert finding.severity is Severity.ERROR
    assert "on the page of exchange mail" in finding.fix


@pytest.mark.parametrize("kind", [ObjectKind.POLICY, ObjectKind.RIGHTS])
def test_a_changed_policy_or_right_is_put_back_by_apply(kind: ObjectKind) -> None:
    finding = judge_difference(difference(kind, Deviation.CHANGED, "field"), vhost="v")
    assert finding.sentence == f"{kind} thing: field is 1, not 2"
    assert finding.fix == APPLY


@pytest.mark.parametrize("kind", [ObjectKind.QUEUE, ObjectKind.EXCHANGE])
def test_a_changed_queue_or_exchange_has_to_be_made_anew(kind: ObjectKind) -> None:
    finding = judge_difference(difference(kind, Deviation.CHANGED, "durable"), vhost="v")
    assert "cannot be changed" in finding.fix
    assert APPLY in finding.fix


def test_a_classic_queue_is_said_once_with_what_an_operator_must_do() -> None:
    snapshot = replace(
        with_queue(healthy(), "mailer.urgent", type="classic"),
        differences=(
            Difference(
                kind=ObjectKind.QUEUE,
                name="mailer.urgent",
                deviation=Deviation.CHANGED,
                field="arguments",
                actual={},
                wanted={"x-queue-type": "quorum"},
            ),
        ),
    )
    (finding,) = [*drift(snapshot), *queue_types(snapshot)]
    assert finding.code is Code.WRONG_QUEUE_TYPE
    assert finding.sentence.startswith("mailer.urgent is a classic queue, not a quorum queue")
    assert "rabbitmqctl delete_queue -p postern --if-empty mailer.urgent, and at once" in finding.fix


@pytest.mark.parametrize(
    "argument", ["x-message-ttl", "x-max-length", "x-dead-letter-exchange", "x-expires", "x-delivery-limit"]
)
def test_an_argument_that_no_policy_can_change_is_named(argument: str) -> None:
    snapshot = with_queue(healthy(), "mailer.bulk", arguments={"x-queue-type": "quorum", argument: 5})
    (finding,) = queue_types(snapshot)
    assert finding.code is Code.OVERRIDING_ARGUMENT
    assert argument in finding.sentence


@pytest.mark.parametrize(
    "argument", ["x-quorum-initial-group-size", "x-quorum-target-group-size", "x-queue-leader-locator"]
)
def test_where_the_replicas_are_is_the_operators_choice(argument: str) -> None:
    snapshot = with_queue(healthy(), "mailer.bulk", arguments={"x-queue-type": "quorum", argument: 3})
    assert list(queue_types(snapshot)) == []
