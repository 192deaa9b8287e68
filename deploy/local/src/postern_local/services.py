"""The services as programs; each process gets the settings it needs and no secret beside them."""

import sys
from collections.abc import Mapping
from pathlib import Path

from mail_contract.topology import MAILER_URGENT
from postern_local import replica_ports
from postern_local.blueprint import REPOSITORY, Blueprint
from postern_local.overrides import overridden
from postern_local.ports import LOOPBACK
from postern_local.program import Program

COMMANDS = Path(sys.executable).parent
_ONLY_FOR_PROCESSES = ("AUTH_LISTEN", "AUTH_OPS_LISTEN", "AUTH_PROMETHEUS_DIR", "POSTERN_LOG_")


def without_broker(blueprint: Blueprint) -> list[Program]:
    """The services that never speak to the broker: they load while it starts, which takes longest."""
    inbox = ("--smtp", f"{LOOPBACK}:{blueprint.ports['smtp']}", "--http", _listen(blueprint, "inbox"))
    return [
        _program("inbox", "dev-inbox", *inbox, settings={}),
        _program("api", "auth-service", "api", settings=_api(blueprint)),
    ]


def with_broker(blueprint: Blueprint, *, replicas: int) -> list[Program]:
    """The others, with `replicas` mailers that take all letters."""
    return [
        _program("flower", "mailer-service", "flower", settings=_flower(blueprint)),
        _program("auth-worker", "auth-service", "worker", settings=_auth_worker(blueprint)),
        _urgent_mailer(blueprint),
        *(mailer(blueprint, number) for number in range(1, replicas + 1)),
        _program("relay", "auth-service", "relay", settings=_relay(blueprint)),
        _program("beat", "auth-service", "beat", settings=_beat(blueprint)),
    ]


def mailer(blueprint: Blueprint, number: int) -> Program:
    """One mailer replica that takes all letters, on a port that is drawn now."""
    return _worker(blueprint, f"mailer-{number}", {})


def operator_settings(blueprint: Blueprint) -> dict[str, str]:
    """What the commands of both services take that people type: `dead`, `suppressions`, `explain`, `announce`."""
    everything = {**_api(blueprint), **_mailer(blueprint)}
    return {
        **{name: value for name, value in everything.items() if not name.startswith(_ONLY_FOR_PROCESSES)},
        "MAILER_BROKER_URL": blueprint.broker_url("operator"),
        "POSTERN_BROKER_ADMIN_URL": blueprint.broker.management_url,
    }


def _urgent_mailer(blueprint: Blueprint) -> Program:
    """The one that nothing but urgent letters can keep busy."""
    return _worker(blueprint, "mailer-urgent", {"MAILER_QUEUES": MAILER_URGENT})


def _worker(blueprint: Blueprint, name: str, own: Mapping[str, str]) -> Program:
    # One port each, so nobody can say one for all.
    listen = {"MAILER_LISTEN": f"{LOOPBACK}:{replica_ports.draw(blueprint.state, name)}"}
    return _program(name, "mailer-service", "worker", settings={**_mailer(blueprint), **own, **listen})


def migrations(blueprint: Blueprint) -> dict[str, dict[str, str]]:
    """Settings of `<service> migrate`, by service: the only processes that log in as the owner of the tables."""
    return {
        service: overridden(
            blueprint.surroundings,
            f"{service.upper()}_",
            {
                f"{service.upper()}_MIGRATION_DATABASE_URL": blueprint.database_url(service, role="migrator"),
            },
        )
        for service in ("auth", "mailer")
    }


def _writer(blueprint: Blueprint) -> dict[str, str]:
    """What every process that writes letters needs."""
    keys = blueprint.state.keys
    return {
        "AUTH_DATABASE_URL": blueprint.database_url("auth"),
        "AUTH_PUBLIC_URL": blueprint.http("api"),
        "AUTH_SIGNING_KEY_FILE": str(keys / "signing.private.json"),
        "AUTH_SEALING_PUBLIC_KEYS_FILE": str(keys / "sealing.public.json"),
        "AUTH_HASH_KEY_FILE": str(keys / "hash.key"),
    }


def _api(blueprint: Blueprint) -> dict[str, str]:
    return overridden(
        blueprint.surroundings,
        "AUTH_",
        _writer(blueprint)
        | {
            # Pages and emails call the application alike.
            "AUTH_PRODUCT_NAME": blueprint.surroundings.get("MAILER_PRODUCT_NAME", "Postern"),
            "AUTH_LISTEN": _listen(blueprint, "api"),
            "AUTH_OPS_LISTEN": _listen(blueprint, "ops"),
            "AUTH_PROMETHEUS_DIR": str(blueprint.state.metrics),
        },
    )


def _auth_worker(blueprint: Blueprint) -> dict[str, str]:
    broker = {"AUTH_BROKER_URL": blueprint.broker_url("auth")}
    return overridden(blueprint.surroundings, "AUTH_", _writer(blueprint) | broker)


def _relay(blueprint: Blueprint) -> dict[str, str]:
    return overridden(
        blueprint.surroundings,
        "AUTH_",
        {
            "AUTH_DATABASE_URL": blueprint.database_url("auth"),
            "AUTH_BROKER_URL": blueprint.broker_url("auth"),
        },
    )


def _beat(blueprint: Blueprint) -> dict[str, str]:
    return overridden(
        blueprint.surroundings,
        "AUTH_",
        {
            "AUTH_BROKER_URL": blueprint.broker_url("auth"),
            "AUTH_BEAT_SCHEDULE_FILE": str(blueprint.state.run / "beat-schedule"),
        },
    )


def _mailer(blueprint: Blueprint) -> dict[str, str]:
    keys = blueprint.state.keys
    return overridden(
        blueprint.surroundings,
        "MAILER_",
        {
            "MAILER_DATABASE_URL": blueprint.database_url("mailer"),
            "MAILER_BROKER_URL": blueprint.broker_url("mailer"),
            "MAILER_SMTP_URL": blueprint.smtp,
            "MAILER_SENDER": "no-reply@postern.example",
            "MAILER_SEALING_KEYS_FILE": str(keys / "sealing.private.json"),
            "MAILER_VERIFYING_KEYS_FILE": str(keys / "signing.public.json"),
            "MAILER_HASH_KEY_FILE": str(keys / "mailer-hash.key"),
        },
    )


def _flower(blueprint: Blueprint) -> dict[str, str]:
    return overridden(
        blueprint.surroundings,
        "MAILER_FLOWER_",
        {
            "MAILER_FLOWER_BROKER_URL": blueprint.broker_url("flower"),
            "MAILER_FLOWER_LISTEN": _listen(blueprint, "flower"),
            "MAILER_FLOWER_LOGIN": blueprint.flower_login,
            "MAILER_FLOWER_COOKIE_SECRET": blueprint.passwords.flower_cookie,
        },
    )


def _listen(blueprint: Blueprint, port: str) -> str:
    return f"{LOOPBACK}:{blueprint.ports[port]}"


def _program(name: str, command: str, *arguments: str, settings: Mapping[str, str]) -> Program:
    return Program(
        name=name,
        command=(str(COMMANDS / command), *arguments),
        directory=REPOSITORY,
        environment={"PYTHONUNBUFFERED": "1", **settings},
        stop_seconds=40,  # above the services' own limits for finishing what they began, 30 s
    )
