"""② Asking for a reset or a sign-in link: one answer and the same rows for every address, a letter for an account only."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from werkzeug.test import TestResponse

from auth_service.domain.limit import parse_limit
from auth_service.security.secrets import KeyedHash
from mail_contract.letters import LetterName
from support.auth_api import HASH_KEY, AuthApi
from support.database import Database
from support.limited_api import later
from support.same_shape import assert_same_shape
from support.signed_in import add_account
from support.standings import STANDINGS, address, people

LINH = "linh@example.com"
RESET, SIGN_IN = "/v1/password-resets", "/v1/sign-in-links"
BOTH = pytest.mark.parametrize("path", [RESET, SIGN_IN])
LETTERS = {RESET: LetterName.RESET_PASSWORD, SIGN_IN: LetterName.SIGN_IN_LINK}
PAGES = {RESET: "reset", SIGN_IN: "signin-link"}
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def ask(api: AuthApi, path: str, email: str) -> TestResponse:
    answer = api.post(path, {"email": email})
    assert answer.status_code == 202, answer.text
    return answer


@BOTH
def test_an_account_gets_a_letter_in_its_language_at_the_spelling_that_proved_itself(
    api: AuthApi, path: str
) -> None:
    add_account(api, "Linh@example.com")
    api.sql("UPDATE accounts SET locale = 'vi'")
    answer = api.post(path, {"email": LINH}, User_Agent=FIREFOX)
    letter = api.last_letter()
    assert (answer.status_code, list(answer.get_json())) == (202, ["receipt"])
    assert letter.envelope.header.letter is LETTERS[path]
    assert (letter.contents.recipient, letter.envelope.header.locale) == ("Linh@example.com", "vi")
    assert letter.contents.context["device"] == "Firefox on Linux"
    assert letter.contents.context["link"].startswith(
        f"https://accounts.example.com/{PAGES[path]}?lang=vi#token="
    )


@BOTH
@pytest.mark.parametrize("standing", ["unknown", "unverified", "disabled"])
def test_whoever_has_no_account_to_enter_gets_a_decoy(api: AuthApi, path: str, standing: str) -> None:
    if standing == "unverified":
        api.register(LINH)
    if standing == "disabled":
        add_account(api, LINH)
        api.sql("UPDATE accounts SET disabled_at = now()")
    ask(api, path, LINH)
    letter = api.last_letter()
    assert (letter.contents.decoy, letter.envelope.header.letter) == (True, LETTERS[path])
    assert api.sql(
        "SELECT count(*) FROM one_time_tokens WHERE voided_at IS NULL AND purpose <> 'verify_address'"
    ) == [(0,)]


@BOTH
def test_answers_receipts_and_rows_are_alike_whatever_the_address_is(api: AuthApi, path: str) -> None:
    for standing in ("unverified", "verified"):
        people(api, standing, 1)
    tables = ("one_time_tokens", "letters", "letter_events", "outbox", "limits", "audit_events")
    answers, added = {}, []
    for standing in STANDINGS:
        before = [api.count(table) for table in tables]
        answers[standing] = ask(api, path, address(standing, 0))
        added.append([api.count(table) - rows for table, rows in zip(tables, before, strict=True)])
    assert_same_shape(answers)
    assert added == [[1, 1, 1, 1, 0, 1]] * len(STANDINGS)
    told = {s: api.get(f"/v1/receipts/{a.get_json()['receipt']}") for s, a in answers.items()}
    assert_same_shape(told)
    assert {answer.get_json()["state"] for answer in told.values()} == {"accepted"}
    assert all(answer.get_json()["final"] for answer in told.values())


@BOTH
def test_what_a_stranger_asks_for_voids_and_withdraws_nothing_of_hers(api: AuthApi, path: str) -> None:
    add_account(api, LINH)
    for _ in range(3):
        ask(api, path, LINH)
    assert api.sql("SELECT count(*) FROM one_time_tokens WHERE voided_at IS NULL AND used_at IS NULL") == [
        (3,)
    ]
    assert api.sql(
        "SELECT count(*) FROM outbox JOIN letters l ON l.id = letter_id WHERE kind = 'cancellation' AND letter = %s",
        LETTERS[path],
    ) == [(0,)]


@BOTH
def test_a_mailbox_that_refused_letters_of_sign_up_still_gets_those_of_its_account(
    api: AuthApi, path: str
) -> None:
    add_account(api, LINH)
    api.register(LINH, "a stranger's password")
    assert api.post("/v1/refusals", {"token": api.last_letter().refusal_token}).status_code == 204
    ask(api, path, LINH)
    assert api.last_letter().contents.recipient == LINH


def test_everything_asked_for_by_address_is_counted_together_and_uses_half_of_the_mailbox(
    auth_database: Database,
) -> None:
    api = AuthApi.on(auth_database.url, limit_mailbox=parse_limit("6/hour"))
    people_asked: list[Callable[[], object]] = [
        lambda: ask(api, RESET, LINH),
        lambda: ask(api, SIGN_IN, LINH),
        lambda: api.resend_to("l.inh+shop@example.com"),
    ]
    for request in people_asked * 2:
        request()
    states = api.sql("SELECT state, count(*) FROM letters GROUP BY state ORDER BY state")
    assert states == [("accepted", 3), ("limited", 3)]
    # The other half is for who signs up.
    assert api.receipt(api.register(LINH).receipt)["state"] == "accepted"
    later(api, timedelta(hours=1))
    ask(api, RESET, LINH)
    assert api.sql("SELECT count(*) FROM letters WHERE state = 'limited'") == [(3,)]


def test_a_limited_letter_leaves_no_link_or_code_that_could_be_guessed(auth_database: Database) -> None:
    api = AuthApi.on(auth_database.url, owner_url=auth_database.migrator_url)
    add_account(api, LINH)
    limited = AuthApi.on(
        auth_database.url, owner_url=auth_database.migrator_url, limit_mailbox=parse_limit("2/hour")
    )
    for _ in range(3):
        ask(limited, SIGN_IN, LINH)
    assert api.sql(
        "SELECT count(*) FROM one_time_tokens WHERE purpose = 'sign_in' AND voided_at IS NULL"
    ) == [(1,)]


@BOTH
@pytest.mark.parametrize("limit", ["off", "1/minute"])
def test_the_audit_tells_of_each_request_within_the_mailbox_s_limit(
    auth_database: Database, path: str, limit: str
) -> None:
    """Of its account, or of the mailbox while it has none."""
    api = AuthApi.on(
        auth_database.url, owner_url=auth_database.migrator_url, limit_mailbox=parse_limit(limit)
    )
    account = add_account(api, LINH)
    for email in (LINH, LINH, "nobody@example.com", "nobody@example.com"):
        ask(api, path, email)
    action = {RESET: "password_reset_request", SIGN_IN: "sign_in_link_request"}[path]
    told = api.sql("SELECT actor, action, target, result FROM audit_events ORDER BY id")
    times = 2 if limit == "off" else 1
    tag = KeyedHash(HASH_KEY).recipient_tag("nobody@example.com")
    assert told == [
        ("stranger", action, target, "done") for target in (str(account), tag) for _ in range(times)
    ]
