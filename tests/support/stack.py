"""The native stack as `make run` starts it, in a state directory of its own, for tests that see it from outside."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import psutil

from postern_local.directory import StateDirectory
from postern_local.log_stream import last_lines
from postern_local.passwords import Passwords
from postern_local.readiness import broker_answers, database_answers
from postern_local.stages import SERVICES, kind_of
from postern_local.supervision import ProgramState, Supervisor
from support.eventually import eventually
from support.freezing import frozen
from support.no_limits import NO_LIMITS

COMMAND = Path(sys.executable).parent / "postern-local"
START_SECONDS = 240
STOP_SECONDS = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """A stack that is up.

    Attributes:
        state: its directory.
        runner: the `postern-local run` in front of it.
        launched: when that was started, in seconds since the epoch.
        output: what the runner prints.
    """

    state: StateDirectory
    runner: subprocess.Popen[bytes]
    launched: float
    output: Path

    @property
    def description(self) -> dict[str, Any]:
        """`stack.json` as it is now."""
        return cast("dict[str, Any]", json.loads(self.state.stack_file.read_text(encoding="utf-8")))

    @property
    def api(self) -> str:
        return str(self.description["api"])

    @property
    def ops(self) -> str:
        return str(self.description["ops"])

    @property
    def inbox(self) -> str:
        return str(self.description["inbox"])

    @property
    def flower(self) -> str:
        return str(self.description["flower"])

    @property
    def flower_login(self) -> tuple[str, str]:
        user, _, password = str(self.description["flower_login"]).partition(":")
        return user, password

    @property
    def smtp(self) -> str:
        return str(self.description["smtp"])

    @property
    def amqp(self) -> str:
        """AMQP as the administrator."""
        return str(self.description["amqp"])

    @property
    def rabbitmq_admin(self) -> str:
        """The management API with the administrator's login."""
        return str(self.description["rabbitmq_admin"])

    @property
    def database(self) -> dict[str, str]:
        """Addresses of both databases as their owner, by service."""
        return dict(self.description["database"])

    @property
    def supervisor(self) -> Supervisor:
        return Supervisor(state=self.state)

    def passwords(self) -> dict[str, str]:
        """Every password of the stack by its name."""
        return asdict(Passwords.load_from(self.state.passwords_file))

    def pids(self, kind: str) -> list[int]:
        """Pids of the processes of a kind that are up at this moment, such as `mailer` or `rabbitmq`."""
        return [program.pid for program in self._programs(kind) if program.pid is not None]

    def running(self, kind: str) -> bool:
        """Whether every process of a kind is up, for a second at least; a server must answer too."""
        programs = self._programs(kind)
        if not programs or not all(
            program.state == "RUNNING" and program.pid is not None and _lives(program.pid)
            for program in programs
        ):
            return False
        match kind:
            case "rabbitmq":
                return broker_answers(self.rabbitmq_admin)
            case "postgres":
                return database_answers(self.database["auth"])
            case _:
                return True

    @contextmanager
    def stopped(self, kind: str) -> Iterator[None]:
        """Keep every process of a kind stopped meanwhile; nothing starts it again before."""
        names = [program.name for program in self._programs(kind)]
        self.supervisor.stop(names)
        try:
            yield
        finally:
            self.supervisor.start(names)
            eventually(lambda: self.running(kind), within=60)

    def frozen(self, *kinds: str) -> AbstractContextManager[None]:
        """Stop the clock (SIGSTOP) of every process of these kinds and of its children meanwhile."""
        return frozen([pid for kind in kinds for pid in self.pids(kind)])

    def logs(self) -> str:
        """Everything the processes wrote, servers and supervisord too."""
        return "\n".join(
            path.read_text(encoding="utf-8", errors="replace") for path in sorted(self.state.logs.iterdir())
        )

    def last_words(self) -> str:
        """The end of every service's log, for a test that failed."""
        names = sorted(path for path in self.state.logs.glob("*.log") if kind_of(path.stem) in SERVICES)
        return "\n".join(f"{path.stem}:\n{last_lines(path, 15)}" for path in names)

    def stop(self) -> int:
        """Ask the runner to end (SIGTERM); returns its exit code."""
        self.runner.send_signal(signal.SIGTERM)
        return self.runner.wait(timeout=STOP_SECONDS)

    def _programs(self, kind: str) -> list[ProgramState]:
        return [program for program in self.supervisor.states() if kind_of(program.name) == kind]


def command(
    *arguments: str, root: Path, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `postern-local` for the stack in `root` to its end."""
    return subprocess.run(
        [str(COMMAND), *arguments],
        env=overrides(root, env or {}),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def overrides(root: Path, env: Mapping[str, str]) -> dict[str, str]:
    """Variables for a stack in `root` without limits, on ports away from those of a stack that somebody works with."""
    usual = {name: os.environ[name] for name in ("PATH", "POSTERN_RABBITMQ") if name in os.environ}
    # Tests side by side keep a small machine so busy that a request may wait its turn for long.
    patient = {"AUTH_HASH_WAIT_SECONDS": "10"}
    return {**usual, "POSTERN_STATE": str(root), "POSTERN_PORTS": "any", **NO_LIMITS, **patient, **env}


def launch(root: Path, env: Mapping[str, str] | None = None) -> Stack:
    """Start `postern-local run` without waiting for it; it stops the stack when this process dies."""
    output = root.parent / f"{root.name}.out"
    launched = time.time()
    with output.open("ab") as file:
        runner = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", str(COMMAND), "run"],
            env=overrides(root, env or {}),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Stack(state=StateDirectory(root=root.resolve()), runner=runner, launched=launched, output=output)


def wait_until_up(stack: Stack) -> Stack:
    """Return once it has written `stack.json`; one of an earlier, killed run does not count.

    Raises:
        AssertionError: the runner ended, or took too long; with what it printed.
    """

    def up() -> bool:
        return _written_since(stack.launched, stack.state.stack_file) or stack.runner.poll() is not None

    eventually(up, within=START_SECONDS, every=0.1)
    assert stack.runner.poll() is None, stack.output.read_text(encoding="utf-8")
    return stack


@contextmanager
def starting_stack(root: Path, env: Mapping[str, str] | None = None) -> Iterator[Stack]:
    """A stack in `root` that was just launched; stopped at the end, if it still runs, and its data removed.

    Args:
        root: state directory; its parent exists.
        env: variables for the services, such as MAILER_SMTP_URL.
    """
    stack = launch(root, env)
    try:
        yield stack
    finally:
        if stack.runner.poll() is None:
            stack.stop()
        cleaned = command("clean", root=root)
        assert cleaned.returncode == 0, cleaned.stderr


@contextmanager
def running_stack(root: Path, env: Mapping[str, str] | None = None) -> Iterator[Stack]:
    """The same once it is up."""
    with starting_stack(root, env) as stack:
        yield wait_until_up(stack)


def _written_since(moment: float, path: Path) -> bool:
    try:
        return path.stat().st_mtime > moment
    except FileNotFoundError:
        return False


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
