"""What every process does first."""

from __future__ import annotations

import logging
from typing import TypeVar

from mail_contract.setting_types import ProcessSettings
from mail_contract.settings import load
from mail_contract.telemetry import configure_logging

S = TypeVar("S", bound=ProcessSettings)


def start(service: str, settings_class: type[S]) -> S:
    """Reads the settings, then sends logs where they say; raises SettingsError before anything has begun."""
    settings = load(settings_class)
    configure_logging(service=service, format=settings.log_format, level=settings.log_level)
    logging.getLogger("alembic.runtime.plugins").setLevel(logging.WARNING)  # lists itself at every start
    return settings
