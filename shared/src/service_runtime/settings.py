"""How a service reads its configuration: environment variables, secrets also from files, once, at the start."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from service_runtime.errors import SettingsError


class ServiceSettings(BaseSettings):
    """Base of a service's settings; give `env_prefix` in the subclass.

    A variable NAME may also be given as NAME_FILE: the file's content, stripped, is then the value, as container
    platforms hand out secrets. An empty file gives none.
    """

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is the library's
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments win over variables, variables over files."""
        return init_settings, env_settings, _FileSource(settings_cls)


class _FileSource(PydanticBaseSettingsSource):
    """Reads NAME_FILE for every setting NAME."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002
        name = variable_of(self.settings_cls, field_name)
        path = os.environ.get(f"{name}_FILE")
        if not path:
            return None, field_name, False
        try:
            return Path(path).read_text(encoding="utf-8").strip() or None, field_name, False
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{name}_FILE: cannot read {path}: {type(error).__name__}") from error

    def __call__(self) -> dict[str, Any]:
        values = {
            name: self.get_field_value(field, name)[0]
            for name, field in self.settings_cls.model_fields.items()
        }
        return {name: value for name, value in values.items() if value is not None}


def variable_of(cls: type[BaseSettings], field_name: str) -> str:
    """Returns the environment variable of a field: its alias, else the prefix and its name, in capitals."""
    field = cls.model_fields.get(field_name)
    alias = field.validation_alias if field else None
    prefix = cls.model_config.get("env_prefix", "")
    return (alias if isinstance(alias, str) else f"{prefix}{field_name}").upper()


S = TypeVar("S", bound=ServiceSettings)


def load(cls: type[S]) -> S:
    """Returns the settings; raises SettingsError naming every missing and every bad variable, but no value."""
    try:
        return cls()
    except ValidationError as error:
        fields_by_alias = {variable_of(cls, name): name for name in cls.model_fields}
        lines = []
        for problem in error.errors(include_input=False, include_url=False):
            location = [str(part) for part in problem["loc"]] or [cls.__name__]
            name = location[0].upper()
            variable = name if name in fields_by_alias else variable_of(cls, location[0])
            message = "is missing" if problem["type"] == "missing" else problem["msg"]
            lines.append(f"{variable}: {message}")
        raise SettingsError("\n  " + "\n  ".join(lines)) from None
