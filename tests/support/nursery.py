"""Quick births of the packages' own commands, forked from one process that has loaded their code already.

Loading it takes more than a second of a core, each time, and tests start hundreds. What is forked runs the same command line
with the same variables; how it starts from nothing is for the tests of the native stack, and for one test at least of each
command line.
"""

import ctypes
import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import IO

from postern_local.program import Program

# Not the API's own bootstrap: it loads prometheus_client, which reads a variable that the API sets just before.
LOADED = (
    "altcha",
    "auth_service.flows.admit_registration",
    "auth_service.flows.register",
    "auth_service.flows.resend_verification",
    "auth_service.flows.verify_address",
    "auth_service.http.below_path",
    "auth_service.http.documents",
    "auth_service.http.pages.account",
    "auth_service.http.passwords",
    "auth_service.http.receipts",
    "auth_service.http.refusals",
    "auth_service.outbox.release",
    "auth_service.cli.announce",
    "auth_service.cli.cli",
    "auth_service.cli.explain",
    "auth_service.cli.held",
    "auth_service.cli.refusals",
    "auth_service.cli.relay",
    "auth_service.cli.starting",
    "auth_service.cli.worker",
    "mailer_service.cli.main",
    "mailer_service.cli.dead",
    "mailer_service.cli.entry",
    "mailer_service.cli.explain",
    "mailer_service.cli.letters",
    "mailer_service.cli.suppressions",
    "mailer_service.cli.worker",
    "postern_rabbitmq.cli",
    "postern_local.cli",
    "dev_inbox.cli",
    "dev_inbox.service",
    "billiard.pool",
    "celery.app.amqp",
    "celery.app.control",
    "celery.app.log",
    "celery.apps.worker",
    "celery.bin.celery",
    "celery.bin.worker",
    "celery.concurrency.thread",
    "celery.worker.autoscale",
    "celery.worker.components",
    "celery.worker.consumer",
    "celery.worker.strategy",
    "cryptography.hazmat.backends.openssl",
    "gunicorn.app.base",
    "gunicorn.glogging",
    "gunicorn.workers.base",
    "kombu.pidbox",
    "kombu.transport.pyamqp",
    "psycopg2.extras",
    "service_runtime.celery.consumer",
    "service_runtime.celery.control_panel",
    "service_runtime.celery.queue_consumers",
    "service_runtime.database.engine",
    "service_runtime.database.migrations",
    "service_runtime.database.revision",
    "sqlalchemy.dialects.postgresql.psycopg2",
    "waitress.server",
)
_PR_SET_PDEATHSIG = 1

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(list(LOADED))


@dataclass(frozen=True, slots=True)
class Child:
    """A process, with what tests use of `subprocess.Popen`."""

    process: ForkServerProcess

    @property
    def pid(self) -> int:
        assert self.process.pid is not None
        return self.process.pid

    def poll(self) -> int | None:
        """Its exit code, negative for the signal that ended it; None while it runs."""
        return self.process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its exit code; raises subprocess.TimeoutExpired after `timeout` seconds."""
        self.process.join(timeout)
        code = self.process.exitcode
        if code is None:
            raise subprocess.TimeoutExpired(self.process.name, timeout or 0.0)
        return code

    def send_signal(self, signum: int) -> None:
        """Nothing happens if it has ended."""
        if self.poll() is None:
            os.kill(self.pid, signum)

    def kill(self) -> None:
        """End it as a power failure would."""
        self.send_signal(signal.SIGKILL)


@dataclass(slots=True, kw_only=True)
class Errand:
    """A command that comes to an end and says something, with what tests use of `subprocess.Popen`."""

    child: Child
    command: list[str]
    output: IO[bytes]
    errors: IO[bytes]
    files: ExitStack
    said: tuple[str, str] | None = None

    @property
    def returncode(self) -> int | None:
        return self.child.poll()

    def poll(self) -> int | None:
        """As a child's."""
        return self.child.poll()

    def wait(self, timeout: float | None = None) -> int:
        """As a child's."""
        return self.child.wait(timeout)

    def send_signal(self, signum: int) -> None:
        """Nothing happens if it has ended."""
        self.child.send_signal(signum)

    def terminate(self) -> None:
        """Ask it to stop."""
        self.child.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power failure would."""
        self.child.kill()

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Wait for its end; what it wrote to standard output and to standard error."""
        if self.said is None:
            self.wait(timeout)
            with self.files:
                self.said = _text(self.output), _text(self.errors)
        return self.said


