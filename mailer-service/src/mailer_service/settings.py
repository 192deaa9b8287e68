"""The configuration of each process: only what that process needs, so that none holds a secret it has no use for."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from mail_contract.keys import SealingKeys, VerifyingKeys
from mail_contract.setting_types import BrokerUrl, DatabaseUrl, HostAndPort, ProcessSettings, holds_keys
from mail_contract.topology import CLASS_QUEUES, MAILER_CANCELLATIONS
from mailer_service.errors import AddressNotSupported
from mailer_service.smtp.address import Mailbox
from mailer_service.smtp.server import SmtpServer

QUEUES = (*CLASS_QUEUES.values(), MAILER_CANCELLATIONS)
_SETTLING_SECONDS = 5.0
"""What is left of a lease for recording the outcome."""


def _smtp_url(value: SecretStr) -> SecretStr:
    SmtpServer.from_url(value.get_secret_value())
    return value


def _sender(value: str) -> str:
    try:
        mailbox = Mailbox.parse(value)
    except AddressNotSupported:
        raise ValueError("must be an e-mail address") from None
    if mailbox.needs_smtputf8:
        raise ValueError("must have an ASCII local part, or many servers would refuse every letter")
    return value


def _split(value: Any) -> Any:
    return (
        tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value
    )


def _known_queues(value: tuple[str, ...]) -> tuple[str, ...]:
    unknown = [queue for queue in value if queue not in QUEUES]
    if unknown or not value:
        raise ValueError(f"must be a comma list of {', '.join(QUEUES)}")
    return value


def _login(value: SecretStr) -> SecretStr:
    user, _, password = value.get_secret_value().partition(":")
    if not user or not password:
        raise ValueError("must be user:password")
    return value


class _Settings(ProcessSettings):
    model_config = SettingsConfigDict(env_prefix="MAILER_")


class MigrationSettings(_Settings):
    """`mailer-service migrate`: the only process that logs in as the owner of the tables."""

    migration_database_url: DatabaseUrl


class WorkerSettings(_Settings):
    """`mailer-service worker`.

    Attributes:
        database_url: as the role `mailer`.
        broker_url: as the user `mailer`.
        smtp_url: `smtp://host:port`, `smtp+starttls://user:password@host:587` or `smtps://…:465`.
        sender: address that letters come from.
        product_name: what letters call the application.
        sealing_keys: JWK set, private X25519.
        verifying_keys: JWK set, auth's public Ed25519.
        concurrency: letters at once, a thread each.
        queues: which queues this replica serves.
        lease_seconds: how long a replica that went silent keeps a letter.
        stop_seconds: how long after SIGTERM the process ends, come what may.
        smtp_timeout_seconds: how long one answer of a mail server may take.
    """

    database_url: DatabaseUrl
    broker_url: BrokerUrl
    smtp_url: Annotated[SecretStr, AfterValidator(_smtp_url)]
    sender: Annotated[str, AfterValidator(_sender)]
    product_name: Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[^\x00-\x1f\x7f]*$")] = (
        "Postern"
    )
    sealing_keys: Annotated[SecretStr, holds_keys(SealingKeys.from_json)]
    verifying_keys: Annotated[SecretStr, holds_keys(VerifyingKeys.from_json)]
    concurrency: Annotated[int, Field(ge=1, le=256)] = 8
    queues: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split), AfterValidator(_known_queues)] = (
        QUEUES
    )
    lease_seconds: Annotated[float, Field(ge=6, le=600)] = 30.0
    stop_seconds: Annotated[float, Field(ge=1, le=600)] = 30.0
    smtp_timeout_seconds: Annotated[float, Field(gt=0, le=300)] = 10.0

    @property
    def attempt_seconds(self) -> float:
        """How long an attempt may take: it ends before its lease does."""
        return self.lease_seconds - min(_SETTLING_SECONDS, self.lease_seconds / 3)

    @model_validator(mode="after")
    def _the_lease_outlasts_an_answer(self) -> Self:
        if self.smtp_timeout_seconds > self.attempt_seconds:
            raise ValueError(
                f"MAILER_SMTP_TIMEOUT_SECONDS must not be longer than an attempt ({self.attempt_seconds:g} s with this"
                " MAILER_LEASE_SECONDS)"
            )
        return self


class FlowerSettings(_Settings):
    """`mailer-service flower`.

    Attributes:
        flower_broker_url: as the user `flower`.
        flower_listen: host:port; `/metrics` and `/healthcheck` answer without a login there.
        flower_login: user:password of the page.
        flower_cookie_secret: keeps people signed in over a restart.
    """

    flower_broker_url: BrokerUrl
    flower_listen: HostAndPort = "127.0.0.1:5555"
    flower_login: Annotated[SecretStr, AfterValidator(_login)]
    flower_cookie_secret: Annotated[SecretStr, Field(min_length=32)]
