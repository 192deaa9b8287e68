"""The table of addresses and logins, printed once the stack answers. The only place passwords are shown."""

from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import urlsplit

from postern_local.broker import ADMIN
from postern_local.configuration import FLOWER_USER, StackConfiguration
from postern_local.ports import USUAL

HEADINGS = ("what", "address", "login", "remark")


def address_table(configuration: StackConfiguration, *, metrics: Sequence[str], monitoring: bool) -> str:
    """All addresses of the stack as lines of text, with a remark where a usual port was busy.

    Args:
        configuration: of the stack that runs.
        metrics: addresses of its mailers' figures.
        monitoring: whether there is a Prometheus.
    """
    broker, passwords = configuration.broker, configuration.passwords
    admin = f"{ADMIN} / {broker.password}"
    migrator = f"migrator / {passwords.database_migrator}"
    api = configuration.http("api")
    rows = [
        ("API", api, "", _moved(configuration, "api")),
        ("its description", f"{api}/docs", "", ""),
        ("sign-up page", f"{api}/signup", "", ""),
        ("inbox", configuration.http("inbox"), "", _moved(configuration, "inbox")),
        (
            "RabbitMQ console",
            configuration.http("rabbitmq_console"),
            admin,
            _moved(configuration, "rabbitmq_console"),
        ),
        ("  only to look", "", f"viewer / {passwords.broker_viewer}", ""),
        (
            "Flower",
            configuration.http("flower"),
            f"{FLOWER_USER} / {passwords.flower_operator}",
            _moved(configuration, "flower"),
        ),
        ("AMQP", without_login(broker.amqp_url), admin, _moved(configuration, "amqp")),
        ("SMTP of the inbox", configuration.smtp, "", _moved(configuration, "smtp")),
        ("the API's metrics", f"{configuration.http('ops')}/metrics", "", _moved(configuration, "ops")),
        *(
            (f"the {name}'s metrics", f"{configuration.http(port)}/metrics", "", _moved(configuration, port))
            for name, port in (("relay", "relay"), ("auth worker", "auth_worker"), ("beat", "beat"))
        ),
        *(("a mailer's metrics", address, "", "") for address in metrics),
        *(
            [("Prometheus", configuration.http("prometheus"), "", _moved(configuration, "prometheus"))]
            if monitoring
            else []
        ),
        (
            "database auth",
            without_login(configuration.database_url("auth")),
            migrator,
            _moved(configuration, "postgres"),
        ),
        ("database mailer", without_login(configuration.database_url("mailer")), migrator, ""),
        *((name, "off", "", "docs/protection.md") for name in limits_off(configuration.overrides)),
    ]
    return "\n".join(_aligned([HEADINGS, *rows]))


def limits_off(overrides: Mapping[str, str]) -> list[str]:
    """The variables of limits that whoever starts the stack has turned off."""
    return sorted(
        name
        for name, value in overrides.items()
        if (name.startswith("AUTH_LIMIT_") or name == "AUTH_CAMPAIGN") and value.strip() == "off"
    )


def without_login(url: str) -> str:
    """`url` without user and password."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _moved(configuration: StackConfiguration, port: str) -> str:
    usual = USUAL[port]
    return "" if configuration.ports[port] == usual else f"instead of port {usual}"


def _aligned(rows: Iterable[Sequence[str]]) -> list[str]:
    table = list(rows)
    widths = [max(len(row[column]) for row in table) for column in range(len(HEADINGS))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in table
    ]
