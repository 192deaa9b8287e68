"""The proxy of the faults lets through, holds and resets exactly what it is told to."""

import socket
import threading
from collections.abc import Iterator

import pytest

from support.eventually import eventually
from support.faults.proxy import Flow, Proxy, Then, proxy_to


@pytest.fixture
def cable() -> Iterator[Proxy]:
    """A proxy to a server that answers each chunk with `ok:` and the same."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    def answer(connection: socket.socket) -> None:
        with connection:
            try:
                while chunk := connection.recv(1000):
                    connection.sendall(b"ok:" + chunk)
            except OSError:
                return

    threading.Thread(target=serve, daemon=True).start()
    with server, proxy_to(f"tcp://user:secret@127.0.0.1:{server.getsockname()[1]}/path") as between:
        yield between
        server.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def client(cable: Proxy) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port(cable)), timeout=0.3) as connection:
        yield connection


def port(cable: Proxy) -> int:
    return int(cable.address.partition("127.0.0.1:")[2].partition("/")[0])


def ask(client: socket.socket, question: bytes) -> bytes:
    client.sendall(question)
    return client.recv(1000)


def test_its_address_is_the_servers_but_for_the_port(cable: Proxy) -> None:
    assert cable.address == f"tcp://user:secret@127.0.0.1:{port(cable)}/path"


def test_it_lets_everything_through(client: socket.socket) -> None:
    assert ask(client, b"1") == b"ok:1"
    assert ask(client, b"2") == b"ok:2"


@pytest.mark.parametrize("flow", list(Flow))
def test_what_was_held_comes_through_once_released(cable: Proxy, client: socket.socket, flow: Flow) -> None:
    cable.hold(flow)
    with pytest.raises(TimeoutError):
        ask(client, b"1")
    cable.release()
    assert client.recv(1000) == b"ok:1"


def test_a_dead_connection_says_nothing_and_a_new_one_works(cable: Proxy, client: socket.socket) -> None:
    ask(client, b"1")
    cable.go_dead()
    with pytest.raises(TimeoutError):
        ask(client, b"2")
    with socket.create_connection(("127.0.0.1", port(cable)), timeout=1) as other:
        assert ask(other, b"3") == b"ok:3"


def test_a_reset_reaches_the_client(cable: Proxy, client: socket.socket) -> None:
    ask(client, b"1")
    cable.reset()
    with pytest.raises(ConnectionError):
        ask(client, b"2")


def test_closed_it_refuses_and_open_again_it_takes_connections_at_the_same_port(cable: Proxy) -> None:
    cable.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port(cable)), timeout=1)
    cable.open()
    with socket.create_connection(("127.0.0.1", port(cable)), timeout=1) as client:
        assert ask(client, b"1") == b"ok:1"


@pytest.mark.parametrize("then", [Then.RESET_BEFORE, Then.RESET_AFTER])
def test_certain_bytes_break_their_connection_so_often(
    cable: Proxy, client: socket.socket, then: Then
) -> None:
    wire = cable.when(b"COMMIT", then, every=2)
    assert ask(client, b"COMMIT") == b"ok:COMMIT"
    with pytest.raises(ConnectionError):
        ask(client, b"COMMIT")
    assert (wire.seen, wire.played) == (2, 1)


@pytest.mark.parametrize("then", [Then.HOLD_BEFORE, Then.HOLD_AFTER])
def test_certain_bytes_stop_their_connection_and_no_other(
    cable: Proxy, client: socket.socket, then: Then
) -> None:
    wire = cable.when(b"COMMIT", then)
    with pytest.raises(TimeoutError):
        ask(client, b"COMMIT")
    eventually(wire.tripped.is_set)
    with socket.create_connection(("127.0.0.1", port(cable)), timeout=1) as other:
        assert ask(other, b"COMMIT") == b"ok:COMMIT"
    cable.release()
    assert client.recv(1000) == b"ok:COMMIT"
