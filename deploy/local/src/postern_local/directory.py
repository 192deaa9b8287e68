"""The state directory: everything one stack keeps from run to run."""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class StateDirectory:
    """Paths of one stack.

    Attributes:
        root: `.postern/` of the checkout, or what POSTERN_STATE names; absolute.
    """

    root: Path

    @property
    def broker(self) -> Path:
        """RabbitMQ's data, configuration and cookie."""
        return self.root / "rabbitmq"

    @property
    def database(self) -> Path:
        """PostgreSQL's data; a symbolic link where its user could not reach a directory in here."""
        return self.root / "postgres"

    @property
    def keys(self) -> Path:
        """Keys for signing, sealing and keyed hashes."""
        return self.root / "keys"

    @property
    def logs(self) -> Path:
        """One file a program."""
        return self.root / "logs"

    @property
    def run(self) -> Path:
        """What belongs to one run: supervisor's configuration and the record of what was started."""
        return self.root / "run"

    @property
    def metrics(self) -> Path:
        """Where the processes of the API share their figures; emptied at every start."""
        return self.run / "metrics"

    @property
    def started_file(self) -> Path:
        """Pids and start times of what this run started."""
        return self.run / "started.json"

    @property
    def overrides_file(self) -> Path:
        """What the person who started this run set differently."""
        return self.run / "overrides.json"

    @property
    def lock_file(self) -> Path:
        """Held by the runner for as long as it lives."""
        return self.run / "lock"

    @property
    def stack_file(self) -> Path:
        """Where everything is, for scripts and tests; there only while the stack is up."""
        return self.root / "stack.json"

    @property
    def passwords_file(self) -> Path:
        """Every password, made once."""
        return self.root / "passwords.json"

    @property
    def ports_file(self) -> Path:
        """The ports of the last run."""
        return self.root / "ports.json"

    @property
    def replicas_file(self) -> Path:
        """How many replicas run, as `make scale` said last."""
        return self.root / "replicas.json"

    @property
    def replica_ports_file(self) -> Path:
        """The port of each mailer."""
        return self.run / "replica-ports.json"

    @property
    def targets_file(self) -> Path:
        """Where Prometheus finds each process, if there is one."""
        return self.run / "targets.json"

    @property
    def operator_file(self) -> Path:
        """Variables for an operator's commands; there only while the stack is up."""
        return self.root / "operator.env"

    def create(self) -> None:
        """Make the directories; other users may pass through the root but read nothing in it."""
        self.root.mkdir(parents=True, exist_ok=True)
        self.root.chmod(0o711)
        for private in (self.broker, self.keys, self.logs, self.run):
            private.mkdir(exist_ok=True)
            private.chmod(0o700)


def write_private(path: Path, text: str) -> None:
    """Write `text` to `path` with mode 0600; a reader sees the old file or the new one, never a part."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)
