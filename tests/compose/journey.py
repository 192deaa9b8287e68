"""Starts the Compose stack from stand-in images, walks one journey, looks at the containers, disturbs them under load.

Run by tests/compose/run.sh. The stand-in for Mailpit is the project's own inbox, so what is tested of Mailpit is only
that letters reach the service `inbox` by SMTP.
"""

import contextlib
import socket
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
    assert_networks_apart,
    assert_no_secret_on_show,
    assert_on_loopback_only,
    service_of,
)
from compose.letter import Person
from compose.load import load
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


LIMITS = ("AUTH_LIMIT_SOURCE", "AUTH_LIMIT_ALL", "AUTH_CAMPAIGN")


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
    assert_networks_apart(stack.containers())
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
    """One, five, three mailers under load: who stays is not touched, and the next start keeps the number."""
    with load(stack, "scaling"):
        for replicas in (1, 5, 3):
            before = stack.ids()["mailer"]
            stack.scale(mailer=replicas)
            after = stack.ids()["mailer"]
            assert len(after) == replicas, f"{len(after)} mailers run, not {replicas}"
            assert after <= before or before <= after, "a mailer that stays was replaced"
    settled = stack.ids()
    stack.compose("up", "--detach", "--wait")
    assert stack.ids() == settled, "the next start replaced or stopped something"
    stack.scale(mailer=2, api=3)
    assert changed(settled, stack.ids()) == {"api", "mailer"}
    walk(stack, "with-three-api-processes")


def changed(before: dict[str, set[str]], after: dict[str, set[str]]) -> set[str]:
    """Returns the services whose containers are not the same."""
    return {service for service in before | after if before.get(service) != after.get(service)}


def change_the_provider(stack: ComposeStack) -> None:
    """Another rate replaces the mailers alone, and no sign-up is refused."""
    before = stack.ids()
    stack.settings["MAILER_SMTP_URL"] = "smtp://inbox:1025?rate=50"
    with load(stack, "rate") as people:
        stack.up()
    assert changed(before, stack.ids()) == {"mailer", "mailer-urgent"}
    assert people.refused == 0, f"{people.refused} sign-ups refused"


def rotate_passwords(stack: ComposeStack) -> None:
    """A password whose file is gone is made anew; only who reads it starts again, and no letter is lost."""
    for password, readers in (
        ("auth_database_password", {"api", "relay", "auth-worker"}),
        ("auth_broker_password", {"relay", "auth-worker", "beat"}),
        ("mailer_broker_password", {"mailer", "mailer-urgent"}),
    ):
        before = stack.ids()
        (stack.state / "secrets" / password).unlink()
        with load(stack, password.replace("_", "-")):
            stack.up()
        assert changed(before, stack.ids()) == readers, password


def kill_each(stack: ComposeStack) -> None:
    """`docker kill` of each, under load; what was accepted arrives. Not of the inbox, which keeps letters in memory."""
    with load(stack, "killed"):
        for service in sorted(LASTING - {"inbox"}):
            for container in stack.containers(service):
                container.kill()
            stack.compose("up", "--detach", "--wait", "--no-recreate")


def replace_the_mailers(stack: ComposeStack) -> None:
    """A rolling upgrade of the mailer, as far as the containers go: other ones, one after the other, under load."""
    with load(stack, "upgrade"):
        before = stack.ids()["mailer"]
        stack.compose("up", "--detach", "--wait", "--no-deps", "--force-recreate", "mailer", "mailer-urgent")
        assert not before & stack.ids()["mailer"]


def refuse_what_cannot_work(stack: ComposeStack) -> None:
    """A key that is gone, and a port that somebody else has, are named before anything starts."""
    before = stack.ids()
    key = stack.state / "secrets" / "mailer-keys" / "sealing.private.json"
    aside = key.with_suffix(".aside")
    key.rename(aside)
    assert "mailer-keys/sealing.private.json" in stack.refused()
    aside.rename(key)
    with socket.create_server(("127.0.0.1", 0)) as server:
        stack.settings["POSTERN_FLOWER_PORT"] = str(server.getsockname()[1])
        assert "POSTERN_FLOWER_PORT" in stack.refused()
    del stack.settings["POSTERN_FLOWER_PORT"]
    assert stack.ids() == before


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
        # One machine signs everybody up.
        stack = ComposeStack(state=Path(state), settings=dict.fromkeys(LIMITS, "off"))
        try:
            with step("make up"):
                stack.up()
            with step("a journey"):
                walk(stack, "first")
            with step("containers: user, root, capabilities, health, ports, secrets"):
                inspect(stack)
            with step("Flower asks for a login"):
                refuse_strangers_at_flower(stack)
            with step("one, five, three mailers under load; three API processes"):
                scale(stack)
            with step("another rate under load"):
                change_the_provider(stack)
            with step("passwords rotated under load"):
                rotate_passwords(stack)
            with step("other mailers under load"):
                replace_the_mailers(stack)
            with step("docker kill of each, under load"):
                kill_each(stack)
            with step("a key that is gone, a port that is taken"):
                refuse_what_cannot_work(stack)
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
