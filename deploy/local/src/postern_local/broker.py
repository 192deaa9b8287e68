"""The private RabbitMQ node: its files, its environment, its two processes."""

import os
from dataclasses import dataclass
from pathlib import Path

from postern_local.directory import write_private
from postern_local.errors import MissingPackage
from postern_local.ports import LOOPBACK
from postern_local.program import Program

COMMANDS = Path(os.environ.get("POSTERN_RABBITMQ") or "/usr/lib/rabbitmq/bin")
"""Directory of `rabbitmq-server` and `rabbitmqctl`: the package's own scripts, for those of `/usr/sbin` would switch to the
system's node; or, as POSTERN_RABBITMQ says, those of another RabbitMQ."""

ADMIN = "postern-admin"

NODE_NAME = "postern@localhost"
"""Always the same: the data belongs to the name, and every node has its own port mapper."""

CONFIGURATION = """\
listeners.tcp.local = {host}:{amqp}
management.tcp.ip = {host}
management.tcp.port = {management}
prometheus.tcp.ip = {host}
prometheus.tcp.port = {metrics}
default_user = {admin}
default_pass = {password}
default_vhost = {vhost}
default_user_tags.administrator = true
default_permissions.configure = .*
default_permissions.read = .*
default_permissions.write = .*
loopback_users = none
log.file = false
log.console = true
log.console.use_colors = off
log.console.level = info
collect_statistics_interval = {statistics}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerPorts:
    """Ports on loopback of one node."""

    amqp: int
    management: int
    metrics: int
    distribution: int
    epmd: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerNode:
    """A RabbitMQ node of our own, listening on one address only: loopback, but in a test's own network.

    Attributes:
        home: directory for everything it writes; also its HOME, hence its own Erlang cookie.
        ports: where it listens.
        password: of the administrator `postern-admin`; there is no `guest`.
        vhost: the virtual host that a new node is made with.
        statistics_ms: how often queues report their figures to the management API.
        host: IPv4 address it listens on.
        name: by which the other nodes of a cluster know it.
    """

    home: Path
    ports: BrokerPorts
    password: str
    vhost: str
    statistics_ms: int = 5000
    host: str = LOOPBACK
    name: str = NODE_NAME

    @property
    def management_url(self) -> str:
        """The management API and console, with the administrator's login."""
        return f"http://{ADMIN}:{self.password}@{self.host}:{self.ports.management}"

    @property
    def amqp_url(self) -> str:
        """The node's own virtual host as the administrator sees it."""
        return f"amqp://{ADMIN}:{self.password}@{self.host}:{self.ports.amqp}/{self.vhost}"

    def prepare(self) -> None:
        """Write its configuration; data of an earlier run stays.

        Raises:
            MissingPackage: rabbitmq-server is not installed.
        """
        if not (COMMANDS / "rabbitmq-server").exists():
            raise MissingPackage("rabbitmq-server")
        self.home.mkdir(parents=True, exist_ok=True)
        self.home.chmod(0o700)
        configuration = CONFIGURATION.format(
            host=self.host,
            amqp=self.ports.amqp,
            management=self.ports.management,
            metrics=self.ports.metrics,
            admin=ADMIN,
            password=self.password,
            vhost=self.vhost,
            statistics=self.statistics_ms,
        )
        write_private(self.home / "rabbitmq.conf", configuration)
        advanced = f"[{{rabbit, [{{quorum_tick_interval, {self.statistics_ms}}}]}}].\n"
        write_private(self.home / "advanced.config", advanced)
        write_private(self.home / "enabled_plugins", "[rabbitmq_management,rabbitmq_prometheus].\n")
        write_private(self.home / "rabbitmq-env.conf", "")  # else the system's one would be read

    def programs(self) -> tuple[Program, Program]:
        """Erlang's port mapper and the node itself, in the order of their start."""
        epmd = Program(
            name="epmd",
            command=("epmd", "-address", self.host, "-port", str(self.ports.epmd)),
            directory=self.home,
            environment={"HOME": str(self.home)},
        )
        node = Program(
            name="rabbitmq",
            command=(str(COMMANDS / "rabbitmq-server"),),
            directory=self.home,
            environment=self._environment(),
            stop_seconds=30,
        )
        return epmd, node

    def _environment(self) -> dict[str, str]:
        home, interface = self.home, self.host.replace(".", ",")
        return {
            "HOME": str(home),
            "RABBITMQ_NODENAME": self.name,
            "RABBITMQ_MNESIA_BASE": str(home / "data"),
            "RABBITMQ_MNESIA_DIR": str(home / "data" / "node"),
            "RABBITMQ_LOG_BASE": str(home / "log"),
            "RABBITMQ_CONF_ENV_FILE": str(home / "rabbitmq-env.conf"),
            "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(home / "advanced.config"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(home / "generated"),
            "RABBITMQ_SCHEMA_DIR": str(home / "schema"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "enabled_plugins"),
            "RABBITMQ_DIST_PORT": str(self.ports.distribution),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": f"-kernel inet_dist_use_interface {{{interface}}}",
            "ERL_EPMD_PORT": str(self.ports.epmd),
            "ERL_EPMD_ADDRESS": self.host,
            # The start script then becomes the node (exec) instead of waiting beside it: the pid is the node's.
            "RUNNING_UNDER_SYSTEMD": "true",
        }
