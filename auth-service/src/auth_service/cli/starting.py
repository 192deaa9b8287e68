"""What every process does first."""

from __future__ import annotations

import logging
from typing import TextIO, TypeVar

from service_runtime.setting_types import ProcessSettings
from service_runtime.settings import load
from service_runtime.telemetry import configure_logging

S = TypeVar("S", bound=ProcessSettings)


def start(service: str, settings_class: type[S], *, log_to: TextIO | None = None) -> S:
    """Reads the settings, then sends logs where they say; raises SettingsError before anything has begun.

    Args:
        service: named in every line.
        settings_class: what to read.
        log_to: standard output if not given; a command whose output is an answer logs elsewhere.
    """
    settings = load(settings_class)
    configure_logging(service=service, format=settings.log_format, level=settings.log_level, stream=log_to)
    logging.getLogger("alembic.runtime.plugins").setLevel(logging.WARNING)  # lists itself at every start
    return settings
