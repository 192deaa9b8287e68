"""The configuration of each process: only what that process needs, so that none holds a secret it has no use for."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from mail_contract.keys import SealingKeys, VerifyingKeys
from mail_contract.topology import MAILER_WORK
from mailer_service.letter_settings import LetterSettings, SenderSettings
from mailer_service.smtp.server import read_servers
from service_runtime.setting_types import (
    AdminUrl,
    BrokerUrl,
    DatabaseUrl,
    HostAndPort,
    ProcessSettings,
    holds_keys,
)

_SETTLING_SECONDS = 5.0
"""What is left of a lease for recording the outcome."""


def _smtp_url(value: SecretStr) -> SecretStr:
    try:
        read_servers(value.get_secret_value())
    except ValueError as error:
        raise ValueError(
            "must be one or several of smtp://host:port, smtp+starttls://user:password@host:port and"
            f" smtps://user:password@host:port, with spaces between; one {error}"
        ) from None
    return value


def _split(value: Any) -> Any:
    return (
        tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value
    )


def _known_queues(value: tuple[str, ...]) -> tuple[str, ...]:
    unknown = [queue for queue in value if queue not in MAILER_WORK]
    if unknown or not value:
        raise ValueError(f"must be a comma list of {', '.join(MAILER_WORK)}")
    return value


def _login(value: SecretStr) -> SecretStr:
    login = value.get_secret_value()
    user, _, password = login.partition(":")
    if not user or not password:
        raise ValueError("must be user:password")
    # Flower takes a comma for the end of one login and the start of another: of `ops:correct,horse` it admits
    # `ops:correct`. Beyond ASCII its comparison fails; a space at an end is lost on the way.
    if "," in login or not login.isascii() or not login.isprintable() or login != login.strip():
        raise ValueError(
            "must be printable ASCII without a comma and without spaces around it: Flower reads it otherwise"
        )
    return value


HashKey = Annotated[SecretStr, Field(min_length=32)]


class _Settings(ProcessSettings):
    model_config = SettingsConfigDict(env_prefix="MAILER_")


class MigrationSettings(_Settings):
    """`mailer-service migrate`: the only process that logs in as the owner of the tables."""

    migration_database_url: DatabaseUrl


class WorkerSettings(SenderSettings, LetterSettings):
    """`mailer-service worker`.

    Attributes:
        database_url: as the role `mailer`.
        broker_url: as the user `mailer`.
        smtp_url: one or several of `smtp://host:port`, `smtp+starttls://user:password@host:587` and `smtps://…:465`,
            separated by spaces, the preferred one first; limits as a query, `?connections=8&rate=50`.
        probe_seconds: after how long a provider that was given up is tried again first; doubled with each try in vain.
        probe_limit_seconds: the longest between two tries.
        sealing_keys: JWK set, private X25519.
        verifying_keys: JWK set, auth's public Ed25519.
        hash_key: of the hashes by which recipients and domains are recognised.
        concurrency: letters at once, a thread each.
        queues: which queues this replica serves.
        lease_seconds: how long a replica that went silent keeps a letter.
        stop_seconds: how long after SIGTERM the process ends, come what may.
        smtp_timeout_seconds: how long one answer of a mail server may take.
        dot_seconds: how long the answer to a letter's final dot may take; the lease is renewed meanwhile. Its upper
            bound is what RFC 5321, section 4.5.3.2.6, asks for; RabbitMQ takes an unacknowledged message away after 30
            minutes, and one that was prefetched waits for others first.
        listen: host:port of `/metrics` and `/healthz`; without it there is no port.
    """

    database_url: DatabaseUrl
    broker_url: BrokerUrl
    smtp_url: Annotated[SecretStr, AfterValidator(_smtp_url)]
    sealing_keys: Annotated[SecretStr, holds_keys(SealingKeys.from_json)]
    verifying_keys: Annotated[SecretStr, holds_keys(VerifyingKeys.from_json)]
    hash_key: HashKey
    concurrency: Annotated[int, Field(ge=1, le=256)] = 56
    queues: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split), AfterValidator(_known_queues)] = (
        MAILER_WORK
    )
    lease_seconds: Annotated[float, Field(ge=6, le=600)] = 30.0
    stop_seconds: Annotated[float, Field(ge=1, le=600)] = 30.0
    probe_seconds: Annotated[float, Field(ge=0.1, le=3600)] = 2.0
    probe_limit_seconds: Annotated[float, Field(ge=0.1, le=3600)] = 120.0
    smtp_timeout_seconds: Annotated[float, Field(gt=0, le=300)] = 10.0
    dot_seconds: Annotated[float, Field(gt=0, le=600)] = 300.0
    listen: HostAndPort | None = None

    @property
    def attempt_seconds(self) -> float:
        """How long an attempt may take until its final dot: that leaves before the lease ends."""
        return self.lease_seconds - min(_SETTLING_SECONDS, self.lease_seconds / 3)

    @model_validator(mode="after")
    def _the_lease_outlasts_an_answer(self) -> Self:
        if self.smtp_timeout_seconds > self.attempt_seconds:
            raise ValueError(
                f"MAILER_SMTP_TIMEOUT_SECONDS must not be longer than an attempt ({self.attempt_seconds:g} s with this"
                " MAILER_LEASE_SECONDS)"
            )
        return self


class LedgerSettings(_Settings):
    """`mailer-service audit`.

    Attributes:
        database_url: as the role `mailer`.
    """

    database_url: DatabaseUrl


class SuppressionSettings(_Settings):
    """`mailer-service suppressions`.

    Attributes:
        database_url: as the role `mailer`.
        hash_key: the worker's.
    """

    database_url: DatabaseUrl
    hash_key: HashKey


class OperatorSettings(_Settings):
    """`mailer-service dead` and `waiting`: what a person handles letters with that lie on the broker.

    Attributes:
        database_url: as the role `mailer`.
        broker_url: as the user `operator`.
        verifying_keys: JWK set, auth's public Ed25519; without it the word of the mailer that dead-lettered a letter is taken.
        hash_key: the worker's; without it a domain can be given by its tag only.
    """

    database_url: DatabaseUrl
    broker_url: BrokerUrl
    verifying_keys: Annotated[SecretStr, holds_keys(VerifyingKeys.from_json)] | None = None
    hash_key: HashKey | None = None


class ExplainSettings(_Settings):
    """`mailer-service explain`.

    Attributes:
        database_url: as the role `mailer`.
        broker_url: as the user `operator`; without it nobody looks into the dead letters.
    """

    database_url: DatabaseUrl
    broker_url: BrokerUrl | None = None


class FlowerSettings(_Settings):
    """`mailer-service flower`.

    Attributes:
        flower_broker_url: as the user `flower`.
        flower_broker_api_url: of the management API, as the user `flower`; without it the broker's host at port 15672.
        flower_listen: host:port; `/metrics` and `/healthcheck` answer without a login there.
        flower_login: user:password of the page.
        flower_cookie_secret: keeps people signed in over a restart.
    """

    flower_broker_url: BrokerUrl
    flower_broker_api_url: AdminUrl | None = None
    flower_listen: HostAndPort = "127.0.0.1:5555"
    flower_login: Annotated[SecretStr, AfterValidator(_login)]
    flower_cookie_secret: Annotated[SecretStr, Field(min_length=32)]
