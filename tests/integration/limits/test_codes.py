"""Codes cannot be guessed: twenty wrong ones a mailbox and day, however often a new code is asked for."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from werkzeug.test import TestResponse

from support.auth_api import AuthApi
from support.limited_api import later

MakeApi = Callable[..., AuthApi]
EMAIL = "linh@example.com"


@pytest.fixture
def api(make_api: MakeApi) -> AuthApi:
    return make_api(limit_codes="20/day")


def try_code(api: AuthApi, code: str, *, secret: str, email: str = EMAIL) -> TestResponse:
    return api.post("/v1/verifications", {"email": email, "code": code, "registration_secret": secret})


def another(code: str) -> str:
    return f"{(int(code) + 1) % 10**8:08d}"


def test_twenty_wrong_codes_over_any_number_of_resends_then_none_is_right_and_the_link_still_is(
    api: AuthApi,
) -> None:
    secret = api.register(EMAIL).secret
    for number in range(20):
        if number % 4 == 0:
            api.resend(secret)
        assert try_code(api, another(api.last_letter().code), secret=secret).status_code == 400
    api.resend(secret)
    letter = api.last_letter()
    refused, wrong = (try_code(api, code, secret=secret) for code in (letter.code, another(letter.code)))
    assert refused.status_code == wrong.status_code == 400
    same = ("type", "title", "status", "code")
    assert [refused.get_json()[name] for name in same] == [wrong.get_json()[name] for name in same]
    by_link = api.post("/v1/verifications", {"token": letter.link_token, "registration_secret": secret})
    assert by_link.status_code == 200


def test_fifty_wrong_codes_at_once_are_counted_as_twenty(api: AuthApi) -> None:
    secret = api.register(EMAIL).secret
    code = another(api.last_letter().code)
    body = {"email": EMAIL, "code": code, "registration_secret": secret}
    answers = api.at_once([("/v1/verifications", body)] * 50)
    # They wait for one another; a busy machine sends the last ones away.
    assert {400} <= {answer.status_code for answer in answers} <= {400, 503}
    assert api.sql("SELECT cardinality(admitted) FROM limits") == [(20,)]


def test_a_day_later_codes_are_looked_at_again(api: AuthApi) -> None:
    secret = api.register(EMAIL).secret
    for _ in range(25):
        try_code(api, "00000000", secret=secret)
    api.resend(secret)
    assert try_code(api, api.last_letter().code, secret=secret).status_code == 400
    later(api, timedelta(days=1))
    assert try_code(api, api.last_letter().code, secret=secret).status_code == 200


def test_a_right_code_that_is_tried_with_the_secrets_of_others_is_not_counted(api: AuthApi) -> None:
    secret = api.register(EMAIL).secret
    code = api.last_letter().code
    for number in range(25):
        assert try_code(api, code, secret=f"{number:043d}").status_code == 409
    assert api.sql("SELECT cardinality(admitted) FROM limits") in ([], [(0,)])
    for number in range(20):
        assert try_code(api, another(code), secret=f"{number:043d}").status_code == 400
    # Over the limit a right code is told by nothing, whatever comes with it.
    for other in (secret, "x" * 43):
        assert try_code(api, code, secret=other).status_code == 400


def test_right_codes_are_not_counted_and_unknown_mailboxes_are(api: AuthApi) -> None:
    secret = api.register(EMAIL).secret
    assert try_code(api, api.last_letter().code, secret=secret).status_code == 200
    assert api.sql("SELECT cardinality(admitted) FROM limits") == [(0,)]
    for _ in range(3):
        assert try_code(api, "00000000", secret=secret, email="nobody@example.com").status_code == 400
    assert sorted(api.sql("SELECT cardinality(admitted) FROM limits")) == [(0,), (3,)]
