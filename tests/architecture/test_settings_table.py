"""Every variable the services read is in the table of docs/configuration.md, and nothing else is."""

import re
from pathlib import Path

from pydantic_settings import BaseSettings

from auth_service import settings as auth_settings
from mailer_service import settings as mailer_settings
from postern_rabbitmq.cli import ApplySettings
from service_runtime.settings import ServiceSettings, variable_of

TABLE = Path(__file__).parents[2] / "docs" / "configuration.md"


def settings_classes() -> set[type[BaseSettings]]:
    found: set[type[BaseSettings]] = {ApplySettings}
    for module in (auth_settings, mailer_settings):
        found |= {
            value
            for value in vars(module).values()
            if isinstance(value, type) and issubclass(value, ServiceSettings) and value is not ServiceSettings
        }
    return found


def test_the_table_of_settings_is_complete_and_true() -> None:
    variables = {variable_of(cls, name) for cls in settings_classes() for name in cls.model_fields}
    documented = set(re.findall(r"^\| `([A-Z_]+)`", TABLE.read_text(encoding="utf-8"), flags=re.MULTILINE))
    assert documented == variables
