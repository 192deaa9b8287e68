"""A Compose stack of its own: another project name, other ports, other secrets than a stack that may be running."""

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import docker
from docker.models.containers import Container

ROOT = Path(__file__).parents[2]

STAND_INS = {
    "POSTERN_PYTHON_IMAGE": "postern-stand-in/python:3.13",
    "POSTERN_RABBITMQ_IMAGE": "postern-stand-in/rabbitmq:4.3",
    "POSTERN_POSTGRES_IMAGE": "postern-stand-in/postgres:17",
    "POSTERN_MAILPIT_IMAGE": "postern-stand-in/mailpit:v1",
    # Images under names of their own as well, so that those a developer built from official images stay.
    "POSTERN_AUTH_IMAGE": "postern-stand-in/auth-service:local",
    "POSTERN_MAILER_IMAGE": "postern-stand-in/mailer-service:local",
    "POSTERN_TOOLS_IMAGE": "postern-stand-in/rabbitmq-tools:local",
}
"""What docker-compose.yml takes instead of the official images; built by stand_ins.sh."""

PORTS = {
    "POSTERN_API_PORT": "28000",
    "POSTERN_INBOX_PORT": "28025",
    "POSTERN_RABBITMQ_CONSOLE_PORT": "28672",
    "POSTERN_FLOWER_PORT": "28555",
}

PUBLIC = {"signing.public.json", "sealing.public.json", "mailer_smtp_url"}
"""Files among the secrets that need not be: public keys, and the address of the inbox."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposeStack:
    """The project of docker-compose.yml under a name of its own.

    Attributes:
        state: directory of its secrets.
        project: Compose's project name.
        settings: variables that the person at the terminal has set; may be changed between commands.
    """

    state: Path
    project: str = "postern-journey"
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def api(self) -> str:
        """Base URL of the API and the pages."""
        return f"http://127.0.0.1:{PORTS['POSTERN_API_PORT']}"

    @property
    def inbox(self) -> str:
        """Base URL of the inbox."""
        return f"http://127.0.0.1:{PORTS['POSTERN_INBOX_PORT']}"

    @property
    def flower(self) -> str:
        """Base URL of Flower."""
        return f"http://127.0.0.1:{PORTS['POSTERN_FLOWER_PORT']}"

    def up(self) -> None:
        """Build, make secrets, start, wait until healthy: what `make up` does."""
        self._run("deploy/compose/up.sh")

    def refused(self) -> str:
        """What `make up` says where it does not start anything."""
        done = self._try("deploy/compose/up.sh")
        assert done.returncode != 0, f"it started:\n{done.stdout}"
        return done.stdout

    def scale(self, **replicas: int) -> None:
        """Change the numbers of replicas and wait until all are healthy."""
        self._run("deploy/compose/scale.sh", *(f"{kind}={number}" for kind, number in replicas.items()))

    def down(self) -> None:
        """Stop everything and remove its data."""
        self._run("deploy/compose/down.sh", "--volumes")

    def compose(self, *arguments: str) -> str:
        """Run another `docker compose` command; returns what it printed."""
        return self._run("docker", "compose", *arguments)

    def secrets(self) -> dict[str, str]:
        """Returns what is secret, by the name of its file; an empty file holds no secret."""
        files = (path for path in (self.state / "secrets").rglob("*") if path.is_file())
        contents = {path.name: path.read_text().strip() for path in files if path.name not in PUBLIC}
        return {name: content for name, content in contents.items() if content}

    def containers(self, service: str | None = None) -> list[Container]:
        """Returns the project's containers, also those that have stopped; of one service where it is named."""
        labels = [f"com.docker.compose.project={self.project}"]
        if service is not None:
            labels.append(f"com.docker.compose.service={service}")
        found: list[Container] = docker.from_env().containers.list(all=True, filters={"label": labels})
        return found

    def volumes(self) -> list[str]:
        """Returns the names of the project's volumes."""
        label = f"com.docker.compose.project={self.project}"
        return [str(volume.name) for volume in docker.from_env().volumes.list(filters={"label": label})]

    def ids(self) -> dict[str, set[str]]:
        """Returns the running containers' ids by service: who has been replaced has another."""
        found: dict[str, set[str]] = {}
        for container in self.containers():
            if container.status == "running":
                found.setdefault(container.labels["com.docker.compose.service"], set()).add(str(container.id))
        return found

    def _run(self, *command: str) -> str:
        done = self._try(*command)
        assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}"
        return done.stdout

    def _try(self, *command: str) -> "subprocess.CompletedProcess[str]":
        remembered = self.state / "settings.env"
        remembered.touch()
        environment = {
            **os.environ,
            **STAND_INS,
            **PORTS,
            "COMPOSE_PROJECT_NAME": self.project,
            "POSTERN_COMPOSE_STATE": str(self.state),
            "COMPOSE_ENV_FILES": str(remembered),
            **self.settings,
        }
        return subprocess.run(
            command,
            cwd=ROOT,
            env=environment,
            check=False,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
