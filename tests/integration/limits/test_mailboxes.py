"""Whatever strangers ask for, a mailbox gets no more letters than its limit says, and nobody learns anything."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from werkzeug.test import TestResponse

from support.auth_api import PASSWORD, AuthApi
from support.limited_api import later, registration

MakeApi = Callable[..., AuthApi]
MAILBOX = "1/minute 5/hour 10/day"
MINUTE = timedelta(minutes=1)
PATH = "/v1/registrations"

VARIANTS = [
    *(f"linhtran+{tag}@example.com" for tag in "abcdefgh"),
    *(f"{name[:n]}.{name[n:]}@example.com" for name in ("linhtran",) for n in range(1, 8)),
    "LinhTran@example.com",
    "l.i.n.h.t.r.a.n@example.com",
    "linh.tran+news.letter@example.com",
    "LINHTRAN+X@EXAMPLE.COM",
    "linhtran+a+b@example.com",
    "linhtran@example.com",
    "lin.ht.ran@example.com",
]


@pytest.fixture
def api(make_api: MakeApi) -> AuthApi:
    return make_api(limit_mailbox=MAILBOX)


def letters(api: AuthApi) -> int:
    return int(api.sql("SELECT count(*) FROM outbox WHERE kind = 'letter'")[0][0])


def test_all_spellings_with_dots_and_tags_together_get_one_letter_a_minute_and_five_an_hour(
    api: AuthApi,
) -> None:
    assert len(set(VARIANTS)) == 22
    for minute in range(1, 8):
        answers = [api.post(PATH, registration(spelling)) for spelling in VARIANTS[minute - 1 :: 7]]
        assert {answer.status_code for answer in answers} == {202}
        assert letters(api) == min(minute, 5)
        later(api, MINUTE)


def burst(api: AuthApi, email: str, requests: int = 50) -> list[TestResponse]:
    """Registrations at once; back come the accepted ones, for a busy machine tells some to come back."""
    answers = api.at_once([(PATH, registration(email)) for _ in range(requests)])
    assert {answer.status_code for answer in answers} <= {202, 503}
    return [answer for answer in answers if answer.status_code == 202]


def test_a_burst_for_one_mailbox_is_one_letter_and_everybody_is_answered_alike(api: AuthApi) -> None:
    answers = burst(api, "linh@example.com")

    assert len({len(answer.data) for answer in answers}) == 1
    assert all(55 <= answer.get_json()["resend_after"] <= 60 for answer in answers)
    assert letters(api) == 1
    states = [api.receipt(answer.get_json()["receipt"])["state"] for answer in answers]
    assert sorted(states) == ["accepted"] + ["limited"] * (len(answers) - 1)


def test_the_owner_of_a_taken_address_is_told_at_most_once_a_minute(api: AuthApi) -> None:
    api.verify("linh@example.com")
    later(api, MINUTE)
    before = letters(api)
    assert burst(api, "linh@example.com")
    assert burst(api, "linh@example.com")
    assert letters(api) == before + 1
    assert api.last_letter().envelope.header.letter == "account_exists"


def test_registrations_and_both_ways_to_ask_again_are_counted_together(api: AuthApi) -> None:
    registered = api.register("linh@example.com")
    api.resend(registered.secret)
    api.resend_to("linh@example.com")
    assert letters(api) == 1
    later(api, MINUTE)
    api.resend_to("l.inh@example.com")
    api.resend(registered.secret)
    assert letters(api) == 2


def test_over_the_limit_known_unconfirmed_and_unknown_mailboxes_are_answered_alike(api: AuthApi) -> None:
    api.verify("known@example.com")
    later(api, MINUTE)
    people = ["known@example.com", "unconfirmed@example.com", "unknown@example.com"]
    api.register(people[1])
    first = [api.post("/v1/registrations/resend", {"email": email}) for email in people]
    over = [api.post("/v1/registrations/resend", {"email": email}) for email in people]
    registrations = [api.post(PATH, registration(email)) for email in people]
    for answers in (first, over, registrations):
        assert {answer.status_code for answer in answers} == {202}
        assert len({len(answer.data) for answer in answers}) == 1
        assert len({tuple(sorted(answer.headers.keys())) for answer in answers}) == 1
    told = [api.receipt(answer.get_json()["receipt"])["state"] for answer in registrations]
    assert told == ["limited"] * 3
    silent = [api.receipt(answer.get_json()["receipt"]) for answer in (*first, *over)]
    assert {(receipt["state"], receipt["final"]) for receipt in silent} == {("accepted", True)}


def test_whoever_knows_only_the_address_uses_up_half_of_its_letters_at_most(make_api: MakeApi) -> None:
    api = make_api(limit_mailbox="4/hour 10/day")
    for _ in range(10):
        api.resend_to("linh@example.com")
    assert letters(api) == 2  # decoys
    first, second, third = (
        api.register("linh@example.com", f"{PASSWORD}, the {n}.").receipt for n in range(3)
    )
    states = [api.receipt(receipt)["state"] for receipt in (first, second, third)]
    assert states == ["accepted", "accepted", "limited"]


def test_nobody_is_locked_out_by_somebody_who_goes_on_asking(api: AuthApi) -> None:
    api.register("linh@example.com")
    later(api, MINUTE / 2)
    api.at_once([(PATH, registration("linh@example.com")) for _ in range(10)])
    later(api, MINUTE / 2)
    receipt = api.register("linh@example.com", f"{PASSWORD}, and another").receipt
    assert api.receipt(receipt)["state"] == "accepted"


def test_a_double_click_is_the_same_registration_though_its_second_request_is_over_the_limit(
    api: AuthApi,
) -> None:
    once = api.register("linh@example.com")
    assert api.register("linh@example.com") == once
    assert api.receipt(once.receipt)["state"] == "accepted"
