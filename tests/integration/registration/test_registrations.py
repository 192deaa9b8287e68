"""② Registering: account and letter together, a taken address answers alike, any number at once."""

import pytest

from mail_contract.letters import LetterName
from support.auth_api import PASSWORD, PUBLIC_URL, AuthApi


def test_a_registration_commits_account_token_letter_event_and_outbox_row_together(api: AuthApi) -> None:
    receipt = api.register("Linh@Example.com", locale="vi")
    assert len(receipt) == 43
    assert api.sql("SELECT email, canonical_email, locale, generation, verified_at FROM accounts") == [
        ("Linh@Example.com", "linh@example.com", "vi", 1, None)
    ]
    assert api.sql(
        "SELECT purpose, address, generation, code_tries, used_at, voided_at FROM one_time_tokens"
    ) == [("verify_address", "linh@example.com", 1, 0, None, None)]
    assert api.sql("SELECT letter, letter_class, state FROM letters") == [
        ("verify_address", "urgent", "accepted")
    ]
    assert api.sql("SELECT state FROM letter_events") == [("accepted",)]
    assert api.sql("SELECT kind, rank, attempts FROM outbox") == [("letter", 1, 0)]


def test_the_letter_goes_to_what_was_typed_with_a_link_to_the_configured_address(api: AuthApi) -> None:
    api.post(
        "/v1/registrations",
        {"email": "Linh@Example.com", "password": PASSWORD, "locale": "vi"},
        Host="evil.example",
        X_Forwarded_Host="evil.example",
    )
    letter = api.last_letter()
    assert letter.contents.recipient == "Linh@Example.com"
    assert letter.contents.context["link"].startswith(f"{PUBLIC_URL}/verify#token=")
    assert letter.contents.decoy is False
    assert letter.envelope.header.locale == "vi"
    assert (
        letter.envelope.header.expires_at - letter.envelope.header.created_at
    ).total_seconds() == 24 * 3600


def test_the_password_is_kept_as_argon2id_with_the_documented_cost(api: AuthApi) -> None:
    api.register("linh@example.com")
    (password_hash,) = api.sql("SELECT password_hash FROM accounts")[0]
    assert password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_nothing_in_the_tables_shows_link_code_receipt_or_password(api: AuthApi) -> None:
    receipt = api.register("linh@example.com")
    letter = api.last_letter()
    tables = ("accounts", "one_time_tokens", "letters", "letter_events", "outbox")
    everything = "".join(str(api.sql(f"SELECT row_to_json(t)::text FROM {table} t")) for table in tables)
    for secret in (receipt, letter.link_token, letter.code, PASSWORD):
        assert secret not in everything
    assert "linh@example.com" not in str(api.sql("SELECT row_to_json(t)::text FROM outbox t"))


def test_registering_an_unverified_address_again_replaces_password_token_and_letter(api: AuthApi) -> None:
    first = api.register("linh@example.com", "the first password given")
    before = api.sql("SELECT id, password_hash FROM accounts")[0]
    old = api.last_letter()
    api.register("LINH@example.com", "the second password given", locale="vi")
    after = api.sql("SELECT id, password_hash FROM accounts")[0]
    assert after[0] == before[0]
    assert after[1] != before[1]
    assert api.sql("SELECT email, locale, generation FROM accounts") == [("LINH@example.com", "vi", 2)]
    assert api.sql("SELECT generation, voided_at IS NULL FROM one_time_tokens ORDER BY generation") == [
        (1, False),
        (2, True),
    ]
    cancelled = api.sql("SELECT letter_id::text, rank FROM outbox WHERE kind = 'cancellation'")
    assert cancelled == [(api.letter_id(first), 0)]
    assert api.post("/v1/verifications", {"token": old.link_token}).status_code == 410


def test_the_owner_of_a_verified_address_is_told_and_the_account_stays_as_it_is(api: AuthApi) -> None:
    api.verify("Linh@example.com")
    before = api.sql("SELECT * FROM accounts")
    api.register("linh@EXAMPLE.com", "somebody else's password")
    assert api.sql("SELECT * FROM accounts") == before
    letter = api.last_letter()
    assert letter.envelope.header.letter is LetterName.ACCOUNT_EXISTS
    assert letter.contents.recipient == "Linh@example.com"
    assert letter.contents.context == {"home": PUBLIC_URL}
    assert api.sql("SELECT count(*) FROM one_time_tokens WHERE used_at IS NULL AND voided_at IS NULL") == [
        (0,)
    ]


def test_fifty_registrations_of_one_address_at_once_make_one_account(api: AuthApi) -> None:
    spellings = ["linh@example.com", "LINH@example.com", "Linh@Example.COM", "lInH@eXample.com"]
    calls = [
        ("/v1/registrations", {"email": spellings[n % 4], "password": f"{PASSWORD} number {n}"})
        for n in range(50)
    ]
    answers = api.at_once(calls)
    assert [answer.status_code for answer in answers] == [202] * 50
    assert len({answer.get_json()["receipt"] for answer in answers}) == 50
    assert api.sql("SELECT count(*), max(generation) FROM accounts") == [(1, 50)]
    assert api.count("letters") == 50
    assert api.sql("SELECT count(*) FROM one_time_tokens WHERE voided_at IS NULL") == [(1,)]
    assert api.sql("SELECT count(*) FROM letters WHERE withdrawn_at IS NULL") == [(1,)]
    assert api.sql("SELECT count(*) FROM outbox WHERE kind = 'cancellation'") == [(49,)]


def test_registrations_resends_and_verifications_of_one_address_at_once_never_fail(api: AuthApi) -> None:
    api.register("linh@example.com")
    token = api.last_letter().link_token
    calls: list[tuple[str, dict[str, str]]] = []
    for n in range(12):
        calls.append(("/v1/registrations", {"email": "linh@example.com", "password": f"{PASSWORD} {n}"}))
        calls.append(("/v1/registrations/resend", {"email": "linh@example.com"}))
        calls.append(("/v1/verifications", {"token": token}))
        calls.append(("/v1/verifications", {"email": "linh@example.com", "code": "00000000"}))
    statuses = {answer.status_code for answer in api.at_once(calls)}
    assert statuses <= {200, 202, 400, 410}
    assert api.count("accounts") == 1


def test_no_decoy_ever_takes_the_place_of_a_new_accounts_letter(api: AuthApi) -> None:
    calls: list[tuple[str, dict[str, str]]] = []
    for n in range(25):
        email = f"linh.{n}@example.com"
        calls.append(("/v1/registrations", {"email": email, "password": PASSWORD}))
        calls += [("/v1/registrations/resend", {"email": email})] * 2
    assert {answer.status_code for answer in api.at_once(calls)} == {202}
    assert api.count("accounts") == 25
    assert api.sql(
        "SELECT count(*), count(account_id), count(DISTINCT account_id) FROM letters WHERE withdrawn_at IS NULL"
    ) == [(25, 25, 25)]


@pytest.mark.parametrize(
    ("typed", "again"),
    [
        ("ann@bücher.example", "ann@xn--bcher-kva.example"),
        ("nguyễn@example.com", "NGUYỄN@example.com"),
        ("e\u0301ric@example.com", "\u00e9ric@example.com"),
    ],
)
def test_two_spellings_of_one_mailbox_are_one_account(api: AuthApi, typed: str, again: str) -> None:
    api.register(typed)
    api.register(again)
    assert api.count("accounts") == 1
