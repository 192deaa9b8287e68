"""② Asking for the letter again: by the registration's secret, or by an address, which anybody may name."""

import pytest

from mail_contract.letters import LetterName
from support.auth_api import AuthApi

LINH = "linh@example.com"
RESEND = "/v1/registrations/resend"


def verify(api: AuthApi, token: str, secret: str) -> int:
    body = {"token": token, "registration_secret": secret}
    return api.post("/v1/verifications", body).status_code


def test_a_resend_by_secret_replaces_link_and_code_and_withdraws_the_older_letter(api: AuthApi) -> None:
    registered = api.register(LINH)
    old = api.last_letter()
    api.resend(registered.secret)
    new = api.last_letter()
    assert new.contents.decoy is False
    assert new.link_token != old.link_token
    assert new.refusal_token == old.refusal_token
    assert api.post("/v1/verifications", {"token": old.link_token}).get_json()["code"] == "replaced_link"
    refused = api.post("/v1/verifications", {"email": LINH, "code": old.code})
    assert refused.status_code == 400
    withdrawn = api.sql("SELECT letter_id::text FROM outbox WHERE kind = 'cancellation'")
    assert withdrawn == [(api.letter_id(registered.receipt),)]
    assert verify(api, new.link_token, registered.secret) == 200


def test_a_resend_touches_no_other_registration_of_the_address(api: AuthApi) -> None:
    hers = api.register(LINH, "the owner's own password")
    letter = api.last_letter()
    stranger = api.register(LINH, "the stranger's password")
    api.resend(stranger.secret)
    assert verify(api, letter.link_token, hers.secret) == 200


def test_a_resend_by_address_voids_and_withdraws_nothing(api: AuthApi) -> None:
    registered = api.register(LINH)
    old = api.last_letter()
    api.resend_to("LINH@example.com")
    new = api.last_letter()
    assert (new.contents.decoy, new.contents.recipient) == (False, LINH)
    assert api.sql("SELECT count(*) FROM outbox WHERE kind = 'cancellation'") == [(0,)]
    assert api.sql("SELECT count(*) FROM one_time_tokens WHERE voided_at IS NULL") == [(2,)]
    assert verify(api, old.link_token, registered.secret) == 200


def test_a_resend_by_address_is_of_the_newest_registration_of_that_spelling(api: AuthApi) -> None:
    api.register(LINH)
    api.register("LINH@example.com")
    api.resend_to(LINH)
    assert api.last_letter().contents.recipient == LINH
    api.resend_to("Linh@example.com")
    assert api.last_letter().contents.recipient == "LINH@example.com"


@pytest.mark.parametrize("verified", [False, True])
def test_a_resend_by_address_with_nothing_to_confirm_writes_a_decoy(api: AuthApi, verified: bool) -> None:
    if verified:
        api.verify(LINH)
    api.resend_to(LINH)
    letter = api.last_letter()
    assert letter.contents.decoy is True
    assert api.sql("SELECT count(*) FROM one_time_tokens WHERE registration_id IS NULL") == [(1,)]
    assert api.post("/v1/verifications", {"token": letter.link_token}).status_code == 400


def test_a_resend_by_secret_sends_a_real_letter_whatever_became_of_the_address(api: AuthApi) -> None:
    stranger = api.register(LINH, "the stranger's password")
    hers = api.verify(LINH)
    taken = api.register(LINH, "another stranger's password")
    for registered in (stranger, hers, taken):
        receipt = api.resend(registered.secret)
        letter = api.last_letter()
        assert (letter.contents.decoy, letter.contents.recipient) == (False, LINH)
        assert letter.envelope.header.letter is LetterName.ACCOUNT_EXISTS
        assert api.sql("SELECT receipt_tells FROM letters WHERE id = %s", api.letter_id(receipt)) == [(True,)]


def test_an_unknown_secret_is_refused(api: AuthApi) -> None:
    answer = api.post(RESEND, {"registration_secret": "x" * 43})
    assert (answer.status_code, answer.get_json()["code"]) == (400, "unknown_registration")


def test_a_letter_that_is_no_longer_on_its_way_is_not_withdrawn(api: AuthApi) -> None:
    registered = api.register(LINH)
    api.sql("UPDATE letters SET state = 'sent'")
    api.resend(registered.secret)
    assert api.sql("SELECT count(*) FROM outbox WHERE kind = 'cancellation'") == [(0,)]


@pytest.mark.parametrize("state", ["failed", "unconfirmed"])
def test_a_dead_letter_is_withdrawn_too_so_that_no_operator_revives_its_void_link(
    api: AuthApi, state: str
) -> None:
    registered = api.register(LINH)
    api.sql("UPDATE letters SET state = %s", state)
    api.resend(registered.secret)
    withdrawn = api.sql("SELECT letter_id::text FROM outbox WHERE kind = 'cancellation'")
    assert withdrawn == [(api.letter_id(registered.receipt),)]


def test_twenty_resends_at_once_all_answer(api: AuthApi) -> None:
    registered = api.register(LINH)
    unknown = [(RESEND, {"email": "nobody@example.com"})] * 20
    known = [(RESEND, {"registration_secret": registered.secret})] * 20
    answers = api.insist([*unknown, *known])
    assert {answer.status_code for answer in answers} == {202}
    assert api.sql(
        "SELECT count(*) FROM letters WHERE withdrawn_at IS NULL AND registration_id IS NOT NULL"
    ) == [(1,)]
