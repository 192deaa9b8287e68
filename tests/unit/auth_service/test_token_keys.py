"""Keys of access tokens: how they are kept, and how one takes the place of another."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from auth_service.account_errors import NotSignedIn
from auth_service.security.access_tokens import AccessTokens, Bearer
from auth_service.security.token_keys import (
    LONGEST_LIFE,
    PUBLISH_AHEAD,
    PUBLISHED_SECONDS,
    RETIRE_AFTER,
    SIGN_FOR,
    Step,
    TokenKeys,
    rotate,
)
from mail_contract.errors import BadKey

START = datetime(2026, 11, 1, 12, tzinfo=UTC)
A_SECOND = timedelta(seconds=1)


def roles(keys: TokenKeys) -> list[str]:
    return [key.role.value for key in keys.keys]


def after(keys: TokenKeys, at: datetime) -> TokenKeys:
    rotation = rotate(keys, at)
    assert rotation.keys is not None
    return rotation.keys


def test_a_set_is_kept_as_it_is_and_published_without_its_private_parts() -> None:
    keys = after(TokenKeys.new(START), START + SIGN_FOR)
    again = TokenKeys.from_json(keys.to_json())

    assert (roles(again), [key.since for key in again.keys]) == (
        roles(keys),
        [key.since for key in keys.keys],
    )
    assert again.public() == keys.public()
    for published in keys.public()["keys"]:
        assert published.keys() == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    assert "d" in json.loads(keys.to_json())["keys"][0]
    assert '"d"' not in repr(keys)


def test_a_rotation_publishes_signs_and_retires_each_not_too_early() -> None:
    keys = TokenKeys.new(START)
    first, now = keys.current.kid, START
    for step, wait, expected in (
        (Step.PUBLISH, SIGN_FOR, ["current", "next"]),
        (Step.SIGN, PUBLISH_AHEAD, ["current", "retired"]),
        (Step.RETIRE, RETIRE_AFTER, ["current"]),
    ):
        early = rotate(keys, now + wait - A_SECOND)
        assert (early.step, early.due, early.keys) == (step, now + wait, None)
        now += wait
        assert rotate(keys, now).step is step
        keys = after(keys, now)
        assert roles(keys) == expected
    assert keys.current.kid != first
    assert rotate(keys, now).keys is None, "another rotation only when this key has signed for a while"


def test_a_key_is_published_longer_than_copies_are_kept_and_after_it_signed_as_long_as_its_tokens_live() -> (
    None
):
    assert timedelta(seconds=PUBLISHED_SECONDS) < PUBLISH_AHEAD
    assert LONGEST_LIFE < RETIRE_AFTER


def test_tokens_of_the_old_key_are_good_after_the_new_one_signs_and_not_after_it_is_retired() -> None:
    old = TokenKeys.new(START)
    published = after(old, START + SIGN_FOR)
    signing = after(published, START + SIGN_FOR + PUBLISH_AHEAD)
    retired = after(signing, START + SIGN_FOR + PUBLISH_AHEAD + RETIRE_AFTER)
    now = datetime.now(UTC)
    bearer = Bearer(account_id=uuid4(), session_id=uuid4(), client_id="x", amr=("pwd",), auth_time=now)

    def of(keys: TokenKeys) -> AccessTokens:
        return AccessTokens(keys=keys, issuer="https://a", audience="https://a", lifetime=LONGEST_LIFE)

    for keys in (published, signing):
        assert of(keys).decode(of(old).issue(bearer, now=now)).session_id == bearer.session_id
    assert of(published).decode(of(signing).issue(bearer, now=now)).session_id == bearer.session_id
    at = START + SIGN_FOR + PUBLISH_AHEAD + RETIRE_AFTER
    assert signing.still_good(at - A_SECOND) == signing
    assert [key.kid for key in signing.outlived(at)] == [old.current.kid]
    with pytest.raises(NotSignedIn):
        of(signing.still_good(at)).decode(of(old).issue(bearer, now=now))
    assert old.current.kid not in {key.kid for key in retired.keys}


GOOD: dict[str, Any] = json.loads(TokenKeys.new(START).to_json())["keys"][0]


@pytest.mark.parametrize(
    "keys",
    [
        [],
        [GOOD, GOOD],
        [{**GOOD, "role": "next"}],
        [{**GOOD, "role": "boss"}],
        [{**GOOD, "since": "yesterday"}],
        [{**GOOD, "since": "2026-11-01T12:00:00"}],
        [{**GOOD, "crv": "P-384"}],
        [{**GOOD, "d": "AAAA"}],
        [{name: value for name, value in GOOD.items() if name != "d"}],
    ],
)
def test_a_set_that_is_not_one_is_refused_without_being_quoted(keys: list[dict[str, Any]]) -> None:
    with pytest.raises(BadKey) as caught:
        TokenKeys.from_json(json.dumps({"keys": keys}))
    assert GOOD["d"] not in str(caught.value)
    assert GOOD["x"] not in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", "{}", "secretword"])
def test_text_that_holds_no_set_is_refused_too(text: str) -> None:
    with pytest.raises(BadKey):
        TokenKeys.from_json(text)
