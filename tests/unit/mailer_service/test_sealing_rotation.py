"""One sealing key takes the place of another: every letter on its way can be opened, and afterwards none of the old ones."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mail_contract.errors import BadKey, UnknownKey
from mail_contract.keys import (
    PublicSealingKeys,
    SealingKeys,
    SigningKey,
    VerifyingKeys,
    generate_signing_keys,
)
from mail_contract.letters import LETTERS
from mail_contract.messages import Contents, Envelope
from mail_contract.sealing import Opener, Sealer
from mailer_service.cli.keys import PRIVATE, PUBLIC, run
from mailer_service.cli.sealing_keys import RETIRE_AFTER, NotRestarted, Step, rotate_sealing_keys
from support.outgoing import header

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SIGNING = generate_signing_keys()
CONTENTS = Contents(recipient="linh@example.com", context={})


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    run(tmp_path)
    return tmp_path


def seal(directory: Path) -> Envelope:
    public = PublicSealingKeys.from_json((directory / PUBLIC).read_text())
    return Sealer(sealing_keys=public, signing_key=SigningKey.from_json(SIGNING[0])).seal(header(), CONTENTS)


def opens(directory: Path, envelope: Envelope) -> bool:
    keys = SealingKeys.from_json((directory / PRIVATE).read_text())
    try:
        Opener(sealing_keys=keys, verifying_keys=VerifyingKeys.from_json(SIGNING[1])).open(envelope)
    except UnknownKey:
        return False
    return True


def step(directory: Path, at: datetime, *, restarted: bool = True) -> Step | None:
    rotation = rotate_sealing_keys(directory, now=at, restarted=restarted)
    return rotation.step if rotation.done else None


def test_every_letter_opens_until_it_is_over_and_none_afterwards(directory: Path) -> None:
    before = seal(directory)
    assert step(directory, NOW, restarted=False) is Step.MAKE
    meanwhile = seal(directory)
    assert meanwhile.sealing_key_id == before.sealing_key_id
    assert step(directory, NOW) is Step.USE
    after = seal(directory)
    assert after.sealing_key_id != before.sealing_key_id
    assert all(opens(directory, envelope) for envelope in (before, meanwhile, after))
    assert step(directory, NOW + RETIRE_AFTER - timedelta(seconds=1)) is None
    assert opens(directory, before)
    assert step(directory, NOW + RETIRE_AFTER) is Step.RETIRE
    assert [opens(directory, envelope) for envelope in (before, meanwhile, after)] == [False, False, True]
    assert max(definition.lifetime for definition in LETTERS.values()) < RETIRE_AFTER


def test_another_rotation_begins_where_one_ended(directory: Path) -> None:
    for at in (NOW, NOW, NOW + RETIRE_AFTER):
        assert step(directory, at) is not None
    assert step(directory, NOW + RETIRE_AFTER) is Step.MAKE


@pytest.mark.parametrize("steps", [1, 2])
def test_nothing_changes_while_somebody_may_run_with_the_older_files(directory: Path, steps: int) -> None:
    for _ in range(steps):
        step(directory, NOW)
    before = {name: (directory / name).read_text() for name in (PRIVATE, PUBLIC)}
    with pytest.raises(NotRestarted):
        step(directory, NOW + RETIRE_AFTER, restarted=False)
    assert {name: (directory / name).read_text() for name in (PRIVATE, PUBLIC)} == before


def test_the_files_stay_their_owner_s_alone(directory: Path) -> None:
    step(directory, NOW)
    assert (directory / PRIVATE).stat().st_mode & 0o777 == 0o600
    assert {path.name for path in directory.iterdir()} == {PRIVATE, PUBLIC, "mailer-hash.key"}


@pytest.mark.parametrize("text", ["", "{}", '{"keys": []}', '{"keys": [7]}', '{"keys": [{"role": "x"}]}'])
def test_what_is_no_set_of_keys_is_not_touched(directory: Path, text: str) -> None:
    (directory / PRIVATE).write_text(text)
    with pytest.raises(BadKey):
        step(directory, NOW)
    assert (directory / PRIVATE).read_text() == text
    assert json.loads((directory / PUBLIC).read_text())["keys"]
