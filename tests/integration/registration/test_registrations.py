"""② Registering: registration and letter together, a taken address answers alike, any number beside each other."""

from datetime import UTC, datetime

import pytest

from mail_contract.letters import LetterName
from support.auth_api import PASSWORD, PUBLIC_URL, AuthApi
from support.database import Database

REGISTRATIONS = "/v1/registrations"
LINUX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def test_registration_token_letter_event_and_outbox_row_are_committed_together(api: AuthApi) -> None:
    registered = api.register("Linh@Example.com", locale="vi", client_id="shop")
    assert len(registered.receipt) == len(registered.secret) == 43
    assert api.sql("SELECT email, canonical_email, locale, client_id, ended_at FROM registrations") == [
        ("Linh@Example.com", "linh@example.com", "vi", "shop", None)
    ]
    assert api.count("accounts") == 0
    assert api.sql("SELECT purpose, code_tries, used_at, voided_at FROM one_time_tokens") == [
        ("verify_address", 0, None, None)
    ]
    assert api.sql("SELECT letter, letter_class, state, receipt_tells FROM letters") == [
        ("verify_address", "urgent", "accepted", True)
    ]
    assert api.sql("SELECT state FROM letter_events") == [("accepted",)]
    assert api.sql("SELECT kind, rank, attempts FROM outbox") == [("letter", 1, 0)]


def test_the_letter_goes_to_what_was_typed_with_links_to_the_configured_address(api: AuthApi) -> None:
    api.post(
        REGISTRATIONS,
        {"email": "Linh@Example.com", "password": PASSWORD, "locale": "vi"},
        Host="evil.example",
        X_Forwarded_Host="evil.example",
    )
    letter = api.last_letter()
    assert letter.contents.recipient == "Linh@Example.com"
    assert letter.contents.context["link"].startswith(f"{PUBLIC_URL}/verify?lang=vi#token=")
    assert letter.contents.context["refusal"].startswith(f"{PUBLIC_URL}/refuse?lang=vi#token=")
    assert letter.contents.decoy is False
    header = letter.envelope.header
    assert header.locale == "vi"
    assert (header.expires_at - header.created_at).total_seconds() == 24 * 3600


def test_the_letter_says_when_and_from_what_kind_of_device_it_was_asked_for(api: AuthApi) -> None:
    api.post(REGISTRATIONS, {"email": "linh@example.com", "password": PASSWORD}, User_Agent=LINUX)
    context = api.last_letter().contents.context
    assert context["device"] == "Firefox on Linux"
    asked = datetime.fromisoformat(context["requested_at"])
    assert abs((datetime.now(UTC) - asked).total_seconds()) < 60
    api.post(
        REGISTRATIONS,
        {"email": "ann@example.com", "password": PASSWORD},
        User_Agent="win a prize at x.example",
    )
    assert api.last_letter().contents.context["device"] == ""


def test_the_password_is_kept_as_argon2id_with_the_documented_cost(api: AuthApi) -> None:
    api.register("linh@example.com")
    api.register("ann@example.com")
    hashes = [row[0] for row in api.sql("SELECT password_hash FROM registrations")]
    assert all(one.startswith("$argon2id$v=19$m=19456,t=2,p=1$") for one in hashes)
    salts = {one.split("$")[4] for one in hashes}
    assert len(salts) == 2, "an address has a salt of its own"


def test_nothing_in_the_tables_shows_link_code_receipt_secret_or_password(api: AuthApi) -> None:
    registered = api.register("linh@example.com")
    letter = api.last_letter()
    tables = ("registrations", "accounts", "one_time_tokens", "letters", "letter_events", "outbox")
    everything = "".join(str(api.sql(f"SELECT row_to_json(t)::text FROM {table} t")) for table in tables)
    secrets = (registered.receipt, registered.secret, letter.link_token, letter.refusal_token, letter.code)
    for secret in (*secrets, PASSWORD):
        assert secret not in everything
    assert "linh@example.com" not in str(api.sql("SELECT row_to_json(t)::text FROM outbox t"))


def test_registrations_of_one_address_do_not_touch_each_other(api: AuthApi) -> None:
    first = api.register("linh@example.com", "the first password given")
    hers = api.last_letter()
    api.register("LINH@example.com", "the second password given", locale="vi")
    assert api.sql("SELECT count(*) FROM registrations WHERE ended_at IS NULL") == [(2,)]
    assert api.sql("SELECT count(*) FROM one_time_tokens WHERE voided_at IS NULL") == [(2,)]
    assert api.sql("SELECT count(*) FROM outbox WHERE kind = 'cancellation'") == [(0,)]
    proof = {"token": hers.link_token, "registration_secret": first.secret}
    assert api.post("/v1/verifications", proof).status_code == 200


