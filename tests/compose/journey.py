"""Starts the Compose stack from stand-in images, walks one journey, looks at the containers, scales, stops.

Run by tests/compose/run.sh. The stand-in for Mailpit is the project's own inbox, so what is tested of Mailpit is only
that letters reach the service `inbox` by SMTP.
"""

import contextlib
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
from docker.models.containers import Container

from compose.containment import (
    assert_confined_inside,
    assert_contained,
    assert_healthy,
    assert_no_secret_on_show,
    assert_on_loopback_only,
    service_of,
)
from compose.letter import Person
from compose.stack import ComposeStack

JOBS = {"roles", "auth-migrate", "mailer-migrate", "topology"}
LASTING = {
    "rabbitmq",
    "postgres",
    "inbox",
    "api",
    "relay",
    "auth-worker",
    "beat",
    "mailer",
    "mailer-urgent",
    "flower",
}


@contextlib.contextmanager
def step(name: str) -> Iterator[None]:
    """Say what is being done and how many seconds it took."""
    print(f"· {name}", flush=True)
    started = time.monotonic()
    yield
    print(f"  done in {time.monotonic() - started:.1f} s", flush=True)


def walk(stack: ComposeStack, name: str) -> None:
    """Register, receive the letter, verify; the link works once and the receipt ends in `confirmed`."""
    person = Person(email=f"{name}@example.org", api=stack.api, inbox=stack.inbox)
    receipt = person.register()
    token = person.await_letter()
    assert person.verify(token).status_code == 200
    assert person.verify(token, "another password altogether").status_code == 410, "the link works twice"
    person.await_state(receipt, "confirmed")


def inspect(stack: ComposeStack) -> None:
    """Every container is contained; those that last are healthy, the jobs ended well; no secret is on show."""
    secrets = stack.secrets()
    found = {service_of(container) for container in stack.containers()}
    assert found == JOBS | LASTING, f"services: {sorted(found)}"
    for container in stack.containers():
        assert_contained(container)
        assert_on_loopback_only(container)
        assert_no_secret_on_show(container, secrets, container.logs().decode(errors="replace"))
        if service_of(container) in JOBS:
            assert container.attrs["State"]["ExitCode"] == 0, f"{container.name} failed"
        else:
            assert_healthy(container)
            assert_confined_inside(container)


def refuse_strangers_at_flower(stack: ComposeStack) -> None:
    """Flower asks for its login."""
    login = stack.secrets()["flower_login"].split(":")
    assert httpx.get(f"{stack.flower}/workers").status_code == 401
    assert httpx.get(f"{stack.flower}/workers", auth=(login[0], login[1])).status_code == 200


def scale(stack: ComposeStack) -> None:
    """Four replicas of the mailer, then one; letters arrive all the while."""
    for replicas in (4, 1):
        stack.scale("mailer", replicas)
        running = [container for container in stack.containers("mailer") if container.status == "running"]
        assert len(running) == replicas, f"{len(running)} mailers run, not {replicas}"
        walk(stack, f"with-{replicas}-replicas")


def ended_or_works(container: Container) -> bool:
    """Whether a container is a job that ended well or a healthy process."""
    state = container.attrs["State"]
    if service_of(container) in JOBS:
        return bool(state["ExitCode"] == 0)
    return bool(state.get("Health", {}).get("Status") == "healthy")


def stop_in_order(stack: ComposeStack) -> None:
    """SIGTERM ends each process by itself, before Docker would kill it (137)."""
    stack.compose("stop")
    for container in stack.containers():
        assert container.attrs["State"]["ExitCode"] in {0, 143}, (
            f"{container.name} ended with {container.attrs['State']['ExitCode']}"
        )


def main() -> None:
    """All of it, then everything away again."""
    with tempfile.TemporaryDirectory(prefix="postern-compose-") as state:
        stack = ComposeStack(state=Path(state))
        try:
            with step("make up"):
                stack.up()
            with step("a journey"):
                walk(stack, "first")
            with step("containers: user, root, capabilities, health, ports, secrets"):
                inspect(stack)
            with step("Flower asks for a login"):
                refuse_strangers_at_flower(stack)
            with step("four replicas of the mailer, then one"):
                scale(stack)
            with step("stop"):
                stop_in_order(stack)
            with step("make up again, on the same data"):
                stack.up()
                walk(stack, "second")
        except BaseException:
            print(stack.compose("ps", "--all"))
            for container in stack.containers():
                if not ended_or_works(container):
                    print(f"{container.name}:", container.logs(tail=60).decode(errors="replace"), sep="\n")
            raise
        finally:
            with step("make down, data too"):
                stack.down()
        assert not stack.containers(), "containers are left"
        assert not stack.volumes(), "volumes are left"
    print("the Compose stack works")


if __name__ == "__main__":
    main()
