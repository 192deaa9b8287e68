"""The topology as data: rules a reviewer would police."""

import re

import pytest

from mail_contract.letters import LetterClass
from mail_contract.topology import (
    CANCELLATION_ROUTE,
    CLASS_QUEUES,
    MAIL_DEAD,
    MAILER_CANCELLATIONS,
    MAILER_DEAD,
    MAILER_WORK,
    MAINTENANCE_ROUTE,
    REPORT_ROUTE,
    TOPOLOGY,
    UNROUTABLE,
    Route,
    WaitTier,
    dead_route,
    letter_route,
    wait_route,
)
from mail_contract.vhost import version_of

CONSUMED_BY_POLICY = ("mailer-work", "auth-reports")
HELD_UNTIL_ROUTED = {"mail", "mail.wait", "mail.dead", UNROUTABLE}


def matches(pattern: str, key: str) -> bool:
    """AMQP topic matching: `*` is one word, `#` any number of words."""
    translated = re.escape(pattern).replace(r"\.\#", r"(\..+)?").replace(r"\#", ".*").replace(r"\*", r"[^.]+")
    return re.fullmatch(translated, key) is not None


def queues_for(route: Route) -> list[str]:
    kinds = {exchange.name: exchange.type for exchange in TOPOLOGY.exchanges}
    return [
        b.queue
        for b in TOPOLOGY.bindings
        if b.exchange == route.exchange
        and (kinds[b.exchange] == "fanout" or matches(b.routing_key, route.routing_key))
    ]


@pytest.mark.parametrize(
    ("letter_class", "queue"),
    CLASS_QUEUES.items(),
)
def test_every_class_has_a_queue_of_its_own_and_comes_back_to_it_from_every_wait(
    letter_class: LetterClass, queue: str
) -> None:
    assert queues_for(letter_route(letter_class)) == [queue]
    for tier in WaitTier:
        route = wait_route(letter_class, tier)
        assert queues_for(route) == [tier.queue]
        assert queues_for(Route(exchange="mail", routing_key=route.routing_key)) == [queue]


def test_every_route_leads_to_exactly_one_queue() -> None:
    assert queues_for(CANCELLATION_ROUTE) == [MAILER_CANCELLATIONS]
    assert queues_for(REPORT_ROUTE) == ["auth.reports"]
    assert queues_for(MAINTENANCE_ROUTE) == ["auth.maintenance"]
    for letter_class in (*LetterClass, None):
        assert queues_for(dead_route(letter_class)) == [MAILER_DEAD]


def test_every_queue_has_exactly_one_policy() -> None:
    for queue in TOPOLOGY.queues:
        assert len([p for p in TOPOLOGY.policies if re.search(p.pattern, queue)]) == 1, queue


def test_every_queue_is_bound() -> None:
    assert {b.queue for b in TOPOLOGY.bindings} == set(TOPOLOGY.queues)


def test_every_exchange_has_an_alternate_or_publishers_that_hold_the_message_until_it_is_routed() -> None:
    for exchange in TOPOLOGY.exchanges:
        assert exchange.alternate == UNROUTABLE or exchange.name in HELD_UNTIL_ROUTED, exchange.name


def test_what_dead_letters_does_so_at_least_once() -> None:
    for policy in TOPOLOGY.policies:
        if "dead-letter-exchange" in policy.definition:
            assert policy.definition["dead-letter-strategy"] == "at-least-once"
            assert policy.definition["overflow"] == "reject-publish"


def test_every_work_queue_of_the_mailer_has_a_dead_letter_exchange_and_a_delivery_limit() -> None:
    for queue in MAILER_WORK:
        (policy,) = [p for p in TOPOLOGY.policies if re.search(p.pattern, queue)]
        assert policy.definition["dead-letter-exchange"] == MAIL_DEAD
        assert policy.definition["delivery-limit"]


def test_nobody_may_declare_an_object_of_the_topology() -> None:
    for user in TOPOLOGY.users:
        for name in (*TOPOLOGY.queues, *(e.name for e in TOPOLOGY.exchanges)):
            assert not re.search(user.configure, name), f"{user.name} may declare {name}"


def test_the_mailer_may_read_its_work_and_its_dead_letters_and_nothing_that_waits() -> None:
    (mailer,) = [user for user in TOPOLOGY.users if user.name == "mailer"]
    readable = {queue for queue in TOPOLOGY.queues if re.search(mailer.read, queue)}
    assert readable == {*MAILER_WORK, MAILER_DEAD}


def test_the_less_urgent_a_class_the_less_it_may_reserve_ahead() -> None:
    leads = [letter_class.rate_lead for letter_class in LetterClass]
    assert leads == sorted(leads, reverse=True)


def test_neither_service_may_read_what_belongs_to_the_other() -> None:
    rights = {user.name: user for user in TOPOLOGY.users}
    assert not any(re.search(rights["mailer"].read, q) for q in TOPOLOGY.queues if q.startswith("auth."))
    assert not any(re.search(rights["auth"].read, q) for q in TOPOLOGY.queues if q.startswith("mailer."))
    assert not any(re.search(rights["flower"].read, q) for q in TOPOLOGY.queues)
    lying = [MAILER_DEAD, *(tier.queue for tier in WaitTier)]
    assert sorted(q for q in TOPOLOGY.queues if re.search(rights["operator"].read, q)) == sorted(lying)
    assert not any(re.search(user.write, "amq.default") for user in TOPOLOGY.users)


def test_waits_grow() -> None:
    delays = [tier.delay for tier in WaitTier]
    assert delays == sorted(delays)
    assert len(set(delays)) == len(delays)


@pytest.mark.parametrize(
    ("version", "waits"), [("", None), ("3.10.8", None), ("4.2.9", None), ("4.3.0", 5000), ("5.0.1", 5000)]
)
def test_a_broker_gets_the_settings_that_its_version_knows(version: str, waits: int | None) -> None:
    known = TOPOLOGY.known_to(version_of(version))
    work, reports = (
        next(each for each in known.policies if each.name == name) for name in CONSUMED_BY_POLICY
    )
    for policy in (work, reports):
        assert policy.definition.get("consumer-disconnected-timeout") == waits
        assert policy.definition["delivery-limit"] == 10
        assert policy.newer == {}
