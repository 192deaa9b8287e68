"""Least rights on the broker, tested by trying what is forbidden."""

from collections.abc import Callable, Iterator
from functools import partial
from operator import methodcaller
from typing import Any

import httpx
import pytest
from amqp.exceptions import AccessRefused, NotAllowed
from kombu import Connection

from mail_contract.topology import TOPOLOGY, WaitTier
from support.broker import VirtualHost, virtual_host
from support.infra import Infra

QUEUES = TOPOLOGY.queues
EXCHANGES = tuple(exchange.name for exchange in TOPOLOGY.exchanges)
MAY_READ = {
    "auth": {"auth.reports", "auth.maintenance"},
    "mailer": {"mailer.urgent", "mailer.standard", "mailer.bulk", "mailer.cancellations", "mailer.dead"},
    "operator": {"mailer.dead", *(tier.queue for tier in WaitTier)},
    "flower": set(),
    "viewer": set(),
}
MAY_WRITE = {
    "auth": {"mail", "maintenance"},
    "mailer": {"mail.wait", "mail.dead", "reports"},
    "operator": {"mail", "reports"},
    "flower": set(),
    "viewer": set(),
}
SERVICES = ("auth", "mailer", "operator", "flower", "viewer")


@pytest.fixture(scope="module")
def broker(infra: Infra) -> Iterator[VirtualHost]:
    """One for all these tests: what is forbidden changes nothing, and what is allowed disturbs none of them."""
    infra.ensure_broker()
    with virtual_host(infra) as shared:
        yield shared


def allowed(broker: VirtualHost, user: str, act: Callable[[Any], object]) -> bool:
    """Whether the broker lets the user do it; each try has a connection of its own, for a refusal closes the channel."""
    with Connection(broker.url(user), transport_options={"confirm_publish": True}) as connection:
        try:
            act(connection.default_channel)
        except AccessRefused:
            return False
        return True


def publish(channel: Any, exchange: str) -> None:
    channel.basic_publish(channel.prepare_message(b"{}"), exchange=exchange, routing_key="mail.bulk.10s")


@pytest.mark.parametrize("user", SERVICES)
def test_a_service_reads_its_own_queues_and_no_other(broker: VirtualHost, user: str) -> None:
    readable = {queue for queue in QUEUES if allowed(broker, user, methodcaller("basic_get", queue))}
    assert readable == MAY_READ[user]


@pytest.mark.parametrize("user", SERVICES)
def test_a_service_writes_to_its_own_exchanges_and_no_other(broker: VirtualHost, user: str) -> None:
    others = ("", "amq.direct", "amq.topic", "amq.fanout")
    writable = {
        exchange
        for exchange in (*EXCHANGES, *others)
        if allowed(broker, user, partial(publish, exchange=exchange))
    }
    assert writable == MAY_WRITE[user]


@pytest.mark.parametrize("user", SERVICES)
def test_a_service_can_neither_make_change_bind_purge_nor_delete(broker: VirtualHost, user: str) -> None:
    forbidden: list[Callable[[Any], object]] = [
        lambda channel: channel.queue_declare("mine", durable=True),
        lambda channel: channel.exchange_declare("mine", "topic"),
        lambda channel: channel.queue_bind("mailer.dead", "mail", "#"),
        lambda channel: channel.queue_unbind("mailer.urgent", "mail", "mail.urgent.#"),
        lambda channel: channel.exchange_delete("mail"),
        *(methodcaller("queue_delete", queue) for queue in QUEUES),
        *(methodcaller("queue_purge", queue) for queue in QUEUES if queue not in MAY_READ[user]),
    ]
    assert [act for act in forbidden if allowed(broker, user, act)] == []


@pytest.mark.parametrize("user", SERVICES)
def test_a_service_has_no_other_vhost(broker: VirtualHost, user: str) -> None:
    elsewhere = broker.url(user).rsplit("/", 1)[0] + "/postern"
    with pytest.raises(NotAllowed), Connection(elsewhere) as connection:
        connection.connect()


def test_there_is_no_guest(broker: VirtualHost) -> None:
    assert "guest" not in {user["name"] for user in broker.admin.get("users")}


@pytest.mark.parametrize(
    ("user", "status"), [("auth", 401), ("mailer", 401), ("operator", 401), ("flower", 200), ("viewer", 200)]
)
def test_only_flower_and_the_viewer_may_look_through_the_management_api(
    broker: VirtualHost, user: str, status: int
) -> None:
    address = broker.admin_url.rsplit("@", 1)[1]
    answer = httpx.get(
        f"http://{address}/api/queues/{broker.vhost}",
        auth=(broker.user_prefix + user, broker.passwords[user]),
    )
    assert answer.status_code == status


def test_the_viewer_sees_everything_and_can_neither_take_a_message_nor_put_one_in(
    broker: VirtualHost,
) -> None:
    address = broker.admin_url.rsplit("@", 1)[1]
    login = (broker.user_prefix + "viewer", broker.passwords["viewer"])
    with httpx.Client(base_url=f"http://{address}/api", auth=login) as console:
        assert {queue["name"] for queue in console.get(f"/queues/{broker.vhost}").json()} >= set(QUEUES)
        take = {"count": 1, "ackmode": "ack_requeue_false", "encoding": "auto"}
        put = {"properties": {}, "routing_key": "mail.urgent", "payload": "x", "payload_encoding": "string"}
        refused = (
            console.post(f"/queues/{broker.vhost}/mailer.urgent/get", json=take),
            console.post(f"/exchanges/{broker.vhost}/mail/publish", json=put),
            console.delete(f"/queues/{broker.vhost}/mailer.urgent"),
            console.delete(f"/queues/{broker.vhost}/mailer.urgent/contents"),
        )
    assert not any(answer.is_success for answer in refused), refused
