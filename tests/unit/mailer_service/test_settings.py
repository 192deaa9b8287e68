"""The worker's configuration."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from pydantic import SecretStr

from mail_contract.keys import generate_sealing_keys, generate_signing_keys
from mailer_service.cli import keys
from mailer_service.cli.keys import make_dkim_keys
from mailer_service.cli.keys import run as make_keys
from mailer_service.letter_settings import DkimSettings, LetterSettings
from mailer_service.letters.brand import Brand
from mailer_service.letters.dkim_keys import DkimKeys
from mailer_service.settings import FlowerSettings, MigrationSettings, WorkerSettings
from mailer_service.smtp.server import Security, SmtpServer, read_servers
from service_runtime.errors import SettingsError
from service_runtime.settings import ServiceSettings, load

COMMAND = Path(sys.executable).parent / "mailer-service"


def refused(monkeypatch: pytest.MonkeyPatch, cls: type[ServiceSettings], variables: Mapping[str, str]) -> str:
    for name in [name for name in os.environ if name.startswith(("MAILER_", "POSTERN_"))]:
        monkeypatch.delenv(name)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        load(cls)
    return str(caught.value)


def complete() -> dict[str, str]:
    return {
        "MAILER_DATABASE_URL": "postgresql://mailer:pw@127.0.0.1:1/mailer",
        "MAILER_BROKER_URL": "amqp://mailer:pw@127.0.0.1:1/postern",
        "MAILER_SMTP_URL": "smtp://127.0.0.1:1",
        "MAILER_SENDER": "no-reply@postern.example",
        "MAILER_SEALING_KEYS": generate_sealing_keys()[0],
        "MAILER_VERIFYING_KEYS": generate_signing_keys()[1],
        "MAILER_HASH_KEY": "a key for hashes, only for tests, long enough",
    }


def test_a_start_without_settings_names_every_one_that_is_missing() -> None:
    done = subprocess.run(
        [str(COMMAND), "worker"],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 2
    for name in complete():
        assert f"{name}: is missing" in done.stderr


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("MAILER_DATABASE_URL", "mysql://secret@x/y"),
        ("MAILER_BROKER_URL", "redis://secret"),
        ("MAILER_SMTP_URL", "http://secret"),
        ("MAILER_SMTP_URL", "smtp://user:secret@host"),
        ("MAILER_SENDER", "secret"),
        ("MAILER_DKIM_KEYS", '{"keys": [{"kty": "RSA", "kid": "secret"}]}'),
        ("MAILER_DKIM_DOMAIN", "-secret-"),
        ("MAILER_DKIM_DOMAIN", "secret.example"),
        ("MAILER_SEALING_KEYS", '{"secret": 1}'),
        ("MAILER_VERIFYING_KEYS", "secret"),
        ("MAILER_QUEUES", "mailer.secret"),
        ("MAILER_CONCURRENCY", "0"),
        ("MAILER_LEASE_SECONDS", "secret"),
    ],
)
def test_a_bad_value_is_named_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    message = refused(monkeypatch, WorkerSettings, {**complete(), variable: value})
    assert variable in message
    assert "secret" not in message.replace("MAILER_", "")


def test_a_worker_does_not_start_with_a_broken_template(tmp_path: Path) -> None:
    template = tmp_path / "verify_address" / "en" / "subject.txt"
    template.parent.mkdir(parents=True)
    template.write_text("{{ wrong }}", encoding="utf-8")
    done = subprocess.run(
        [str(COMMAND), "worker"],
        env={"PATH": os.environ["PATH"], **complete(), "MAILER_TEMPLATES": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert "verify_address/en/subject.txt, line 1: 'wrong' is undefined" in done.stderr


@pytest.mark.parametrize(
    ("variable", "value", "reason"),
    [
        ("MAILER_COLOR", "green", "should match pattern"),
        ("MAILER_COLOR", "#fff8dc", "must be read on white, and white on it: it has a contrast of 1.1 to 1"),
        ("MAILER_COLOR_DARK", "#102030", "must be read on dark ground"),
        ("MAILER_REPLY_TO", "help at sample.example", "must be an email address"),
        ("MAILER_FOOTER", "one\ntwo", "should match pattern"),
        ("MAILER_LOGO_TEXT", "x" * 61, "at most 60 characters"),
        ("MAILER_TEMPLATES", "nowhere", "does not point to a directory"),
    ],
)
def test_what_an_application_gives_its_letters_is_checked(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, reason: str
) -> None:
    message = refused(monkeypatch, LetterSettings, {variable: value})
    assert f"{variable}: " in message
    assert reason in message


def test_letters_need_no_settings_and_colours_may_be_written_in_capitals(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert load(LetterSettings).brand == Brand(name="Postern")
    monkeypatch.setenv("MAILER_COLOR", "#1F5F4A")
    assert load(LetterSettings).color == "#1f5f4a"


def test_the_dot_is_waited_for_ten_minutes_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "MAILER_DOT_SECONDS" in refused(
        monkeypatch, WorkerSettings, {**complete(), "MAILER_DOT_SECONDS": "601"}
    )


def test_an_attempt_must_have_time_for_one_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    times = {"MAILER_LEASE_SECONDS": "10", "MAILER_SMTP_TIMEOUT_SECONDS": "20"}
    assert "MAILER_SMTP_TIMEOUT_SECONDS" in refused(monkeypatch, WorkerSettings, {**complete(), **times})


def test_an_attempt_is_over_before_its_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in complete().items():
        monkeypatch.setenv(name, value)
    for lease in ("6", "30", "600"):
        monkeypatch.setenv("MAILER_LEASE_SECONDS", lease)
        monkeypatch.setenv("MAILER_SMTP_TIMEOUT_SECONDS", "4")
        settings = load(WorkerSettings)
        assert 0 < settings.attempt_seconds <= settings.lease_seconds - 2


@pytest.mark.parametrize(
    ("cls", "variables"),
    [
        (MigrationSettings, {"MAILER_MIGRATION_DATABASE_URL"}),
        (
            FlowerSettings,
            {"MAILER_FLOWER_BROKER_URL", "MAILER_FLOWER_LOGIN", "MAILER_FLOWER_COOKIE_SECRET"},
        ),
    ],
)
def test_the_other_processes_ask_only_for_what_they_need(
    monkeypatch: pytest.MonkeyPatch, cls: type[ServiceSettings], variables: set[str]
) -> None:
    lines = refused(monkeypatch, cls, {}).splitlines()[1:]
    assert {line.strip().split(":")[0] for line in lines} == variables


def test_a_url_says_how_a_server_is_spoken_to() -> None:
    server = SmtpServer.from_url("smtp+starttls://us%40er:p%3Aw@mail.example:2587")
    assert (server.host, server.port, server.security) == ("mail.example", 2587, Security.STARTTLS)
    assert (server.username, server.password) == ("us@er", "p:w")
    assert "p:w" not in repr(server)
    assert [SmtpServer.from_url(f"{scheme}://h").port for scheme in Security] == [25, 587, 465]


def test_several_servers_are_read_in_order_with_the_limits_of_each() -> None:
    first, second = read_servers("smtp://a.example?connections=8&rate=0.5  smtps://u:p@b.example:2465")
    assert (first.name, first.connections, first.rate) == ("a.example:25", 8, 0.5)
    assert (second.name, second.connections, second.rate) == ("b.example:2465", 50, None)


@pytest.mark.parametrize(
    "urls",
    [
        "",
        "smtp://h?rate=secret",
        "smtp://h?rate=nan",
        "smtp://h?rate=0",
        "smtp://h?connections=0",
        "smtp://h?connections=1.5",
        "smtp://h?secret=1",
        "smtp://h smtp://h:25?rate=1",
        "smtp://h,smtp://secret",
    ],
)
def test_servers_that_cannot_be_told_apart_or_limited_are_refused(urls: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - its words are checked
        read_servers(urls)
    assert "secret" not in str(caught.value)


def test_keys_are_made_once_and_only_for_their_owner(tmp_path: Path) -> None:
    place = tmp_path / "keys"
    written = make_keys(place)
    assert {path.name for path in written} == {
        "sealing.private.json",
        "sealing.public.json",
        "mailer-hash.key",
    }
    assert {path.stat().st_mode & 0o777 for path in written} == {0o600}
    before = [path.read_bytes() for path in written]
    assert make_keys(place) == ()
    assert [path.read_bytes() for path in written] == before


def test_half_a_key_pair_is_an_error_rather_than_a_new_pair(tmp_path: Path) -> None:
    written = make_keys(tmp_path)
    written[0].unlink()
    with pytest.raises(FileExistsError):
        make_keys(tmp_path)


def test_keys_for_signing_are_made_once_and_only_for_their_owner(tmp_path: Path) -> None:
    (path,) = make_dkim_keys(tmp_path / "keys")
    assert path.name == "dkim.private.pem"
    assert path.stat().st_mode & 0o777 == 0o600
    assert make_dkim_keys(tmp_path / "keys") == ()
    assert len(DkimKeys.from_pem(path.read_text(encoding="utf-8")).keys) == 2


def test_the_records_of_the_keys_are_printed_for_a_zone_file_and_for_programs(tmp_path: Path) -> None:
    (path,) = make_dkim_keys(tmp_path)
    settings = DkimSettings(
        sender="no-reply@mail.bücher.example",
        dkim_domain="Bücher.example",
        dkim_keys=SecretStr(path.read_text(encoding="utf-8")),
    )
    found = json.loads(keys.dkim_records_as_json(settings))
    lines = keys.dkim_records(settings).splitlines()
    for record, kind, line in zip(found, ("rsa", "ed25519"), lines, strict=True):
        assert re.fullmatch(rf"{kind}-\d{{8}}\._domainkey\.xn--bcher-kva\.example", record["name"])
        assert record["text"].startswith(f"v=DKIM1; k={kind}; h=sha256; p=")
        assert line.startswith(f"{record['name']}. IN TXT (")
