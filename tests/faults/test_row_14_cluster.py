"""Row 14: of three nodes one dies, then one is cut off, from the others and from everybody."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from uuid import UUID

import pytest

from dev_inbox.script import Phase, Rule
from mail_contract.letters import LetterClass
from mail_contract.topology import MAILER_URGENT
from support.broker import VirtualHost, virtual_host
from support.eventually import eventually
from support.faults.broker_cluster import MEMBERS, BrokerCluster, Member, broker_cluster
from support.faults.matrix import row
from support.faults.network import Network, network
from support.faults.scenario import Scenario
from support.infra import Infra

BUSY = Rule(phase=Phase.RCPT, recipient="*@busy.example", reply="451 4.3.0 Try later", times=40)
"""So that letters wait on the broker, too; in a domain of their own, or all others would have to wait with them."""


@pytest.fixture
def hosts() -> Iterator[Network]:
    with network(hosts=MEMBERS) as made:
        yield made


@pytest.fixture
def cluster(
    infra: Infra, hosts: Network, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BrokerCluster]:
    with broker_cluster(infra, hosts, tmp_path_factory.mktemp("cluster")) as started:
        yield started


@pytest.fixture
def broker(cluster: BrokerCluster) -> Iterator[VirtualHost]:
    """In the place of the session's single node."""
    with virtual_host(cluster) as fresh:
        yield fresh


@pytest.mark.timeout(1800)
@row(14, "leading node killed, then parted from the others, then cut off from everybody")
def test_two_of_three_nodes_serve_whatever_becomes_of_the_third(
    scenario: Scenario, cluster: BrokerCluster, hosts: Network
) -> None:
    scenario.up(mailers=3)
    scenario.play(BUSY, Rule(phase=Phase.DATA, delay_seconds=0.05))
    cluster.wait_until_whole(scenario.broker.vhost)
    with scenario.registering(scenario.size(400, 60), patience=900) as crowd:
        crowd.wait_for(10)
        leader = leading(scenario, cluster)
        scenario.commit(10, people=[f"an{number}@busy.example" for number in range(10)])
        load(scenario)
        leader.server.kill()
        letters_still_arrive(scenario)
        leader.start()
        cluster.wait_until_whole(scenario.broker.vhost)
        alone(scenario, cluster, leading(scenario, cluster), hosts.parted)
        alone(scenario, cluster, leading(scenario, cluster), hosts.cut_off)
    scenario.settle(within=300)


def leading(scenario: Scenario, cluster: BrokerCluster) -> Member:
    return cluster.leader_of(scenario.broker.vhost, MAILER_URGENT)


def alone(
    scenario: Scenario,
    cluster: BrokerCluster,
    member: Member,
    apart: Callable[[int], AbstractContextManager[None]],
) -> None:
    load(scenario)
    with apart(member.host):
        eventually(lambda: not member.serves, within=60)
        letters_still_arrive(scenario)
    scenario.healed()
    cluster.wait_until_whole(scenario.broker.vhost)


def letters_still_arrive(scenario: Scenario) -> None:
    """From commit to report, of every class.

    Not each of them before the third node is back: of so many at once on a small machine some are put off, and up to
    RabbitMQ 3.12 whoever first publishes to a queue just as its leader has died, such as the one who takes letters out
    of a wait queue, asks the dead node first each time.
    """
    load(scenario)
    eventually(lambda: a_few_arrive(scenario), within=180)


def a_few_arrive(scenario: Scenario) -> None:
    scenario.wait_until_sent(of_every_class(scenario, 5), within=20)


def load(scenario: Scenario) -> None:
    of_every_class(scenario, scenario.size(100, 20))


def of_every_class(scenario: Scenario, count: int) -> list[UUID]:
    """So many letters of each, just committed."""
    return [letter for letter_class in LetterClass for letter in scenario.commit(count, letter_class)]
