"""② Asking for the letter again: a new letter where there is something to verify, a decoy elsewhere."""

from support.auth_api import AuthApi


def test_a_resend_replaces_link_and_code_and_withdraws_the_older_letter(api: AuthApi) -> None:
    first = api.register("linh@example.com")
    old = api.last_letter()
    api.resend("LINH@example.com")
    new = api.last_letter()
    assert new.contents.decoy is False
    assert new.link_token != old.link_token
    assert api.post("/v1/verifications", {"token": old.link_token}).get_json()["code"] == "replaced_link"
    refused = api.post("/v1/verifications", {"email": "linh@example.com", "code": old.code})
    assert refused.status_code == 400
    withdrawn = api.sql("SELECT letter_id::text FROM outbox WHERE kind = 'cancellation'")
    assert withdrawn == [(api.letter_id(first),)]
    assert api.post("/v1/verifications", {"token": new.link_token}).status_code == 200


def test_a_resend_for_an_unknown_address_writes_a_decoy_and_makes_no_account(api: AuthApi) -> None:
    api.resend("nobody@example.com")
    letter = api.last_letter()
    assert letter.contents.decoy is True
    assert api.count("accounts") == 0
    assert api.sql("SELECT account_id, address, voided_at IS NOT NULL FROM one_time_tokens") == [
        (None, "", True)
    ]
    assert api.post("/v1/verifications", {"token": letter.link_token}).status_code == 400


def test_a_resend_for_a_verified_address_writes_a_decoy(api: AuthApi) -> None:
    api.verify("linh@example.com")
    api.resend("linh@example.com")
    assert api.last_letter().contents.decoy is True


def test_a_second_decoy_withdraws_the_first_as_a_letter_would(api: AuthApi) -> None:
    first = api.resend("nobody@example.com")
    api.resend("nobody@example.com")
    withdrawn = api.sql("SELECT letter_id::text FROM outbox WHERE kind = 'cancellation'")
    assert withdrawn == [(api.letter_id(first),)]


def test_a_letter_that_is_no_longer_on_its_way_is_not_withdrawn(api: AuthApi) -> None:
    api.register("linh@example.com")
    api.sql("UPDATE letters SET state = 'sent'")
    api.resend("linh@example.com")
    assert api.sql("SELECT count(*) FROM outbox WHERE kind = 'cancellation'") == [(0,)]


def test_a_dead_letter_is_withdrawn_too_so_that_no_operator_revives_its_void_link(api: AuthApi) -> None:
    receipt = api.register("linh@example.com")
    api.sql("UPDATE letters SET state = 'failed'")
    api.resend("linh@example.com")
    withdrawn = api.sql("SELECT letter_id::text FROM outbox WHERE kind = 'cancellation'")
    assert withdrawn == [(api.letter_id(receipt),)]


def test_twenty_resends_for_an_unknown_address_at_once_all_answer(api: AuthApi) -> None:
    answers = api.at_once([("/v1/registrations/resend", {"email": "nobody@example.com"})] * 20)
    assert {answer.status_code for answer in answers} == {202}
    assert api.sql("SELECT count(*) FROM letters WHERE withdrawn_at IS NULL") == [(1,)]
