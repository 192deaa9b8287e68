"""The command line: what it says when something is missing, and the keys it writes."""

import fcntl
import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from auth_service.cli.cli import WRONG_SETTINGS, commands, main
from auth_service.cli.keys import (
    HASH_KEY,
    SIGNING_PRIVATE,
    SIGNING_PUBLIC,
    TOKEN_KEYS,
    LonelyPublicKey,
    rotate_token_keys,
    write_keys,
)
from auth_service.security.token_keys import PUBLISH_AHEAD, SIGN_FOR, Step, TokenKeys
from mail_contract.keys import SigningKey, VerifyingKeys

REQUIRED = {
    "api": [
        "AUTH_DATABASE_URL",
        "AUTH_PUBLIC_URL",
        "AUTH_SIGNING_KEY",
        "AUTH_SEALING_PUBLIC_KEYS",
        "AUTH_HASH_KEY",
        "AUTH_TOKEN_KEYS",
    ],
    "relay": ["AUTH_DATABASE_URL", "AUTH_BROKER_URL"],
    "worker": [
        "AUTH_DATABASE_URL",
        "AUTH_BROKER_URL",
        "AUTH_PUBLIC_URL",
        "AUTH_SIGNING_KEY",
        "AUTH_SEALING_PUBLIC_KEYS",
        "AUTH_HASH_KEY",
    ],
    "announce": ["AUTH_DATABASE_URL", "AUTH_SIGNING_KEY", "AUTH_SEALING_PUBLIC_KEYS", "AUTH_HASH_KEY"],
    "explain": ["AUTH_DATABASE_URL", "AUTH_HASH_KEY"],
    "accounts": ["AUTH_DATABASE_URL", "AUTH_HASH_KEY"],
    "audit": ["AUTH_DATABASE_URL", "AUTH_HASH_KEY"],
    "held": ["AUTH_DATABASE_URL"],
    "probe": ["AUTH_DATABASE_URL", "AUTH_HASH_KEY", "AUTH_PROBE_URL", "AUTH_PROBE_ADDRESS"],
    "refusals": ["AUTH_DATABASE_URL", "AUTH_HASH_KEY"],
    "beat": ["AUTH_BROKER_URL", "AUTH_BEAT_SCHEDULE_FILE"],
    "migrate": ["AUTH_MIGRATION_DATABASE_URL"],
}


ARGUMENTS = {
    "announce": ["terms-2027", "--actor", "linh"],
    "accounts": ["import", __file__, "--actor", "linh"],
    "audit": ["linh@example.com"],
    "held": ["list"],
    "refusals": ["lift", "linh@example.com", "--actor", "linh"],
    "explain": ["linh@example.com"],
}


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in {name for names in REQUIRED.values() for name in names}:
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.delenv(f"{variable}_FILE", raising=False)


