"""The services as programs; each process gets the settings it needs and no secret beside them."""

import sys
from collections.abc import Mapping
from pathlib import Path

from postern_local.blueprint import REPOSITORY, Blueprint
from postern_local.overrides import overridden
from postern_local.ports import LOOPBACK
from postern_local.program import Program

COMMANDS = Path(sys.executable).parent


def services(blueprint: Blueprint, *, replicas: int) -> list[Program]:
    """Everything that needs a database or the broker, with `replicas` mailers."""
    inbox = ("--smtp", f"{LOOPBACK}:{blueprint.ports['smtp']}", "--http", _listen(blueprint, "inbox"))
    return [
        _program("inbox", "dev-inbox", *inbox, settings={}),
        _program("flower", "mailer-service", "flower", settings=_flower(blueprint)),
        _program("auth-worker", "auth-service", "worker", settings=_consumer(blueprint)),
        *(mailer(blueprint, number) for number in range(1, replicas + 1)),
        _program("relay", "auth-service", "relay", settings=_consumer(blueprint)),
        _program("api", "auth-service", "api", settings=_api(blueprint)),
        _program("beat", "auth-service", "beat", settings=_beat(blueprint)),
    ]


def mailer(blueprint: Blueprint, number: int) -> Program:
    """One mailer replica."""
    return _program(f"mailer-{number}", "mailer-service", "worker", settings=_mailer(blueprint))


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


def _api(blueprint: Blueprint) -> dict[str, str]:
    keys = blueprint.state.keys
    return overridden(
        blueprint.surroundings,
        "AUTH_",
        {
            "AUTH_DATABASE_URL": blueprint.database_url("auth"),
            "AUTH_PUBLIC_URL": blueprint.http("api"),
            "AUTH_LISTEN": _listen(blueprint, "api"),
            "AUTH_SIGNING_KEY_FILE": str(keys / "signing.private.json"),
            "AUTH_SEALING_PUBLIC_KEYS_FILE": str(keys / "sealing.public.json"),
            "AUTH_HASH_KEY_FILE": str(keys / "hash.key"),
            "AUTH_PROMETHEUS_DIR": str(blueprint.state.metrics),
        },
    )


def _consumer(blueprint: Blueprint) -> dict[str, str]:
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
