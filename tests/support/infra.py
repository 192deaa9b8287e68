"""The tests' own RabbitMQ and PostgreSQL: one of each a session, real, on ports out of everybody's way."""

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import psutil
import psycopg2

from postern_local.broker import COMMANDS, BrokerNode, BrokerPorts
from postern_local.database import DatabaseCluster, apply_roles, remove_data
from postern_local.ports import any_ports
from postern_local.program import Program, launch
from postern_local.readiness import broker_answers, database_answers, wait_for
from postern_rabbitmq.admin import BrokerAdmin
from support.nursery import Child

REPOSITORY = Path(__file__).parents[2]
ROLES = REPOSITORY / "deploy" / "postgres" / "roles.sql"

MEMORY = Path("/dev/shm")  # noqa: S108  # only for a directory of a random name
ENOUGH = 4 * 2**30
"""Bytes that must be free there."""

# Survives the kill of its processes, which tests do, not of the machine; an unsynchronous commit would survive neither.
UNSAFE_BUT_QUICK = {"fsync": "off", "full_page_writes": "off"}


def in_memory() -> Path | None:
    """A directory in memory, where there is plenty: on a disk a database costs twice, a virtual host half as much again.

    What a killed run left there goes.
    """
    if shutil.disk_usage(MEMORY).free < ENOUGH:
        return None
    for left in MEMORY.glob("postern-tests-*"):
        if not psutil.pid_exists(int(left.name.split("-")[2])):
            shutil.rmtree(left, ignore_errors=True)
    directory = Path(tempfile.mkdtemp(prefix=f"postern-tests-{os.getpid()}-", dir=MEMORY))
    directory.chmod(0o711)  # PostgreSQL's user passes through it into a directory of its own
    return directory


