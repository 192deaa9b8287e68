"""`postern-topology`: applies the topology, checks and examines a broker, writes what is generated from it."""

from __future__ import annotations

import sys

import click
from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from mail_contract.topology import TOPOLOGY, VHOST
from mail_contract.vhost import version_of
from postern_rabbitmq import definitions
from postern_rabbitmq.admin import BrokerAdmin
from postern_rabbitmq.apply import apply_topology
from postern_rabbitmq.check import check_topology
from postern_rabbitmq.diagram import diagram as render_diagram
from postern_rabbitmq.doctor.command import examine
from postern_rabbitmq.doctor.examination import INTERVAL_SECONDS
from postern_rabbitmq.errors import TopologyError
from service_runtime.errors import SettingsError
from service_runtime.setting_types import AdminUrl
from service_runtime.settings import S, ServiceSettings, load


class AdminSettings(ServiceSettings):
    """Where the broker is and who may change it."""

    model_config = SettingsConfigDict(env_prefix="POSTERN_")

    broker_admin_url: AdminUrl
    vhost: str = VHOST


class ApplySettings(AdminSettings):
    """The services' passwords as well."""

    auth_broker_password: SecretStr = Field(min_length=1)
    mailer_broker_password: SecretStr = Field(min_length=1)
    operator_broker_password: SecretStr = Field(min_length=1)
    flower_broker_password: SecretStr = Field(min_length=1)
    viewer_broker_password: SecretStr = Field(min_length=1)


@click.group()
def main() -> None:
    """Exchanges, queues, bindings, policies and rights on RabbitMQ."""


@main.command()
def apply() -> None:
    """Create or update everything on the broker; removes nothing."""
    values = _load(ApplySettings)
    passwords = {
        "auth": values.auth_broker_password.get_secret_value(),
        "mailer": values.mailer_broker_password.get_secret_value(),
        "operator": values.operator_broker_password.get_secret_value(),
        "flower": values.flower_broker_password.get_secret_value(),
        "viewer": values.viewer_broker_password.get_secret_value(),
    }
    try:
        with BrokerAdmin(values.broker_admin_url.get_secret_value()) as admin:
            apply_topology(admin, vhost=values.vhost, passwords=passwords)
    except TopologyError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"topology applied to vhost {values.vhost}")


@main.command()
def check() -> None:
    """Compare the broker with the topology; exit code 1 where they differ."""
    values = _load(AdminSettings)
    try:
        with BrokerAdmin(values.broker_admin_url.get_secret_value()) as admin:
            differences = check_topology(admin, vhost=values.vhost)
    except TopologyError as error:
        raise click.ClickException(str(error)) from error
    for difference in differences:
        click.echo(difference)
    if differences:
        sys.exit(1)
    click.echo(f"vhost {values.vhost} is as the topology says")


@main.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option(
    "--app", "apps", multiple=True, metavar="MODULE:ATTRIBUTE", help="A Celery app to examine as well."
)
@click.option(
    "--interval", default=INTERVAL_SECONDS, show_default=True, help="Seconds between two looks at the queues."
)
def doctor(as_json: bool, apps: tuple[str, ...], interval: float) -> None:
    """Examine the broker and the Celery settings; exit code 1 with errors, 2 where the broker cannot be asked."""
    values = _load(AdminSettings)
    url = values.broker_admin_url.get_secret_value()
    sys.exit(examine(url, vhost=values.vhost, apps=apps, as_json=as_json, interval=interval))


@main.command(name="definitions")
@click.option("--broker", default="", help="Its version, such as 4.3: with what older ones would refuse.")
def print_definitions(broker: str) -> None:
    """Print RabbitMQ's definitions file; without a version one that each takes, which `apply` then completes."""
    click.echo(definitions.as_text(TOPOLOGY.known_to(version_of(broker))), nl=False)


@main.command()
def diagram() -> None:
    """Print the Markdown page with the diagram."""
    click.echo(render_diagram(TOPOLOGY), nl=False)


def _load(cls: type[S]) -> S:
    try:
        return load(cls)
    except SettingsError as error:
        click.echo(str(error), err=True)
        sys.exit(2)
