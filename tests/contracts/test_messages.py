"""The wire format: what was sent once must still be readable, and nothing else is."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from mail_contract.letters import LETTERS, LetterDefinition, LetterName, definition_of
from mail_contract.messages import Cancellation, DeliveryReport, Envelope, Message

EXAMPLES = Path(__file__).with_name("messages")
KINDS: dict[str, type[Message]] = {
    "envelope": Envelope,
    "delivery_report": DeliveryReport,
    "cancellation": Cancellation,
}


@pytest.mark.parametrize("name", KINDS)
def test_a_message_recorded_in_version_1_reads_and_writes_the_same(name: str) -> None:
    recorded = json.loads((EXAMPLES / f"{name}.v1.json").read_text())
    assert KINDS[name].model_validate(recorded).model_dump(mode="json") == recorded


@pytest.mark.parametrize("name", KINDS)
def test_an_unknown_field_is_refused(name: str) -> None:
    recorded = json.loads((EXAMPLES / f"{name}.v1.json").read_text())
    with pytest.raises(ValidationError):
        KINDS[name].model_validate({**recorded, "extra": 1})


@pytest.mark.parametrize("name", ["delivery_report", "cancellation"])
def test_an_unknown_version_is_refused(name: str) -> None:
    recorded = json.loads((EXAMPLES / f"{name}.v1.json").read_text())
    with pytest.raises(ValidationError):
        KINDS[name].model_validate({**recorded, "version": 2})


def test_an_envelope_of_an_unknown_version_is_refused() -> None:
    recorded = json.loads((EXAMPLES / "envelope.v1.json").read_text())
    recorded["header"]["version"] = 2
    with pytest.raises(ValidationError):
        Envelope.model_validate(recorded)


def test_a_reason_never_carries_free_text() -> None:
    recorded = json.loads((EXAMPLES / "delivery_report.v1.json").read_text())
    with pytest.raises(ValidationError):
        DeliveryReport.model_validate({**recorded, "reason": "mailbox of ann@example.com is full"})


def test_every_letter_has_one_definition_and_one_context() -> None:
    assert set(LETTERS) == set(LetterName)
    assert len({definition.context for definition in LETTERS.values()}) == len(LETTERS)


@pytest.mark.parametrize("definition", LETTERS.values(), ids=str)
def test_a_definition_is_sound(definition: LetterDefinition) -> None:
    assert 0 <= definition.priority <= 9
    assert definition.lifetime.total_seconds() > 0
    assert definition_of(definition.context.model_construct()) is definition
