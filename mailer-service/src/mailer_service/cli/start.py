"""How every command begins: its settings, its log."""

from __future__ import annotations

import sys
from typing import TextIO, TypeVar

import click

from service_runtime.errors import SettingsError
from service_runtime.setting_types import ProcessSettings
from service_runtime.settings import load
from service_runtime.telemetry import configure_logging

S = TypeVar("S", bound=ProcessSettings)
BAD_SETTINGS = 2


def settings_of(cls: type[S], *, log_to: TextIO | None = None) -> S:
    """Returns a command's settings, its log configured; ends the process, naming what is missing or bad.

    Args:
        cls: which settings.
        log_to: for a command whose standard output is its answer.
    """
    try:
        settings = load(cls)
    except SettingsError as error:
        click.echo(str(error), err=True)
        sys.exit(BAD_SETTINGS)
    configure_logging(
        service="mailer-service", format=settings.log_format, level=settings.log_level, stream=log_to
    )
    return settings
