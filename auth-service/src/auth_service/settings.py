"""The configuration of each process: only what that process needs, so that none holds a secret it has no use for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from auth_service.application_settings import ApplicationSettings
from auth_service.domain.forwarding import ForwardingHeader
from auth_service.limit_settings import CampaignSettings, LimitSettings
from auth_service.security.secrets import KeyedHash
from auth_service.session_settings import SessionSettings
from auth_service.setting_values import (
    ListUrl,
    Networks,
    ProbeAddress,
    PublicUrl,
    SignInUrl,
)
from mail_contract.keys import PublicSealingKeys, SigningKey
from mail_contract.sealing import Sealer
from service_runtime.setting_types import BrokerUrl, DatabaseUrl, HostAndPort, ProcessSettings, holds_keys


class _Settings(ProcessSettings):
    model_config = SettingsConfigDict(env_prefix="AUTH_")


class MigrationSettings(_Settings):
    """`auth-service migrate`: the only process that logs in as the owner of the tables."""

    migration_database_url: DatabaseUrl


class WriterSettings(_Settings):
    """What it takes to write letters.

    Attributes:
        database_url: as the role `auth`.
        signing_key: JWK set, private Ed25519.
        sealing_public_keys: JWK set, the mailer's X25519.
        hash_key: keys the hashes of codes and recipients.
    """

    database_url: DatabaseUrl
    signing_key: Annotated[SecretStr, holds_keys(SigningKey.from_json)]
    sealing_public_keys: Annotated[SecretStr, holds_keys(PublicSealingKeys.from_json)]
    hash_key: Annotated[SecretStr, Field(min_length=32)]

    def sealer(self) -> Sealer:
        """Returns what seals letters with these keys."""
        return Sealer(
            sealing_keys=PublicSealingKeys.from_json(self.sealing_public_keys.get_secret_value()),
            signing_key=SigningKey.from_json(self.signing_key.get_secret_value()),
        )

    def keyed_hash(self) -> KeyedHash:
        """Returns what hashes codes and recipients with this key."""
        return KeyedHash(self.hash_key.get_secret_value())


class LinkingSettings(WriterSettings, CampaignSettings):
    """What it takes to write letters with links.

    Attributes:
        public_url: base of every link in letters; no request header changes it.
        sign_in_url: where people sign in; `/signin` below the public URL if it is not given.
    """

    public_url: PublicUrl
    sign_in_url: SignInUrl | None = None

    @property
    def sign_in_page(self) -> str:
        """Where people with an account are sent."""
        return self.sign_in_url or f"{self.public_url}/signin"


class ApiSettings(LinkingSettings, LimitSettings, SessionSettings, ApplicationSettings):
    """`auth-service api`.

    Attributes:
        listen: host:port, for everybody.
        ops_listen: host:port of `/metrics` and `/readyz`, for operators.
        trusted_proxies: who is believed about whose request it is; nobody by default.
        forwarding_header: in which header they say so; the other is not read.
        api_workers: processes.
        api_threads: threads a process; each may hold one database connection.
        hash_limit: argon2 computations at once in a process; 19 MiB each.
        hash_wait_seconds: how long a request waits for its turn before it is told to come back.
        breach_list_url: range API by which passwords from breaches are known; none is asked without it.
        prometheus_dir: where the processes share their metrics; without it each process reports its own.
    """

    product_name: Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[^\x00-\x1f\x7f]*$")] = (
        "Postern"
    )
    listen: HostAndPort = "127.0.0.1:8000"
    ops_listen: HostAndPort = "127.0.0.1:9400"
    trusted_proxies: Networks = ()
    forwarding_header: ForwardingHeader = ForwardingHeader.X_FORWARDED_FOR
    api_workers: Annotated[int, Field(ge=1, le=64)] = 2
    api_threads: Annotated[int, Field(ge=1, le=128)] = 8
    hash_limit: Annotated[int, Field(ge=1, le=64)] = 4
    hash_wait_seconds: Annotated[float, Field(gt=0, le=10)] = 2.0
    breach_list_url: ListUrl | None = None
    prometheus_dir: Path | None = None

    @model_validator(mode="after")
    def _keeps_our_audience(self) -> Self:
        # A token that an application got for a code would open everything here and with whoever asks for ours.
        own = self.audience or self.public_url
        for id_, audience in self.applications.audiences.items():
            if audience == own:
                raise ValueError(f"AUTH_APPLICATIONS: the audience of {id_} is our own (AUTH_AUDIENCE)")
        return self


class RelaySettings(_Settings):
    """`auth-service relay`.

    Attributes:
        relay_window: unconfirmed messages in flight at most.
        relay_poll_seconds: how often the outbox is looked at when no notification comes.
        relay_lease_seconds: how long a claimed row stays with a relay that went silent.
        relay_listen: host:port of `/metrics`, `/healthz` and `/readyz`; without it there is no port.
    """

    database_url: DatabaseUrl
    broker_url: BrokerUrl
    relay_window: Annotated[int, Field(ge=1, le=10_000)] = 200
    relay_poll_seconds: Annotated[float, Field(gt=0, le=60)] = 1.0
    relay_lease_seconds: Annotated[float, Field(ge=1, le=600)] = 30.0
    relay_listen: HostAndPort | None = None


class AnnounceSettings(WriterSettings):
    """`auth-service announce`."""


class ExplainSettings(_Settings):
    """`auth-service explain`.

    Attributes:
        database_url: as the role `auth`.
        hash_key: finds the letters of an address.
    """

    database_url: DatabaseUrl
    hash_key: Annotated[SecretStr, Field(min_length=32)]

    def keyed_hash(self) -> KeyedHash:
        """Returns what hashes recipients with this key."""
        return KeyedHash(self.hash_key.get_secret_value())


class AuditSettings(ExplainSettings):
    """`auth-service audit`."""


class AccountsReadSettings(ExplainSettings):
    """`auth-service accounts find`, `show`, `export` and `import`."""


class AccountsSettings(LinkingSettings):
    """`auth-service accounts`, where it changes one: its person gets a letter."""


class ProbeSettings(ExplainSettings):
    """`auth-service probe`.

    Attributes:
        probe_url: where people reach the API.
        probe_address: a mailbox of the probe's own; a `*` in it stands for something new each time.
    """

    probe_url: PublicUrl
    probe_address: ProbeAddress


class RefusalsSettings(ExplainSettings):
    """`auth-service refusals`."""


class WorkerSettings(LinkingSettings):
    """`auth-service worker`: records reports, renews letters, does scheduled work.

    Attributes:
        worker_listen: host:port of `/metrics`, `/healthz` and `/readyz`; without it there is no port.
    """

    broker_url: BrokerUrl
    worker_listen: HostAndPort | None = None


class HeldSettings(_Settings):
    """`auth-service held`."""

    database_url: DatabaseUrl


class BeatSettings(_Settings):
    """`auth-service beat`: publishes scheduled work; needs no database.

    Attributes:
        beat_schedule_file: where it remembers when it asked for what.
        beat_listen: host:port of `/metrics`, `/healthz` and `/readyz`; without it there is no port.
    """

    broker_url: BrokerUrl
    beat_schedule_file: Path
    beat_listen: HostAndPort | None = None
