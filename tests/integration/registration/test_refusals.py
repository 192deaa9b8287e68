"""② "This wasn't me": what the refusal link of a letter ends, and for how long no more letters come."""

import os
import sys
from pathlib import Path

import pytest

from support import nursery
from support.auth_api import HASH_KEY, PASSWORD, AuthApi

COMMAND = Path(sys.executable).parent / "auth-service"

LINH = "linh@example.com"
REFUSALS, LIFT = "/v1/refusals", "/v1/refusals/lift"


def refuse(api: AuthApi, token: str, path: str = REFUSALS) -> int:
    return api.post(path, {"token": token}).status_code


def test_a_refused_registration_is_over_and_its_letters_on_their_way_are_withdrawn(api: AuthApi) -> None:
    stranger = api.register(LINH)
    letter = api.last_letter()
    answer = api.post(REFUSALS, {"token": letter.refusal_token})
    assert (answer.status_code, answer.data) == (204, b"")
    assert api.sql("SELECT ended_for FROM registrations") == [("refused",)]
    withdrawn = api.sql("SELECT letter_id::text FROM outbox WHERE kind = 'cancellation'")
    assert withdrawn == [(api.letter_id(stranger.receipt),)]
    second = {"registration_secret": stranger.secret}
    link = api.post("/v1/verifications", {"token": letter.link_token, **second})
    assert (link.status_code, link.get_json()["code"]) == (410, "refused_registration")
    code = api.post("/v1/verifications", {"email": LINH, "code": letter.code, **second})
    assert code.status_code == 400
    assert api.count("accounts") == 0


def test_pressed_twice_or_fifty_times_at_once_it_says_the_same(api: AuthApi) -> None:
    api.register(LINH)
    call = (REFUSALS, {"token": api.last_letter().refusal_token})
    assert {answer.status_code for answer in api.insist([call] * 50)} == {204}


@pytest.mark.parametrize("taken", [False, True])
def test_a_mailbox_that_refused_gets_no_letter_and_the_receipts_say_limited(
    api: AuthApi, taken: bool
) -> None:
    if taken:
        api.verify(LINH, "the owner's own password")
    stranger = api.register(LINH)
    refuse(api, api.last_letter().refusal_token)
    before = len(api.letters())
    again = api.register(LINH, "another password of his")
    other_spelling = api.register("LINH@example.com")
    resent = api.resend(stranger.secret)
    opaque = api.resend_to(LINH)
    assert len(api.letters()) == before
    for receipt in (again.receipt, other_spelling.receipt, resent):
        body = api.receipt(receipt)
        assert (body["state"], body["final"], len(body["timeline"])) == ("limited", True, 1)
    assert api.receipt(opaque)["state"] == "accepted"
    assert api.sql("SELECT count(*) FROM one_time_tokens WHERE voided_at IS NULL AND used_at IS NULL") == [
        (0 if taken else 1,)
    ], "nobody is told the code of a letter that is not sent, so none may be hit by a guess"


def test_thirty_days_later_letters_are_sent_again(api: AuthApi) -> None:
    api.register(LINH)
    refuse(api, api.last_letter().refusal_token)
    assert api.sql("SELECT until - refused_at = interval '30 days' FROM refused_mailboxes") == [(True,)]
    api.sql("UPDATE refused_mailboxes SET until = now()")
    assert api.receipt(api.register(LINH, "her own password now").receipt)["state"] == "accepted"


@pytest.mark.parametrize("taken", [False, True])
def test_she_may_lift_it_from_the_same_page_and_the_refused_registration_stays_over(
    api: AuthApi, taken: bool
) -> None:
    if taken:
        api.verify(LINH, "the owner's own password")
    stranger = api.register(LINH)
    token = api.last_letter().refusal_token
    refuse(api, token)
    assert refuse(api, token, LIFT) == 204
    assert refuse(api, token, LIFT) == 204
    assert api.receipt(api.register(LINH, "her own password now").receipt)["state"] == "accepted"
    assert api.receipt(api.resend(stranger.secret))["state"] == "limited", "taken or not"


def test_who_refused_by_mistake_lifts_it_and_registers_again_at_once_gets_a_letter(api: AuthApi) -> None:
    first = api.register(LINH)
    token = api.last_letter().refusal_token
    refuse(api, token)
    refuse(api, token, LIFT)
    before = len(api.letters())
    again = api.register(LINH)
    assert again.receipt != first.receipt
    assert len(api.letters()) == before + 1


def test_an_operator_may_lift_it(api: AuthApi) -> None:
    api.register(LINH)
    refuse(api, api.last_letter().refusal_token)
    environment = {
        "PATH": os.environ["PATH"],
        "AUTH_DATABASE_URL": api.database_url,
        "AUTH_HASH_KEY": HASH_KEY,
        "POSTERN_ACTOR": "bao",
    }
    said = []
    for address in ("LINH@example.com", LINH, "not an address"):
        done = nursery.run([COMMAND, "refusals", "lift", address], environment=environment)
        said.append((done.returncode, bool(done.stdout), bool(done.stderr)))
        assert "@" not in done.stdout + done.stderr.replace("name@example.com", "")
    assert [code for code, _, _ in said] == [0, 1, 1]
    assert api.count("refused_mailboxes") == 0
    assert api.sql("SELECT count(*) FROM audit_events WHERE action = 'refusal_lift'") == [(1,)]


def test_every_letter_of_a_registration_carries_the_same_refusal_link(api: AuthApi) -> None:
    registered = api.register(LINH)
    api.resend(registered.secret)
    api.resend_to(LINH)
    assert len({letter.refusal_token for letter in api.letters()}) == 1


def test_refusing_one_registration_leaves_her_own_alone(api: AuthApi) -> None:
    api.register(LINH, "the stranger's password")
    refusal = api.last_letter().refusal_token
    hers = api.register(LINH)
    letter = api.last_letter()
    refuse(api, refusal)
    proof = {"token": letter.link_token, "registration_secret": hers.secret}
    assert api.post("/v1/verifications", proof).status_code == 200


def test_an_account_is_not_refused_away(api: AuthApi) -> None:
    api.verify(LINH)
    assert refuse(api, api.last_letter().refusal_token) == 204
    assert api.count("accounts") == 1
    assert api.sql("SELECT ended_for FROM registrations") == [("confirmed",)]


@pytest.mark.parametrize("path", [REFUSALS, LIFT])
def test_an_unknown_refusal_token_is_a_bad_request(api: AuthApi, path: str) -> None:
    registered = api.register(LINH)
    for token in ("x" * 43, registered.secret, registered.receipt, api.last_letter().link_token):
        answer = api.post(path, {"token": token})
        assert (answer.status_code, answer.get_json()["code"]) == (400, "unknown_link")


def test_a_refusal_and_a_confirmation_at_once_leave_either_an_account_or_a_refused_registration(
    api: AuthApi,
) -> None:
    for n in range(10):
        registered = api.register(f"linh.{n}@example.com", PASSWORD)
        letter = api.last_letter()
        proof = {"token": letter.link_token, "registration_secret": registered.secret}
        refusal = (REFUSALS, {"token": letter.refusal_token})
        answers = api.insist([("/v1/verifications", proof), refusal])
        assert answers[1].status_code == 204
        confirmed = answers[0].status_code == 200
        ((ended_for,),) = api.sql(
            "SELECT ended_for FROM registrations WHERE email = %s", f"linh.{n}@example.com"
        )
        assert ended_for == ("confirmed" if confirmed else "refused")
