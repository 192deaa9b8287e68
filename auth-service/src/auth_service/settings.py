"""The configuration of each process: only what that process needs, so that none holds a secret it has no use for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import SettingsConfigDict

from mail_contract.errors import BadKey
from mail_contract.keys import PublicSealingKeys, SigningKey
from mail_contract.settings import ServiceSettings


def _database_url(value: SecretStr) -> SecretStr:
    parts = urlsplit(value.get_secret_value())
    if parts.scheme not in {"postgresql", "postgres", "postgresql+psycopg2"} or not parts.path.strip("/"):
        raise ValueError("must look like postgresql://user:password@host:port/database")
    return value


def _broker_url(value: SecretStr) -> SecretStr:
    if urlsplit(value.get_secret_value()).scheme not in {"amqp", "amqps"}:
        raise ValueError("must look like amqp://user:password@host:port/vhost")
    return value


def _public_url(value: str) -> str:
    parts = urlsplit(value)
    if (
        parts.scheme not in {"http", "https"}
        or not parts.hostname
        or parts.query
        or parts.fragment
        or parts.username
    ):
        raise ValueError("must be the http(s) address people reach the pages at, without query or fragment")
    return value.rstrip("/")


def _listen(value: str) -> str:
    host, _, port = value.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError("must be host:port")
    return value


def _signing_key(value: SecretStr) -> SecretStr:
    try:
        SigningKey.from_json(value.get_secret_value())
    except BadKey as error:
        raise ValueError(str(error)) from None
    return value


def _sealing_keys(value: str) -> str:
    try:
        PublicSealingKeys.from_json(value)
    except BadKey as error:
        raise ValueError(str(error)) from None
    return value


DatabaseUrl = Annotated[SecretStr, AfterValidator(_database_url)]
BrokerUrl = Annotated[SecretStr, AfterValidator(_broker_url)]


class ProcessSettings(ServiceSettings):
    """What every process reads."""

    model_config = SettingsConfigDict(env_prefix="AUTH_")

    log_format: Literal["json", "console"] = Field(default="json", validation_alias="POSTERN_LOG_FORMAT")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", validation_alias="POSTERN_LOG_LEVEL"
    )


class MigrationSettings(ProcessSettings):
    """`auth-service migrate`: the only process that logs in as the owner of the tables."""

    migration_database_url: DatabaseUrl


class ApiSettings(ProcessSettings):
    """`auth-service api`.

    Attributes:
        database_url: as the role `auth`.
        public_url: base of every link in letters; no request header changes it.
        listen: host:port.
        api_workers: processes.
        api_threads: threads a process; each may hold one database connection.
        hash_limit: argon2 computations at once in a process; 19 MiB each.
        hash_wait_seconds: how long a request waits for its turn before it is told to come back.
        signing_key: JWK set, private Ed25519.
        sealing_public_keys: JWK set, the mailer's X25519.
        hash_key: keys the hashes of codes and recipients.
        prometheus_dir: where the processes share their metrics; without it each process reports its own.
    """

    database_url: DatabaseUrl
    public_url: Annotated[str, AfterValidator(_public_url)]
    listen: Annotated[str, AfterValidator(_listen)] = "127.0.0.1:8000"
    api_workers: Annotated[int, Field(ge=1, le=64)] = 2
    api_threads: Annotated[int, Field(ge=1, le=128)] = 8
    hash_limit: Annotated[int, Field(ge=1, le=64)] = 4
    hash_wait_seconds: Annotated[float, Field(gt=0, le=10)] = 2.0
    signing_key: Annotated[SecretStr, AfterValidator(_signing_key)]
    sealing_public_keys: Annotated[str, AfterValidator(_sealing_keys)]
    hash_key: Annotated[SecretStr, Field(min_length=32)]
    prometheus_dir: Path | None = None


class RelaySettings(ProcessSettings):
    """`auth-service relay`.

    Attributes:
        relay_window: unconfirmed messages in flight at most.
        relay_poll_seconds: how often the outbox is looked at when no notification comes.
        relay_lease_seconds: how long a claimed row stays with a relay that went silent.
    """

    database_url: DatabaseUrl
    broker_url: BrokerUrl
    relay_window: Annotated[int, Field(ge=1, le=10_000)] = 200
    relay_poll_seconds: Annotated[float, Field(gt=0, le=60)] = 1.0
    relay_lease_seconds: Annotated[float, Field(ge=1, le=600)] = 30.0


class WorkerSettings(ProcessSettings):
    """`auth-service worker`: records reports, does scheduled work."""

    database_url: DatabaseUrl
    broker_url: BrokerUrl


class BeatSettings(ProcessSettings):
    """`auth-service beat`: publishes scheduled work; needs no database."""

    broker_url: BrokerUrl
    beat_schedule_file: Path
