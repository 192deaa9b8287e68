"""Signed letters from a worker that was given keys, as they lie in the mailbox."""

import json
from pathlib import Path

from pydantic import SecretStr

from dev_inbox.script import Action, Phase, Rule
from mailer_service.cli import keys
from mailer_service.cli.keys import make_dkim_keys
from mailer_service.letter_settings import DkimSettings
from support.dkim import opendkim_says
from support.eventually import eventually
from support.mailroom import Mailroom

AN = "an@example.org"


def test_a_letter_sent_twice_is_the_same_to_the_byte_and_verifies_by_the_printed_records(
    room: Mailroom, tmp_path: Path
) -> None:
    (key_file,) = make_dkim_keys(tmp_path)
    room.shorten_the_waits()
    room.inbox.play(Rule(phase=Phase.DOT, action=Action.RESET, store=True, times=1))
    room.start(MAILER_DKIM_KEYS_FILE=str(key_file))
    letter_id = room.post(room.seal(AN, locale="vi"))
    eventually(lambda: room.told(letter_id)[-1:] == ["sent"], within=20)

    first, second = (message.raw for message in room.inbox.messages(to=AN))
    assert first == second
    assert first.count(b"DKIM-Signature: ") == 2
    settings = DkimSettings(
        sender="no-reply@postern.example", dkim_keys=SecretStr(key_file.read_text(encoding="utf-8"))
    )
    published = {record["name"]: record["text"] for record in json.loads(keys.dkim_records_as_json(settings))}
    assert opendkim_says([first], published) == [""]
