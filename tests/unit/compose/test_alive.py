import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "deploy" / "compose" / "alive.py"


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def exit_code(**settings: str) -> int:
    names = [name.removesuffix("_FILE") for name in settings]
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *names],
        env={**os.environ, **settings},
        check=False,
        capture_output=True,
    )
    return done.returncode


def test_a_process_connected_to_the_server_of_its_setting_is_alive(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    with socket.create_connection(("127.0.0.1", port)):
        assert exit_code(SOME_BROKER_URL=f"amqp://user:password@broker:{port}/vhost") == 0


def test_a_process_without_a_connection_is_not_alive(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    assert exit_code(SOME_BROKER_URL=f"amqp://user:password@broker:{port}/vhost") == 1


def test_of_a_cluster_one_node_is_enough(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    with socket.create_connection(("127.0.0.1", port)):
        assert exit_code(SOME_BROKER_URL=f"amqp://auth:password@one:1/vhost;amqp://two:{port}/vhost") == 0


def test_every_server_named_counts(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    with socket.create_connection(("127.0.0.1", port)), socket.create_server(("127.0.0.1", 0)) as other:
        broker = f"amqp://broker:{port}/"
        database = f"postgresql://database:{other.getsockname()[1]}/auth"
        assert exit_code(SOME_BROKER_URL=broker, SOME_DATABASE_URL=database) == 1


def test_the_setting_may_be_in_a_file(listener: socket.socket, tmp_path: Path) -> None:
    port = listener.getsockname()[1]
    secret = tmp_path / "broker_url"
    secret.write_text(f"amqp://user:password@broker:{port}/vhost\n")
    with socket.create_connection(("127.0.0.1", port)):
        assert exit_code(SOME_BROKER_URL_FILE=str(secret)) == 0
