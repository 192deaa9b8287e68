"""The real command lines with passwords in URLs that nobody encoded: refused by name, and no part of one shows."""

import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest

from support import nursery
from support.hostile_passwords import hostile_passwords, shown
from support.infra import REPOSITORY, Infra

COMMANDS = Path(sys.executable).parent
ENVIRONMENT = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
DATABASE = "postgresql://auth:{}@127.0.0.1:9/auth"
BROKER = "amqp://auth:{}@127.0.0.1:9/postern"
STARTS: dict[str, dict[str, str]] = {
    "auth-service migrate": {"AUTH_MIGRATION_DATABASE_URL": DATABASE},
    "auth-service api": {"AUTH_DATABASE_URL": DATABASE},
    "auth-service relay": {"AUTH_DATABASE_URL": DATABASE, "AUTH_BROKER_URL": BROKER},
    "auth-service worker": {"AUTH_DATABASE_URL": DATABASE, "AUTH_BROKER_URL": BROKER},
    "auth-service beat": {"AUTH_BROKER_URL": BROKER},
    "auth-service explain x@example.com": {"AUTH_DATABASE_URL": DATABASE},
    "auth-service announce terms --actor linh": {"AUTH_DATABASE_URL": DATABASE},
    "mailer-service migrate": {"MAILER_MIGRATION_DATABASE_URL": DATABASE},
    "mailer-service worker": {
        "MAILER_DATABASE_URL": DATABASE,
        "MAILER_BROKER_URL": BROKER,
        "MAILER_SMTP_URL": "smtps://user:{}@127.0.0.1:9",
    },
    "mailer-service suppressions list": {"MAILER_DATABASE_URL": DATABASE},
    "mailer-service dead list": {"MAILER_DATABASE_URL": DATABASE, "MAILER_BROKER_URL": BROKER},
    "mailer-service explain 00000000-0000-4000-8000-000000000000": {
        "MAILER_DATABASE_URL": DATABASE,
        "MAILER_BROKER_URL": BROKER,
    },
    "mailer-service flower": {"MAILER_FLOWER_BROKER_URL": BROKER, "MAILER_FLOWER_LOGIN": "ops:{},x"},
    "postern-topology apply": {"POSTERN_BROKER_ADMIN_URL": "http://admin:{}@127.0.0.1:9"},
    "postern-topology doctor": {"POSTERN_BROKER_ADMIN_URL": "http://admin:{}@127.0.0.1:9"},
}


def run(program: str, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return nursery.run([COMMANDS / program, *arguments], environment={**ENVIRONMENT, **settings})


def run_script(*command: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, env={**ENVIRONMENT, **settings}, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("words", STARTS)
def test_a_password_nobody_encoded_ends_the_start_by_name_and_without_a_part_of_it(words: str) -> None:
    program, *arguments = words.split()
    ((password, parts),) = hostile_passwords(1, seed=list(STARTS).index(words))
    done = run(
        program,
        *arguments,
        # A slash always: the mark of base64, and what splits a URL.
        **{name: form.format(f"{password}/@[#{password}") for name, form in STARTS[words].items()},
    )
    assert done.returncode == 2, done.stderr
    assert all(f"{name}: " in done.stderr for name in STARTS[words])
    assert "Traceback" not in done.stderr
    assert shown(parts, done.stdout + done.stderr) == []


def test_an_encoded_password_is_used_and_a_server_that_refuses_it_is_named_without_it(infra: Infra) -> None:
    ((password, parts),) = hostile_passwords(1, seed=99)
    right = infra.cluster.url(user="migrator", password=infra.database_passwords["migrator"], database="auth")
    wrong = infra.cluster.url(user="migrator", password=quote(password, safe=""), database="auth")
    for url, code in ((right, 0), (wrong, 1), (DATABASE.format(quote(password, safe="")), 1)):
        done = run("auth-service", "migrate", AUTH_MIGRATION_DATABASE_URL=url)
        assert done.returncode == code, done.stderr
        assert shown(parts, done.stdout + done.stderr) == []
        assert "Traceback" not in done.stdout + done.stderr


def test_the_compose_stacks_secrets_refuse_a_password_that_no_address_can_hold(tmp_path: Path) -> None:
    for keys, last in (("auth-keys", "tokens.private.json"), ("mailer-keys", "sealing.private.json")):
        (tmp_path / keys).mkdir()
        (tmp_path / keys / last).write_text("{}")
    script = str(REPOSITORY / "deploy" / "compose" / "secrets.sh")
    assert run_script(script, str(tmp_path)).returncode == 0
    for password, parts in hostile_passwords(6):
        file = tmp_path / "auth_database_password"
        file.chmod(0o644)
        file.write_text(f"{password}/\n")
        done = run_script(script, str(tmp_path))
        assert done.returncode == 1
        assert "auth_database_password: only ASCII letters" in done.stderr
        assert shown(parts, done.stdout + done.stderr) == []


DOCKER = """#!/bin/sh
# As `docker run` would: the last argument, by a shell, with what comes in and goes out.
for last; do :; done
exec sh -c "$last"
"""


def test_the_compose_stacks_secrets_of_an_older_release_get_what_is_missing_and_keep_what_is_there(
    tmp_path: Path,
) -> None:
    tools, secrets = tmp_path / "bin", tmp_path / "secrets"
    tools.mkdir()
    (tools / "docker").write_text(DOCKER)
    (tools / "docker").chmod(0o755)
    environment = {"PATH": f"{tools}:{Path(sys.executable).parent}:{os.environ['PATH']}"}
    script = str(REPOSITORY / "deploy" / "compose" / "secrets.sh")
    assert run_script(script, str(secrets), **environment).returncode == 0
    keys = secrets / "auth-keys"
    before = {file.name: file.read_text() for file in keys.iterdir()}
    assert "tokens.private.json" in before

    (keys / "tokens.private.json").unlink()
    assert run_script(script, str(secrets), **environment).returncode == 0
    after = {file.name: file.read_text() for file in keys.iterdir()}
    made = after.pop("tokens.private.json")
    assert made != before.pop("tokens.private.json")
    assert after == before
    assert run_script(script, str(secrets), **environment).returncode == 0
    assert (keys / "tokens.private.json").read_text() == made
    assert sorted(path.name for path in secrets.iterdir() if path.is_dir()) == ["auth-keys", "mailer-keys"]


def test_the_native_stack_names_a_password_it_cannot_use_and_shows_none_of_it(tmp_path: Path) -> None:
    for password, parts in hostile_passwords(3):
        (tmp_path / "passwords.json").write_text(json.dumps({"database_auth": f"{password}/"}))
        done = run("postern-local", "run", POSTERN_STATE=str(tmp_path), POSTERN_PORTS="any")
        assert done.returncode not in {0, -9}
        assert "database_auth may have only" in done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        assert shown(parts, done.stdout + done.stderr) == []
