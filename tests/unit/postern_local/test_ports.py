import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from postern_local.ports import LOOPBACK, OUT_OF_THE_WAY, USUAL, any_ports, is_free, usual_ports


@pytest.fixture
def busy() -> Iterator[int]:
    with socket.create_server((LOOPBACK, 0)) as server:
        yield server.getsockname()[1]


def test_a_port_somebody_listens_on_is_not_free(busy: int) -> None:
    assert not is_free(busy)


def test_a_remembered_port_is_taken_again() -> None:
    remembered = any_ports({})

    assert usual_ports(remembered) == remembered
    assert any_ports(remembered) == remembered


def test_a_remembered_port_that_is_busy_gives_way_to_another(busy: int) -> None:
    ports = usual_ports({"api": busy})

    assert ports["api"] != busy
    assert ports["api"] >= USUAL["api"]


def test_a_name_of_an_older_version_is_forgotten() -> None:
    assert set(usual_ports({"telegraph": 1234})) == set(USUAL)


def test_no_two_servers_get_the_same_port() -> None:
    ports = usual_ports({"inbox": USUAL["api"]})

    assert len(set(ports.values())) == len(ports)


def test_ports_out_of_the_way_are_below_the_range_of_outgoing_connections() -> None:
    outgoing = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii")
    lowest = int(outgoing.split()[0])

    chosen = set(any_ports({}).values())

    assert all(port in OUT_OF_THE_WAY and port < lowest for port in chosen)
    assert not chosen & set(USUAL.values())
