"""The services' own command lines with the settings each needs, for a test's own broker and databases."""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, assert_never

from postern_local.ports import LOOPBACK, any_ports
from postern_local.program import Program
from support.broker import VirtualHost
from support.database import Database
from support.no_limits import NO_LIMITS

Service = Literal["api", "relay", "auth-worker", "beat", "mailer", "inbox", "flower"]

COMMANDS = Path(sys.executable).parent
SENDER = "no-reply@postern.example"
FLOWER_LOGIN = "operator:tests"
STOP_SECONDS = 40
"""Above the services' own limit for finishing what they began, 30 s."""


def make_keys(directory: Path) -> Path:
    """Let both services write their keys into `directory`, as an installation does; takes about a second."""
    for service in ("auth-service", "mailer-service"):
        command = [str(COMMANDS / service), "keys", "--directory", str(directory)]
        subprocess.run(command, check=True, capture_output=True, timeout=60)
    return directory


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceEnvironment:
    """Where services work.

    Attributes:
        directory: for logs and schedules.
        keys: what `make_keys` made.
        ports: on loopback, by the names of `postern_local.ports.USUAL`.
    """

    directory: Path
    keys: Path
    broker: VirtualHost
    auth_database: Database
    mailer_database: Database
    ports: Mapping[str, int] = field(default_factory=lambda: any_ports({}))

    def http(self, port: str) -> str:
        """Base URL of the web server at the port of that name."""
        return f"http://{self.listen(port)}"

    def listen(self, port: str) -> str:
        """host:port."""
        return f"{LOOPBACK}:{self.ports[port]}"

    def writer_settings(self) -> dict[str, str]:
        """What every process of auth-service that writes letters needs."""
        return {
            "AUTH_DATABASE_URL": self.auth_database.url,
            "AUTH_PUBLIC_URL": self.http("api"),
            "AUTH_SIGNING_KEY_FILE": str(self.keys / "signing.private.json"),
            "AUTH_SEALING_PUBLIC_KEYS_FILE": str(self.keys / "sealing.public.json"),
            "AUTH_HASH_KEY_FILE": str(self.keys / "hash.key"),
        }

    def program(self, service: Service, *, name: str, settings: Mapping[str, str]) -> Program:
        """One process of `service`; `settings` are variables over its usual ones."""
        usual = {"PYTHONUNBUFFERED": "1", **self._settings(service, name)}
        return Program(
            name=name,
            command=self._command(service),
            directory=self.directory,
            environment={**usual, **settings},
            stop_seconds=STOP_SECONDS,
        )

    def _command(self, service: Service) -> tuple[str, ...]:
        match service:
            case "api" | "relay" | "beat":
                return (str(COMMANDS / "auth-service"), service)
            case "auth-worker":
                return (str(COMMANDS / "auth-service"), "worker")
            case "mailer":
                return (str(COMMANDS / "mailer-service"), "worker")
            case "flower":
                return (str(COMMANDS / "mailer-service"), "flower")
            case "inbox":
                ports = ("--smtp", self.listen("smtp"), "--http", self.listen("inbox"))
                return (str(COMMANDS / "dev-inbox"), *ports)
            case _:
                assert_never(service)

    def _settings(self, service: Service, name: str) -> dict[str, str]:
        match service:
            case "api" | "auth-worker":
                listen, broker = (
                    {
                        "AUTH_LISTEN": self.listen("api"),
                        "AUTH_OPS_LISTEN": self.listen("ops"),
                        "AUTH_TOKEN_KEYS_FILE": str(self.keys / "tokens.private.json"),
                        **NO_LIMITS,
                    },
                    {"AUTH_BROKER_URL": self.broker.url("auth")},
                )
                return self.writer_settings() | (listen if service == "api" else broker)
            case "relay":
                return {
                    "AUTH_DATABASE_URL": self.auth_database.url,
                    "AUTH_BROKER_URL": self.broker.url("auth"),
                }
            case "beat":
                return {
                    "AUTH_BROKER_URL": self.broker.url("auth"),
                    "AUTH_BEAT_SCHEDULE_FILE": str(self.directory / f"{name}.schedule"),
                }
            case "mailer":
                return {
                    "MAILER_DATABASE_URL": self.mailer_database.url,
                    "MAILER_BROKER_URL": self.broker.url("mailer"),
                    "MAILER_SMTP_URL": f"smtp://{self.listen('smtp')}",
                    "MAILER_SENDER": SENDER,
                    "MAILER_SEALING_KEYS_FILE": str(self.keys / "sealing.private.json"),
                    "MAILER_VERIFYING_KEYS_FILE": str(self.keys / "signing.public.json"),
                    "MAILER_HASH_KEY_FILE": str(self.keys / "mailer-hash.key"),
                }
            case "flower":
                return {
                    "MAILER_FLOWER_BROKER_URL": self.broker.url("flower"),
                    "MAILER_FLOWER_LISTEN": self.listen("flower"),
                    "MAILER_FLOWER_LOGIN": FLOWER_LOGIN,
                    "MAILER_FLOWER_COOKIE_SECRET": "for tests only, and as long as such a secret has to be",
                }
            case "inbox":
                return {}
            case _:
                assert_never(service)
