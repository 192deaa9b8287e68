"""Settings: variables, secrets from files, and errors that name the variable but no value."""

from pathlib import Path

import pytest
from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from service_runtime.errors import SettingsError
from service_runtime.settings import ServiceSettings, load


class Example(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="EXAMPLE_")

    token: SecretStr
    window: int = Field(default=200, ge=1)
    log_level: str = Field(default="INFO", validation_alias="POSTERN_LOG_LEVEL")


def test_a_value_comes_from_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXAMPLE_TOKEN", "abc")
    monkeypatch.setenv("EXAMPLE_WINDOW", "7")
    monkeypatch.setenv("POSTERN_LOG_LEVEL", "DEBUG")
    example = load(Example)
    assert (example.token.get_secret_value(), example.window, example.log_level) == ("abc", 7, "DEBUG")


def test_a_secret_may_come_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-a-file\n")
    monkeypatch.setenv("EXAMPLE_TOKEN_FILE", str(tmp_path / "token"))
    assert load(Example).token.get_secret_value() == "from-a-file"


def test_an_empty_file_gives_no_value(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("\n")
    monkeypatch.setenv("EXAMPLE_TOKEN_FILE", str(tmp_path / "token"))
    with pytest.raises(SettingsError, match="EXAMPLE_TOKEN: "):
        load(Example)


def test_the_variable_wins_over_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-a-file")
    monkeypatch.setenv("EXAMPLE_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("EXAMPLE_TOKEN", "direct")
    assert load(Example).token.get_secret_value() == "direct"


def test_everything_missing_and_everything_bad_is_named_at_once_without_values(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EXAMPLE_WINDOW", "hunter2")
    with pytest.raises(SettingsError) as caught:
        load(Example)
    assert "EXAMPLE_TOKEN: is missing" in str(caught.value)
    assert "EXAMPLE_WINDOW: " in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_file_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXAMPLE_TOKEN_FILE", "/nonexistent/token")
    with pytest.raises(SettingsError, match="EXAMPLE_TOKEN_FILE"):
        load(Example)


def test_settings_do_not_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXAMPLE_TOKEN", "abc")
    example = load(Example)
    with pytest.raises(ValueError, match="frozen"):
        setattr(example, "window", 3)  # noqa: B010 - the type checker knows better
