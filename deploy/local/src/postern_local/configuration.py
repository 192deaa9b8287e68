"""What one stack consists of: ports, passwords and directories put together into servers and programs."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from mail_contract.topology import VHOST
from postern_local.broker import BrokerNode, BrokerPorts
from postern_local.database import DatabaseCluster
from postern_local.directory import StateDirectory, write_private
from postern_local.overrides import overrides
from postern_local.passwords import Passwords
from postern_local.ports import LOOPBACK, any_ports, usual_ports

REPOSITORY = Path(__file__).resolve().parents[4]
ROLES = REPOSITORY / "deploy" / "postgres" / "roles.sql"
FLOWER_USER = "operator"


def state_directory() -> StateDirectory:
    """Where POSTERN_STATE says, else `.postern/` of the checkout."""
    return StateDirectory(root=Path(os.environ.get("POSTERN_STATE") or REPOSITORY / ".postern").resolve())


@dataclass(frozen=True, slots=True, kw_only=True)
class StackConfiguration:
    """Everything that is known before the first process starts.

    Attributes:
        state: its directory.
        overrides: what the person who started it set differently, by the services' own variables.
        ports: on loopback, by the names of `ports.USUAL`.
        passwords: of every login.
    """

    state: StateDirectory
    overrides: Mapping[str, str]
    ports: Mapping[str, int]
    passwords: Passwords

    @classmethod
    def create_in(cls, state: StateDirectory) -> Self:
        """Choose ports (POSTERN_PORTS=any keeps away from the usual ones) and make or read the passwords."""
        state.create()
        remembered = json.loads(state.ports_file.read_text()) if state.ports_file.exists() else {}
        choose = any_ports if os.environ.get("POSTERN_PORTS") == "any" else usual_ports
        ports = choose(remembered)
        write_private(state.ports_file, json.dumps(ports, indent=2) + "\n")
        write_private(state.overrides_file, json.dumps(overrides()) + "\n")
        return cls.load_from(state)

    @classmethod
    def load_from(cls, state: StateDirectory) -> Self:
        """The one of the present run."""
        return cls(
            state=state,
            overrides=json.loads(state.overrides_file.read_text(encoding="utf-8")),
            ports=json.loads(state.ports_file.read_text(encoding="utf-8")),
            passwords=Passwords.load_from(state.passwords_file),
        )

    def http(self, name: str) -> str:
        """Address of the web server behind the port `name`."""
        return f"http://{LOOPBACK}:{self.ports[name]}"

    @property
    def smtp(self) -> str:
        """The inbox as a mail server."""
        return f"smtp://{LOOPBACK}:{self.ports['smtp']}"

    @property
    def flower_login(self) -> str:
        """`user:password` for Flower."""
        return f"{FLOWER_USER}:{self.passwords.flower_operator}"

    @property
    def broker(self) -> BrokerNode:
        """The RabbitMQ node."""
        return BrokerNode(
            home=self.state.broker,
            ports=BrokerPorts(
                amqp=self.ports["amqp"],
                management=self.ports["rabbitmq_console"],
                metrics=self.ports["rabbitmq_metrics"],
                distribution=self.ports["rabbitmq_distribution"],
                epmd=self.ports["epmd"],
            ),
            password=self.passwords.broker_admin,
            vhost=VHOST,
        )

    @property
    def broker_passwords(self) -> dict[str, str]:
        """By user of the topology."""
        return {
            "auth": self.passwords.broker_auth,
            "mailer": self.passwords.broker_mailer,
            "operator": self.passwords.broker_operator,
            "flower": self.passwords.broker_flower,
            "viewer": self.passwords.broker_viewer,
        }

    def broker_url(self, user: str) -> str:
        """AMQP address for a user of the topology."""
        return f"amqp://{user}:{self.broker_passwords[user]}@{LOOPBACK}:{self.ports['amqp']}/{VHOST}"

    @property
    def flower_api_url(self) -> str:
        """The broker's management API for Flower, who may look at queues there."""
        return f"http://flower:{self.broker_passwords['flower']}@{LOOPBACK}:{self.ports['rabbitmq_console']}"

    @property
    def cluster(self) -> DatabaseCluster:
        """The PostgreSQL cluster."""
        return DatabaseCluster(
            place=self.state.database, port=self.ports["postgres"], password=self.passwords.database_admin
        )

    @property
    def database_passwords(self) -> dict[str, str]:
        """By role of `roles.sql`."""
        return {
            "migrator": self.passwords.database_migrator,
            "auth": self.passwords.database_auth,
            "mailer": self.passwords.database_mailer,
        }

    def database_url(self, service: str, *, role: str | None = None) -> str:
        """Address of the database of `service` for its own role, or for `role`."""
        user = role or service
        return self.cluster.url(user=user, password=self.database_passwords[user], database=service)
