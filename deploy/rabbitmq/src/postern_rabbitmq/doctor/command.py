"""The doctor's command: asks, prints, and says by its exit code how it went. `postern-local doctor` uses it, too."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from mail_contract.topology import VHOST
from postern_rabbitmq.admin import BrokerAdmin
from postern_rabbitmq.doctor.celery import load_app
from postern_rabbitmq.doctor.examination import INTERVAL_SECONDS, Check, diagnose
from postern_rabbitmq.doctor.report import as_json as render_json
from postern_rabbitmq.doctor.report import as_text
from postern_rabbitmq.errors import AdministrationError

CANNOT_ASK = 2
"""Exit code where there is no diagnosis: no broker, no rights, no such app."""


def examine(
    url: str,
    *,
    vhost: str = VHOST,
    apps: Sequence[str] = (),
    further: Sequence[Check] = (),
    as_json: bool = False,
    interval: float = INTERVAL_SECONDS,
) -> int:
    """Prints the diagnosis.

    Args:
        url: of the management API with an administrator's login.
        vhost: to examine.
        apps: `module:attribute` of Celery apps to examine as well.
        further: checks besides those of the broker.
        as_json: for programs.
        interval: seconds between the two looks at the queues.

    Returns:
        The exit code: 0 for nothing or warnings only, 1 with errors, 2 where the broker or an app cannot be examined.
    """
    if apps:
        sys.path.insert(0, str(Path.cwd()))  # as `celery --app` does
    try:
        loaded = [load_app(path) for path in apps]
        with BrokerAdmin(url) as admin:
            diagnosis = diagnose(admin, vhost=vhost, apps=loaded, further=further, interval=interval)
    except AdministrationError as error:
        click.echo(f"No diagnosis. {error}", err=True)
        return CANNOT_ASK
    click.echo(render_json(diagnosis) if as_json else as_text(diagnosis), nl=as_json)
    return diagnosis.exit_code
