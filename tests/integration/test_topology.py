"""The topology on a real broker: applied, checked, and what is generated from it."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from kombu import Connection, Producer

from mail_contract.letters import LetterClass
from mail_contract.topology import WaitTier, build_topology, wait_route
from postern_rabbitmq.check import check_topology
from postern_rabbitmq.errors import TopologyError
from support.broker import VirtualHost
from support.eventually import eventually


def differences(broker: VirtualHost) -> list[str]:
    return check_topology(broker.admin, vhost=broker.vhost, user_prefix=broker.user_prefix)


def test_what_was_applied_checks_without_a_difference(broker: VirtualHost) -> None:
    broker.admin.delete("vhosts", broker.vhost)
    for user in broker.passwords:
        broker.admin.delete("users", broker.user_prefix + user)
    broker.apply()
    assert differences(broker) == []
    assert "Postern" in str(
        broker.admin.get("vhosts", broker.vhost)
    )  # in words, for whoever looks at the console


def test_applying_again_changes_nothing(broker: VirtualHost) -> None:
    broker.apply()
    assert differences(broker) == []


def test_every_kind_of_drift_is_named(broker: VirtualHost) -> None:
    vhost = broker.vhost
    broker.admin.delete("queues", vhost, "mailer.bulk")
    broker.admin.delete("policies", vhost, "mailer-work")
    broker.admin.put("queues", vhost, "stray", body={"durable": True, "arguments": {}})
    broker.admin.put(
        "permissions",
        vhost,
        broker.user_prefix + "auth",
        body={"configure": ".*", "write": ".*", "read": ".*"},
    )
    found = differences(broker)
    for sentence in (
        "queue mailer.bulk is missing",
        "policy mailer-work is missing",
        "queue stray is not part of the topology",
        "binding mail --mail.bulk.#--> mailer.bulk is missing",
    ):
        assert sentence in found
    assert any("auth: configure is '.*'" in sentence for sentence in found)


def test_a_queue_of_another_type_is_refused_by_name(broker: VirtualHost) -> None:
    broker.admin.delete("queues", broker.vhost, "mailer.urgent")
    broker.admin.put(
        "queues",
        broker.vhost,
        "mailer.urgent",
        body={"durable": True, "arguments": {"x-queue-type": "classic"}},
    )
    assert any(s.startswith("queue mailer.urgent: arguments is") for s in differences(broker))
    with pytest.raises(TopologyError, match=r"mailer\.urgent"):
        broker.apply()


@pytest.mark.parametrize("letter_class", LetterClass)
def test_a_waiting_letter_comes_back_to_its_own_class(broker: VirtualHost, letter_class: LetterClass) -> None:
    broker.take_policies_of(build_topology(dict.fromkeys(WaitTier, timedelta(milliseconds=50))))
    with Connection(broker.url("mailer")) as connection:
        producer = Producer(connection.default_channel)
        for tier in WaitTier:
            route = wait_route(letter_class, tier)
            producer.publish({}, exchange=route.exchange, routing_key=route.routing_key)
    eventually(lambda: broker.depth(f"mailer.{letter_class}") == len(WaitTier))


def test_the_definitions_file_is_the_topology(broker: VirtualHost) -> None:
    """The broker was given it, with users: see `virtual_host`."""
    assert differences(broker) == []


def test_the_command_line_names_every_missing_setting_and_ends_with_2() -> None:
    run = subprocess.run(
        [Path(sys.executable).with_name("postern-topology"), "apply"],
        env={},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 2
    for name in (
        "POSTERN_BROKER_ADMIN_URL",
        "POSTERN_AUTH_BROKER_PASSWORD",
        "POSTERN_FLOWER_BROKER_PASSWORD",
        "POSTERN_VIEWER_BROKER_PASSWORD",
    ):
        assert f"{name}: is missing" in run.stderr