def fork(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    log: Path,
    directory: Path,
    first: Callable[[], None] | None = None,
) -> Child:
    """Start one of the packages' own commands.

    Args:
        command: its path and arguments.
        environment: all the variables it gets.
        log: file that takes its output, appended to.
        directory: working directory.
        first: called in the new process before the command.
    """
    log.touch(mode=0o600)  # a test may read it before the child has opened it
    return _born(
        command,
        environment,
        stdin=os.devnull,
        stdout=str(log),
        stderr=str(log),
        directory=directory,
        first=first,
    )


def fork_program(program: Program, *, log: Path, first: Callable[[], None] | None = None) -> Child:
    """As `postern_local.program.launch`, for the packages' own commands; `first` is called before them."""
    return fork(
        program.command,
        environment=program.overrides(),
        log=log,
        directory=program.directory,
        first=first,
    )


def start(
    command: Sequence[str | Path],
    *,
    environment: Mapping[str, str],
    answer: str = "",
    directory: Path | None = None,
) -> Errand:
    """Start one of the packages' own commands without waiting for it; `communicate` must follow.

    Args:
        command: its path and arguments.
        environment: all the variables it gets.
        answer: what it reads from standard input before that ends.
        directory: working directory, the tests' own if not given.
    """
    words = [str(word) for word in command]
    with ExitStack() as stack:
        typed, output, errors = (stack.enter_context(tempfile.NamedTemporaryFile()) for _ in range(3))
        typed.write(answer.encode())
        typed.flush()
        child = _born(
            words,
            environment,
            stdin=typed.name,
            stdout=output.name,
            stderr=errors.name,
            directory=directory or Path.cwd(),
        )
        return Errand(child=child, command=words, output=output, errors=errors, files=stack.pop_all())


def run(
    command: Sequence[str | Path],
    *,
    environment: Mapping[str, str],
    answer: str = "",
    directory: Path | None = None,
    timeout: float = 60.0,
) -> subprocess.CompletedProcess[str]:
    """As `start`, to its end.

    Raises:
        subprocess.TimeoutExpired: it had not ended after `timeout` seconds; it is killed.
    """
    errand = start(command, environment=environment, answer=answer, directory=directory)
    try:
        output, errors = errand.communicate(timeout)
    finally:
        errand.kill()
        errand.communicate()
    return subprocess.CompletedProcess(errand.command, errand.wait(), output, errors)


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


@cache
def _script(name: str) -> EntryPoint:
    (script,) = entry_points(group="console_scripts", name=name)
    return script


def _born(
    command: Sequence[str],
    environment: Mapping[str, str],
    *,
    stdin: str,
    stdout: str,
    stderr: str,
    directory: Path,
    first: Callable[[], None] | None = None,
) -> Child:
    name = Path(command[0]).name
    process = _context.Process(
        target=_live,
        name=name,
        args=(_script(name), list(command), dict(environment), (stdin, stdout, stderr), directory),
        kwargs={"first": first},
    )
    process.start()
    return Child(process)


def _live(
    script: EntryPoint,
    command: list[str],
    environment: dict[str, str],
    streams: tuple[str, str, str],
    directory: Path,
    *,
    first: Callable[[], None] | None,
) -> None:
    gc.freeze()  # what was loaded before the fork is never garbage, and a collection would copy its pages
    os.setsid()
    # Not without those who could stop it: the kernel kills it when the process it was forked from ends.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    for target, name in enumerate(streams):
        flags = os.O_RDONLY if target == 0 else os.O_WRONLY | os.O_APPEND
        source = os.open(name, flags)
        os.dup2(source, target)
        os.close(source)
    # As they are where no locale is set. The loaded code may hold the other two, so these must stay the same objects.
    sys.stdin = open(0, encoding="utf-8", errors="surrogateescape", closefd=False)  # noqa: SIM115
    sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape", write_through=True)  # type: ignore[union-attr]
    sys.stderr.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = list(command)
    assert "auth_service.http.metrics" not in sys.modules, "LOADED leads to what holds prometheus_client"
    # The API has to load it anew; the mailer and Flower, which loaded it above, keep theirs.
    for name in [name for name in sys.modules if name.partition(".")[0] == "prometheus_client"]:
        del sys.modules[name]
    if first is not None:
        first()
    script.load()()