def start(command: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main([command, *ARGUMENTS.get(command, [])])
    return int(ended.value.code or 0)


@pytest.mark.parametrize("command", list(REQUIRED))
def test_a_process_without_settings_names_every_one_and_ends_with_2(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert start(command) == WRONG_SETTINGS
    said = capsys.readouterr().err
    assert all(f"{variable}: is missing" in said for variable in REQUIRED[command])


def test_bad_settings_are_all_named_without_their_values(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = {"AUTH_DATABASE_URL": "mysql://secret", "AUTH_BROKER_URL": "secret", "AUTH_RELAY_WINDOW": "secret"}
    for variable, value in bad.items():
        monkeypatch.setenv(variable, value)
    assert start("relay") == WRONG_SETTINGS
    said = capsys.readouterr().err
    assert all(variable in said for variable in bad)
    assert "secret" not in said


def test_every_command_is_there() -> None:
    assert set(commands.commands) == {*REQUIRED, "keys"}


def test_keys_are_written_once_readable_by_their_owner_alone_and_fit_together(tmp_path: Path) -> None:
    directory = tmp_path / "keys"
    written = write_keys(directory)

    assert {path.name for path in written} == {SIGNING_PRIVATE, SIGNING_PUBLIC, HASH_KEY, TOKEN_KEYS}
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in written)
    assert len((directory / HASH_KEY).read_text()) >= 32
    private = SigningKey.from_json((directory / SIGNING_PRIVATE).read_text())
    public = VerifyingKeys.from_json((directory / SIGNING_PUBLIC).read_text())
    key_id, key = private.current
    public.find(key_id).verify(key.sign(b"letter"), b"letter")
    assert "d" not in json.loads((directory / SIGNING_PUBLIC).read_text())["keys"][0]
    assert {path.name for path in directory.iterdir()} == {
        SIGNING_PRIVATE,
        SIGNING_PUBLIC,
        HASH_KEY,
        TOKEN_KEYS,
    }
    assert len(TokenKeys.from_json((directory / TOKEN_KEYS).read_text()).keys) == 1


def test_keys_that_are_there_are_left_alone_and_a_lost_public_half_is_made_from_the_private_one(
    tmp_path: Path,
) -> None:
    write_keys(tmp_path)
    before = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert write_keys(tmp_path) == []
    (tmp_path / SIGNING_PUBLIC).unlink()

    assert [path.name for path in write_keys(tmp_path)] == [SIGNING_PUBLIC]
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == before


def test_a_public_key_without_its_private_half_is_not_replaced(tmp_path: Path) -> None:
    write_keys(tmp_path)
    (tmp_path / SIGNING_PRIVATE).unlink()
    with pytest.raises(LonelyPublicKey):
        write_keys(tmp_path)


def test_keys_of_access_tokens_are_rotated_in_their_file_and_not_too_early(tmp_path: Path) -> None:
    write_keys(tmp_path)
    file, now = tmp_path / TOKEN_KEYS, datetime.now(UTC)
    file.chmod(0o440)
    first = file.read_text()

    assert rotate_token_keys(tmp_path, now=now, restarted=True).keys is None
    assert file.read_text() == first
    for steps, at in enumerate(
        (now + SIGN_FOR, now + SIGN_FOR + PUBLISH_AHEAD + timedelta(seconds=1)), start=1
    ):
        assert rotate_token_keys(tmp_path, now=at, restarted=True).keys is not None
        assert len(TokenKeys.from_json(file.read_text()).keys) == 2, steps
    assert TokenKeys.from_json(file.read_text()).current.kid != TokenKeys.from_json(first).current.kid
    assert stat.S_IMODE(file.stat().st_mode) == 0o440
    assert len(list(tmp_path.iterdir())) == 4, "nothing is left beside it"


def rotate(directory: Path, *options: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["keys", "rotate", "--directory", str(directory), *options])
    return int(ended.value.code or 0)


def test_a_rotation_says_what_it_did_and_when_to_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_keys(tmp_path)
    assert rotate(tmp_path) == 1
    assert "Too early" in capsys.readouterr().err
    file = tmp_path / TOKEN_KEYS
    yesterday = datetime.now(UTC) - timedelta(days=1)
    for said in ("Made the next key", "signs from now on", "Retired the old key"):
        keys = json.loads(file.read_text())
        for jwk in keys["keys"]:
            jwk["since"] = yesterday.isoformat()
        file.write_text(json.dumps(keys))
        if said != "Made the next key":
            before = file.read_text()
            assert rotate(tmp_path) == 1
            assert "--restarted" in capsys.readouterr().err
            assert file.read_text() == before
        assert rotate(tmp_path, "--restarted") == 0
        assert said in capsys.readouterr().out
        if len(json.loads(file.read_text())["keys"]) > 1:
            assert rotate(tmp_path) == 1
            assert "Run this again from" in capsys.readouterr().err


def test_a_rotation_waits_for_another_and_writes_for_the_owner_of_the_file(tmp_path: Path) -> None:
    write_keys(tmp_path)
    file, due = tmp_path / TOKEN_KEYS, datetime.now(UTC) + SIGN_FOR
    owner = (file.stat().st_uid, file.stat().st_gid)
    if os.geteuid() == 0:
        owner = (12345, 12346)
        os.chown(file, *owner)
    other = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(other, fcntl.LOCK_EX)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(rotate_token_keys, tmp_path, now=due, restarted=False)
        assert len(TokenKeys.from_json(file.read_text()).keys) == 1
        os.close(other)
        assert waiting.result(timeout=10).step is Step.PUBLISH
    assert (file.stat().st_uid, file.stat().st_gid) == owner


def test_keys_that_cannot_be_read_are_not_rotated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert rotate(tmp_path) == 1
    (tmp_path / TOKEN_KEYS).write_text("secretword")
    assert rotate(tmp_path) == 1
    assert "secretword" not in capsys.readouterr().err