def test_the_owner_of_a_verified_address_is_told_and_the_account_stays_as_it_is(api: AuthApi) -> None:
    api.verify("Linh@example.com")
    before = api.sql("SELECT * FROM accounts")
    api.register("linh@EXAMPLE.com", "somebody else's password")
    assert api.sql("SELECT * FROM accounts") == before
    letter = api.last_letter()
    assert letter.envelope.header.letter is LetterName.ACCOUNT_EXISTS
    assert letter.contents.recipient == "Linh@example.com"
    assert letter.contents.context["home"] == f"{PUBLIC_URL}/signin"
    assert letter.contents.context["refusal"].startswith(f"{PUBLIC_URL}/refuse#token=")
    assert api.sql("SELECT count(*) FROM one_time_tokens WHERE used_at IS NULL AND voided_at IS NULL") == [
        (0,)
    ]


def test_people_with_an_account_are_sent_to_where_the_operator_lets_them_sign_in(
    auth_database: Database,
) -> None:
    api = AuthApi.on(auth_database.url, sign_in_url="https://shop.example/login?from=gate")
    api.verify("linh@example.com")
    api.register("linh@example.com", "somebody else's password")
    assert api.last_letter().contents.context["home"] == "https://shop.example/login?from=gate"


@pytest.mark.parametrize("taken", [False, True])
def test_the_same_request_again_within_a_minute_joins_the_first(api: AuthApi, taken: bool) -> None:
    if taken:
        api.verify("linh@example.com", "the owner's own password")
    body = {"email": "linh@example.com", "password": PASSWORD}
    before = len(api.letters())
    answers = api.insist([(REGISTRATIONS, body)] * 2)
    again = api.post(REGISTRATIONS, body)
    assert {answer.status_code for answer in (*answers, again)} == {202}
    assert len({answer.text for answer in (*answers, again)}) == 1
    assert len(api.letters()) == before + 1


@pytest.mark.parametrize(
    ("email", "password"), [("LINH@example.com", PASSWORD), ("linh@example.com", PASSWORD + "!")]
)
def test_another_spelling_or_another_password_is_another_registration(
    api: AuthApi, email: str, password: str
) -> None:
    one, other = api.register("linh@example.com"), api.register(email, password)
    assert one.receipt != other.receipt
    assert one.secret != other.secret
    assert len(api.letters()) == 2


def test_the_same_request_a_minute_later_is_a_new_one(api: AuthApi) -> None:
    first = api.register("linh@example.com")
    api.sql("UPDATE registrations SET created_at = created_at - interval '61 s'")
    assert api.register("linh@example.com") != first
    assert len(api.letters()) == 2


def test_fifty_registrations_of_one_address_at_once_are_fifty_pending_ones(api: AuthApi) -> None:
    spellings = ["linh@example.com", "LINH@example.com", "Linh@Example.COM", "lInH@eXample.com"]
    calls = [
        (REGISTRATIONS, {"email": spellings[n % 4], "password": f"{PASSWORD} number {n}"}) for n in range(50)
    ]
    answers = api.insist(calls)
    assert [answer.status_code for answer in answers] == [202] * 50
    assert len({answer.get_json()["receipt"] for answer in answers}) == 50
    assert len({answer.get_json()["registration_secret"] for answer in answers}) == 50
    assert api.count("registrations") == api.count("letters") == 50
    assert api.count("accounts") == 0


def test_registrations_resends_and_verifications_of_one_address_at_once_never_fail(api: AuthApi) -> None:
    registered = api.register("linh@example.com")
    token = api.last_letter().link_token
    calls: list[tuple[str, dict[str, str]]] = []
    for n in range(12):
        calls.append((REGISTRATIONS, {"email": "linh@example.com", "password": f"{PASSWORD} {n}"}))
        calls.append(("/v1/registrations/resend", {"email": "linh@example.com"}))
        calls.append(("/v1/registrations/resend", {"registration_secret": registered.secret}))
        calls.append(("/v1/verifications", {"token": token, "registration_secret": registered.secret}))
        calls.append(("/v1/verifications", {"email": "linh@example.com", "code": "00000000"}))
    statuses = {answer.status_code for answer in api.insist(calls)}
    assert statuses <= {200, 202, 400, 410}
    assert api.count("accounts") <= 1


@pytest.mark.parametrize(
    ("typed", "again"),
    [
        ("ann@bücher.example", "ann@xn--bcher-kva.example"),
        ("nguyễn@example.com", "NGUYỄN@example.com"),
        ("e\u0301ric@example.com", "\u00e9ric@example.com"),
    ],
)
def test_two_spellings_of_one_mailbox_are_one_account(api: AuthApi, typed: str, again: str) -> None:
    api.verify(typed)
    api.register(again, "somebody else's password")
    assert api.last_letter().envelope.header.letter is LetterName.ACCOUNT_EXISTS
    assert api.count("accounts") == 1
