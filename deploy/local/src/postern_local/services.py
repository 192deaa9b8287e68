"""The services as programs; each process gets the settings it needs and no secret beside them."""

import sys
from collections.abc import Mapping
from pathlib import Path

from mail_contract.topology import MAILER_URGENT
from postern_local import replica_ports
from postern_local.configuration import REPOSITORY, StackConfiguration
from postern_local.overrides import overridden
from postern_local.ports import LOOPBACK
from postern_local.program import Program

COMMANDS = Path(sys.executable).parent
_ONLY_FOR_PROCESSES = ("AUTH_LISTEN", "AUTH_OPS_LISTEN", "AUTH_PROMETHEUS_DIR", "POSTERN_LOG_")


def without_broker(configuration: StackConfiguration, *, replicas: int | None) -> list[Program]:
    """The services that never speak to the broker: they load while it starts, which takes longest.

    Args:
        configuration: the stack's.
        replicas: processes of the API; None where the setting counts.
    """
    scaled = {} if replicas is None else {"AUTH_API_WORKERS": str(replicas)}
    inbox = ("--smtp", f"{LOOPBACK}:{configuration.ports['smtp']}", "--http", _listen(configuration, "inbox"))
    return [
        _program("inbox", "dev-inbox", *inbox, settings={}),
        _program("api", "auth-service", "api", settings={**_api(configuration), **scaled}),
    ]


def with_broker(configuration: StackConfiguration, *, replicas: int) -> list[Program]:
    """The others, with `replicas` mailers that take all letters."""
    return [
        _program("flower", "mailer-service", "flower", settings=_flower(configuration)),
        _program("auth-worker", "auth-service", "worker", settings=_auth_worker(configuration)),
        _urgent_mailer(configuration),
        *(mailer(configuration, number) for number in range(1, replicas + 1)),
        _program("relay", "auth-service", "relay", settings=_relay(configuration)),
        _program("beat", "auth-service", "beat", settings=_beat(configuration)),
    ]


def mailer(configuration: StackConfiguration, number: int) -> Program:
    """One mailer replica that takes all letters, on a port that is drawn now."""
    return _worker(configuration, f"mailer-{number}", {})


def operator_settings(configuration: StackConfiguration) -> dict[str, str]:
    """What the commands of both services take that people type: `dead`, `suppressions`, `explain`, `announce`."""
    everything = {**_api(configuration), **_mailer(configuration)}
    return {
        **{name: value for name, value in everything.items() if not name.startswith(_ONLY_FOR_PROCESSES)},
        "MAILER_BROKER_URL": configuration.broker_url("operator"),
        "AUTH_PROBE_URL": configuration.http("api"),
        "AUTH_PROBE_ADDRESS": "probe-*@probe.example",
        "POSTERN_BROKER_ADMIN_URL": configuration.broker.management_url,
    }


def _urgent_mailer(configuration: StackConfiguration) -> Program:
    """The one that nothing but urgent letters can keep busy."""
    return _worker(configuration, "mailer-urgent", {"MAILER_QUEUES": MAILER_URGENT})


def _worker(configuration: StackConfiguration, name: str, own: Mapping[str, str]) -> Program:
    # One port each, so nobody can say one for all.
    listen = {"MAILER_LISTEN": f"{LOOPBACK}:{replica_ports.draw(configuration.state, name)}"}
    return _program(name, "mailer-service", "worker", settings={**_mailer(configuration), **own, **listen})


def migrations(configuration: StackConfiguration) -> dict[str, dict[str, str]]:
    """Settings of `<service> migrate`, by service: the only processes that log in as the owner of the tables."""
    return {
        service: overridden(
            configuration.overrides,
            f"{service.upper()}_",
            {
                f"{service.upper()}_MIGRATION_DATABASE_URL": configuration.database_url(
                    service, role="migrator"
                ),
            },
        )
        for service in ("auth", "mailer")
    }


