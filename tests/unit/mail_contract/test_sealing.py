"""Sealing: what is sealed opens only whole, under its own header, with the right keys."""

import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail_contract import keys
from mail_contract.errors import BadKey, BadSignature, BrokenSeal, UnknownKey
from mail_contract.letters import LetterClass, LetterName
from mail_contract.messages import Contents, Envelope, EnvelopeHeader
from mail_contract.sealing import PADDING_STEP, Opener, Sealer

SEALING_PRIVATE, SEALING_PUBLIC = keys.generate_sealing_keys()
SIGNING_PRIVATE, SIGNING_PUBLIC = keys.generate_signing_keys()


def sealer(*, sealing: str = SEALING_PUBLIC, signing: str = SIGNING_PRIVATE) -> Sealer:
    return Sealer(
        sealing_keys=keys.PublicSealingKeys.from_json(sealing), signing_key=keys.SigningKey.from_json(signing)
    )


def opener(*, sealing: str = SEALING_PRIVATE, verifying: str = SIGNING_PUBLIC) -> Opener:
    return Opener(
        sealing_keys=keys.SealingKeys.from_json(sealing),
        verifying_keys=keys.VerifyingKeys.from_json(verifying),
    )


def header(**changes: object) -> EnvelopeHeader:
    now = datetime.now(UTC)
    fields: dict[str, object] = {
        "id": uuid4(),
        "letter": LetterName.VERIFY_ADDRESS,
        "letter_class": LetterClass.URGENT,
        "priority": 6,
        "created_at": now,
        "expires_at": now + timedelta(hours=1),
        "locale": "vi-VN",
        "recipient_tag": "tag",
    }
    return EnvelopeHeader.model_validate(fields | changes)


def contents(recipient: str = "nguyễn@example.com") -> Contents:
    return Contents(
        recipient=recipient, context={"link": "https://app.example/verify#token=s3cret", "code": "12345678"}
    )


def merged(first: str, second: str) -> str:
    return json.dumps({"keys": json.loads(first)["keys"] + json.loads(second)["keys"]})


def over_the_wire(envelope: Envelope) -> Envelope:
    return Envelope.model_validate_json(envelope.model_dump_json())


@given(st.emails(), st.dictionaries(st.text(max_size=20), st.text(max_size=200), max_size=5))
def test_whatever_is_sealed_opens_to_the_same(recipient: str, context: dict[str, str]) -> None:
    original = Contents(recipient=recipient, context=context)
    assert opener().open(over_the_wire(sealer().seal(header(), original))) == original


def test_an_envelope_shows_neither_address_nor_link_nor_code() -> None:
    wire = sealer().seal(header(), contents()).model_dump_json()
    for secret in ("nguy", "example.com", "s3cret", "12345678"):
        assert secret not in wire


def test_lengths_tell_nothing_about_the_address() -> None:
    short = sealer().seal(header(), contents("a@b.example"))
    long = sealer().seal(header(), contents("a-much-longer-address-than-the-other@subdomain.example"))
    assert len(short.sealed) == len(long.sealed)
    assert len(keys.decode(short.sealed)) % PADDING_STEP < 64


@pytest.mark.parametrize("field", ["priority", "locale", "letter_class", "expires_at", "recipient_tag", "id"])
def test_a_changed_header_is_noticed(field: str) -> None:
    envelope = sealer().seal(header(), contents())
    changes: dict[str, object] = {
        "priority": 9,
        "locale": "en",
        "letter_class": LetterClass.BULK,
        "expires_at": datetime.now(UTC) + timedelta(days=9),
        "recipient_tag": "other",
        "id": uuid4(),
    }
    forged = envelope.model_copy(
        update={
            "header": EnvelopeHeader.model_validate(envelope.header.model_dump() | {field: changes[field]})
        }
    )
    with pytest.raises(BadSignature):
        opener().open(forged)


def test_a_ciphertext_cannot_be_signed_by_somebody_else() -> None:
    stranger, _ = keys.generate_signing_keys()
    jwk = json.loads(stranger)
    jwk["keys"][0]["kid"] = json.loads(SIGNING_PUBLIC)["keys"][0]["kid"]
    with pytest.raises(BadSignature):
        opener().open(sealer(signing=json.dumps(jwk)).seal(header(), contents()))


def test_an_envelope_under_a_key_nobody_holds_is_named_so() -> None:
    _, other_public = keys.generate_sealing_keys()
    with pytest.raises(UnknownKey):
        opener().open(sealer(sealing=other_public).seal(header(), contents()))
    other_private, _ = keys.generate_signing_keys()
    with pytest.raises(UnknownKey):
        opener().open(sealer(signing=other_private).seal(header(), contents()))


def test_a_seal_of_another_key_with_the_same_id_is_broken() -> None:
    _, other = keys.generate_sealing_keys()
    jwk = json.loads(other)
    jwk["keys"][0]["kid"] = json.loads(SEALING_PUBLIC)["keys"][0]["kid"]
    with pytest.raises(BrokenSeal):
        opener().open(sealer(sealing=json.dumps(jwk)).seal(header(), contents()))


@pytest.mark.parametrize("garbage", ["", "!", "ééé", "AAAA"])
def test_garbage_is_refused_without_being_quoted(garbage: str) -> None:
    envelope = sealer().seal(header(), contents()).model_copy(update={"signature": garbage})
    with pytest.raises(BadSignature) as caught:
        opener().open(envelope)
    assert not garbage or garbage not in str(caught.value)


def test_two_keys_live_while_one_replaces_the_other() -> None:
    new_private, new_public = keys.generate_sealing_keys()
    old = sealer().seal(header(), contents())
    new = sealer(sealing=merged(new_public, SEALING_PUBLIC)).seal(header(), contents())
    both = opener(sealing=merged(new_private, SEALING_PRIVATE))
    assert old.sealing_key_id != new.sealing_key_id
    assert both.open(old) == both.open(new) == contents()


@pytest.mark.parametrize(
    "text",
    ["", "{}", '{"keys": []}', '{"keys": [{"kid": "a"}]}', pytest.param(SIGNING_PUBLIC, id="of signing")],
)
def test_a_key_file_that_holds_something_else_is_refused_by_name(text: str) -> None:
    with pytest.raises(BadKey):
        keys.SealingKeys.from_json(text)
