"""What must hold for every container of the stack, read from the Docker daemon and tried inside."""

from collections.abc import Iterable, Mapping

from docker.models.containers import Container


def service_of(container: Container) -> str:
    """Returns the Compose service that the container belongs to."""
    return str(container.labels["com.docker.compose.service"])


def assert_contained(container: Container) -> None:
    """A container runs as another user than root, on a root it cannot write, without capabilities.

    Raises:
        AssertionError: says which container and what.
    """
    name = container.name
    container.reload()
    host = container.attrs["HostConfig"]
    assert host["ReadonlyRootfs"], f"{name} can write its root"
    assert host["CapDrop"] == ["ALL"], f"{name} keeps capabilities"
    assert not host["CapAdd"], f"{name} has capabilities"
    assert not host["Privileged"], f"{name} is privileged"
    assert "no-new-privileges:true" in host["SecurityOpt"], f"{name} may gain privileges"
    assert host["PidsLimit"], f"{name} may have any number of processes"
    assert host["Memory"], f"{name} may take all memory"
    assert container.attrs["Config"]["User"] not in {"", "0", "root"}, f"{name} is root"


def assert_confined_inside(container: Container) -> None:
    """The same, tried inside a running container: its user, its capabilities, a write to the root.

    Raises:
        AssertionError: says which container and what.
    """
    name = container.name
    status = _inside(container, "cat /proc/1/status")
    fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    assert "0" not in fields["Uid"].split(), f"{name}: process 1 is root"
    assert int(fields["CapEff"], 16) == 0, f"{name}: process 1 has capabilities"
    assert int(fields["NoNewPrivs"]) == 1, f"{name}: process 1 may gain privileges"
    for place in ("/", "/etc", "/opt", "/usr/local/bin"):
        probe = _inside(container, f"touch {place}/probe 2>/dev/null && echo written || echo refused")
        assert probe.strip() == "refused", f"{name} can write {place}"


def assert_healthy(container: Container) -> None:
    """A running container has a health check, and it passes.

    Raises:
        AssertionError: names the container and its state.
    """
    container.reload()
    health = container.attrs["State"].get("Health", {}).get("Status", "no health check")
    assert health == "healthy", f"{container.name}: {health}"


def assert_on_loopback_only(container: Container) -> None:
    """Every published port listens on the loopback address.

    Raises:
        AssertionError: names the container and the address.
    """
    container.reload()
    for bindings in container.attrs["NetworkSettings"]["Ports"].values():
        for binding in bindings or ():
            assert binding["HostIp"] == "127.0.0.1", f"{container.name} publishes on {binding['HostIp']}"


def assert_networks_apart(containers: Iterable[Container]) -> None:
    """Nobody shares a network with what is not theirs to speak to.

    Raises:
        AssertionError: names the two.
    """
    networks = {
        service_of(container): set(container.attrs["NetworkSettings"]["Networks"]) for container in containers
    }
    for one, other in (
        ("api", "rabbitmq"),
        ("api", "inbox"),
        ("relay", "inbox"),
        ("auth-worker", "inbox"),
        ("beat", "postgres"),
        ("flower", "postgres"),
        ("inbox", "postgres"),
        ("inbox", "rabbitmq"),
    ):
        shared = networks[one] & networks[other]
        assert not shared, f"{one} reaches {other} by {sorted(shared)}"


def assert_no_secret_on_show(container: Container, secrets: Mapping[str, str], logs: str) -> None:
    """No secret's content is in the container's environment, its command line or its logs.

    Raises:
        AssertionError: names the container and the secret, not its content.
    """
    shown = f"{container.attrs['Config']['Env']} {container.attrs['Args']} {logs}"
    for name, content in secrets.items():
        assert content not in shown, f"{container.name} shows {name}"


def _inside(container: Container, script: str) -> str:
    output = container.exec_run(["sh", "-c", script]).output
    assert isinstance(output, bytes)
    return output.decode()