def _writer(configuration: StackConfiguration) -> dict[str, str]:
    """What every process that writes letters needs."""
    keys = configuration.state.keys
    return {
        "AUTH_DATABASE_URL": configuration.database_url("auth"),
        "AUTH_PUBLIC_URL": configuration.http("api"),
        "AUTH_SIGNING_KEY_FILE": str(keys / "signing.private.json"),
        "AUTH_SEALING_PUBLIC_KEYS_FILE": str(keys / "sealing.public.json"),
        "AUTH_HASH_KEY_FILE": str(keys / "hash.key"),
    }


def _api(configuration: StackConfiguration) -> dict[str, str]:
    return overridden(
        configuration.overrides,
        "AUTH_",
        _writer(configuration)
        | {
            # Pages and emails call the application alike.
            "AUTH_PRODUCT_NAME": configuration.overrides.get("MAILER_PRODUCT_NAME", "Postern"),
            "AUTH_TOKEN_KEYS_FILE": str(configuration.state.keys / "tokens.private.json"),
            "AUTH_LISTEN": _listen(configuration, "api"),
            "AUTH_OPS_LISTEN": _listen(configuration, "ops"),
            "AUTH_PROMETHEUS_DIR": str(configuration.state.metrics),
        },
    )


def _auth_worker(configuration: StackConfiguration) -> dict[str, str]:
    own = {
        "AUTH_BROKER_URL": configuration.broker_url("auth"),
        "AUTH_WORKER_LISTEN": _listen(configuration, "auth_worker"),
    }
    return overridden(configuration.overrides, "AUTH_", _writer(configuration) | own)


def _relay(configuration: StackConfiguration) -> dict[str, str]:
    return overridden(
        configuration.overrides,
        "AUTH_",
        {
            "AUTH_DATABASE_URL": configuration.database_url("auth"),
            "AUTH_BROKER_URL": configuration.broker_url("auth"),
            "AUTH_RELAY_LISTEN": _listen(configuration, "relay"),
        },
    )


def _beat(configuration: StackConfiguration) -> dict[str, str]:
    return overridden(
        configuration.overrides,
        "AUTH_",
        {
            "AUTH_BROKER_URL": configuration.broker_url("auth"),
            "AUTH_BEAT_SCHEDULE_FILE": str(configuration.state.run / "beat-schedule"),
            "AUTH_BEAT_LISTEN": _listen(configuration, "beat"),
        },
    )


def _mailer(configuration: StackConfiguration) -> dict[str, str]:
    keys = configuration.state.keys
    return overridden(
        configuration.overrides,
        "MAILER_",
        {
            "MAILER_DATABASE_URL": configuration.database_url("mailer"),
            "MAILER_BROKER_URL": configuration.broker_url("mailer"),
            "MAILER_SMTP_URL": configuration.smtp,
            "MAILER_SENDER": "no-reply@postern.example",
            "MAILER_SEALING_KEYS_FILE": str(keys / "sealing.private.json"),
            "MAILER_VERIFYING_KEYS_FILE": str(keys / "signing.public.json"),
            "MAILER_HASH_KEY_FILE": str(keys / "mailer-hash.key"),
        },
    )


def _flower(configuration: StackConfiguration) -> dict[str, str]:
    return overridden(
        configuration.overrides,
        "MAILER_FLOWER_",
        {
            "MAILER_FLOWER_BROKER_URL": configuration.broker_url("flower"),
            "MAILER_FLOWER_BROKER_API_URL": configuration.flower_api_url,
            "MAILER_FLOWER_LISTEN": _listen(configuration, "flower"),
            "MAILER_FLOWER_LOGIN": configuration.flower_login,
            "MAILER_FLOWER_COOKIE_SECRET": configuration.passwords.flower_cookie,
        },
    )


def _listen(configuration: StackConfiguration, port: str) -> str:
    return f"{LOOPBACK}:{configuration.ports[port]}"


def _program(name: str, command: str, *arguments: str, settings: Mapping[str, str]) -> Program:
    return Program(
        name=name,
        command=(str(COMMANDS / command), *arguments),
        directory=REPOSITORY,
        environment={"PYTHONUNBUFFERED": "1", **settings},
        stop_seconds=40,  # above the services' own limits for finishing what they began, 30 s
    )