@dataclass(slots=True, kw_only=True)
class Server:
    """A process the tests may stop, kill, freeze and start again; `birth` starts it, appending its output to a file."""

    program: Program
    log: Path
    birth: Callable[..., subprocess.Popen[bytes] | Child] = launch
    process: subprocess.Popen[bytes] | Child | None = None

    @property
    def pid(self) -> int:
        assert self.process is not None, f"{self.program.name} is not running"
        return self.process.pid

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        assert self.process is None or self.process.poll() is not None, f"{self.program.name} runs already"
        self.process = self.birth(self.program, log=self.log)

    def stop(self) -> None:
        """End it in its own orderly way."""
        self._end(signal.Signals[f"SIG{self.program.stop_signal}"])

    def kill(self) -> None:
        """End it as a power failure would."""
        self._end(signal.SIGKILL)

    def quit(self) -> None:
        """End it at once, but so that it leaves nothing behind in shared memory (PostgreSQL: SIGQUIT)."""
        self._end(signal.SIGQUIT)

    def freeze(self) -> None:
        """Stop its clock (SIGSTOP)."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on (SIGCONT)."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def _end(self, how: signal.Signals) -> None:
        if self.process is None:
            return
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(how)
        try:
            self.process.wait(timeout=self.program.stop_seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(timeout=10)
        self.process = None


@dataclass(slots=True, kw_only=True)
class Infra:
    """Both servers, and how to reach them."""

    node: BrokerNode
    cluster: DatabaseCluster
    epmd: Server
    broker: Server
    postgres: Server
    database_passwords: dict[str, str] = field(
        default_factory=lambda: {role: secrets.token_hex(12) for role in ("migrator", "auth", "mailer")}
    )

    @classmethod
    def below(cls, directory: Path, *, data: Path | None = None) -> Self:
        """Both servers with their logs under `directory`, their data under `data` or there; nothing is started yet."""
        data = data or directory
        ports = any_ports({})
        node = BrokerNode(
            home=data / "rabbitmq",
            ports=BrokerPorts(
                amqp=ports["amqp"],
                management=ports["rabbitmq_console"],
                metrics=ports["rabbitmq_metrics"],
                distribution=ports["rabbitmq_distribution"],
                epmd=ports["epmd"],
            ),
            password=secrets.token_hex(12),
            vhost="postern",
            statistics_ms=500,
        )
        cluster = DatabaseCluster(
            place=data / "postgres",
            port=ports["postgres"],
            password=secrets.token_hex(12),
            settings=UNSAFE_BUT_QUICK,
            lasting=False,
        )
        node.prepare()
        cluster.prepare()
        epmd, broker = node.programs()
        return cls(
            node=node,
            cluster=cluster,
            epmd=Server(program=epmd, log=directory / "epmd.log"),
            broker=Server(program=broker, log=directory / "rabbitmq.log"),
            postgres=Server(program=cluster.program(), log=directory / "postgres.log"),
        )

    @property
    def rabbitmq_admin(self) -> str:
        """The management API with the administrator's login: http://user:password@host:port."""
        return self.node.management_url

    def amqp_url(self, user: str, password: str, vhost: str) -> str:
        """Address of `vhost` for `user`."""
        return f"amqp://{user}:{password}@127.0.0.1:{self.node.ports.amqp}/{vhost}"

    @property
    def postgres_admin_url(self) -> str:
        """The maintenance database as the superuser."""
        return self.cluster.url()

    @property
    def broker_pid(self) -> int:
        """The node itself (beam.smp), no wrapper."""
        return self.broker.pid

    @property
    def postgres_pid(self) -> int:
        """The postmaster."""
        return self.postgres.pid

    def start(self) -> None:
        """Start both side by side and wait until both answer."""
        self.epmd.start()
        self.broker.start()
        self.postgres.start()
        self.wait_for_postgres()
        apply_roles(self.cluster, script=ROLES, passwords=self.database_passwords)
        self.wait_for_broker()

    def stop(self) -> None:
        """End all, without ceremony: the data goes too."""
        self.postgres.quit()
        for server in (self.broker, self.epmd):
            server.kill()
        remove_data(self.cluster.place)
        shutil.rmtree(self.node.home, ignore_errors=True)

    def kill_broker(self) -> None:
        self.broker.kill()

    def stop_broker(self) -> None:
        self.broker.stop()

    def start_broker(self) -> None:
        """Start it again and wait until it answers."""
        self.broker.start()
        self.wait_for_broker()

    def kill_postgres(self) -> None:
        self.postgres.kill()

    def stop_postgres(self) -> None:
        self.postgres.stop()

    def start_postgres(self) -> None:
        """Start it again and wait until it answers."""
        self.postgres.start()
        self.wait_for_postgres()

    def ensure_broker(self) -> None:
        """Start it where an earlier test left it stopped."""
        if not self.broker.is_running:
            self.start_broker()

    def ensure_postgres(self) -> None:
        """Start it where an earlier test left it stopped."""
        if not self.postgres.is_running:
            self.start_postgres()

    def rabbitmq_version(self) -> str:
        """Such as 3.10.8; it has to answer."""
        with BrokerAdmin(self.rabbitmq_admin) as admin:
            return str(admin.get("overview")["rabbitmq_version"])

    def postgres_version(self) -> str:
        """Such as 15.18; it has to answer."""
        with closing(psycopg2.connect(self.postgres_admin_url)) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT split_part(current_setting('server_version'), ' ', 1)")
            (version,) = cursor.fetchone() or ("",)
            return str(version)

    def rabbitmqctl(self, *words: str) -> None:
        """Run the node's own command line tool."""
        environment = {"PATH": os.environ["PATH"], **self.broker.program.environment}
        command = [str(COMMANDS / "rabbitmqctl"), *words]
        subprocess.run(command, env=environment, check=True, capture_output=True, timeout=60)

    def wait_for_broker(self) -> None:
        wait_for("RabbitMQ", lambda: broker_answers(self.rabbitmq_admin), seconds=120)

    def wait_for_postgres(self) -> None:
        wait_for("PostgreSQL", lambda: database_answers(self.postgres_admin_url), seconds=60)
