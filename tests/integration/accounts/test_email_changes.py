"""② Change of address: the new mailbox confirms, the old one has a way back, and of two who want one address one gets it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from werkzeug.test import TestResponse

from mail_contract.letters import LetterName
from support.auth_api import PASSWORD, AuthApi, WrittenLetter
from support.database import Database
from support.limited_api import later, limited_api
from support.person import account_of, long_ago, somebody
from support.same_shape import assert_same_shape
from support.signed_in import SignedIn, add_account, sign_in
from support.standings import STANDINGS, address, people

OLD, NEW = "linh@example.com", "Linh.Tran@example.org"
CONFIRM, REVERT = "/v1/email-changes/confirm", "/v1/email-changes/revert"


def ask(person: SignedIn, email: str = NEW) -> WrittenLetter:
    answer = person.call("POST", "/v1/account/email", {"email": email})
    assert answer.status_code == 202, answer.text
    return person.api.last_letter()


def newest(api: AuthApi, name: LetterName) -> WrittenLetter:
    """What is written in one transaction has no order."""
    return [letter for letter in api.letters() if letter.envelope.header.letter is name][-1]


def confirmation(token: str) -> dict[str, str]:
    return {"token": token, "password": PASSWORD}


def use(api: AuthApi, path: str, token: str) -> tuple[int, str]:
    # By the account's password, which is everybody's here.
    return problem_or_address(api.post(path, confirmation(token) if path == CONFIRM else {"token": token}))


def way_back(api: AuthApi) -> str:
    return str(api.last_letter().contents.context["revert"].split("#token=")[1])


def problem(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.get_json()["code"]


def test_the_new_mailbox_confirms_and_the_old_one_is_told(api: AuthApi) -> None:
    person = somebody(api, OLD)
    letter = ask(person)
    assert (letter.contents.recipient, letter.envelope.header.letter) == (NEW, LetterName.CONFIRM_EMAIL)
    assert (account_of(person)["email"], account_of(person)["pending_email"]) == (OLD, NEW)
    assert use(api, CONFIRM, letter.link_token) == (200, NEW)
    assert account_of(person)["email"] == NEW
    assert "pending_email" not in account_of(person)
    told = api.last_letter()
    assert (told.contents.recipient, told.envelope.header.letter) == (OLD, LetterName.EMAIL_CHANGED)
    assert told.contents.context["new_address"] == "L…@example.org"
    assert NEW not in str(told.contents.context)
    assert sign_in(api, NEW).is_open
    assert api.post("/v1/sessions", {"email": OLD, "password": "three boats at dawn"}).status_code == 401
    actions = api.sql("SELECT action FROM audit_events WHERE action LIKE 'email%%' ORDER BY id")
    assert actions == [("email_change_request",), ("email_change",)]


def confirm_as(person: SignedIn, token: str, **more: str) -> tuple[int, str]:
    return problem_or_address(person.call("POST", CONFIRM, {"token": token, **more}))


def problem_or_address(answer: TestResponse) -> tuple[int, str]:
    body = answer.get_json()
    return answer.status_code, body["email"] if answer.status_code == 200 else body["code"]


def test_a_link_alone_gives_a_stranger_s_account_nothing_and_is_not_used_up(api: AuthApi) -> None:
    """He asks on his account for a change to her address, and she presses the button."""
    stranger = somebody(api, "stranger@example.com")
    link = ask(stranger).link_token
    hers = api.register(NEW)
    verify = {"token": api.last_letter().link_token, "registration_secret": hers.secret}
    pressed = api.post(CONFIRM, {"token": link})
    assert problem(pressed) == (409, "sign_in_needed")
    assert pressed.get_json()["asked_by"] == "s…@example.com"
    assert api.post("/v1/verifications", verify).status_code == 200
    her = sign_in(api, NEW)
    assert confirm_as(her, link) == (409, "sign_in_needed")
    assert account_of(stranger)["email"] == "stranger@example.com"
    assert use(api, CONFIRM, link) == (410, "already_confirmed")


def test_a_change_is_confirmed_by_the_session_of_its_account_or_its_password_and_by_no_other(
    api: AuthApi,
) -> None:
    person, other = somebody(api, OLD), somebody(api, "other@example.com")
    api.sql("UPDATE accounts SET password_hash = NULL WHERE email = 'other@example.com'")
    link = ask(person).link_token
    for wrong in ({"password": "not the right one"}, {}):
        answer = api.post(CONFIRM, {"token": link, **wrong})
        assert answer.status_code == (403 if wrong else 409)
        assert confirm_as(other, link, **wrong)[0] == answer.status_code
    bad = api.post(CONFIRM, {"token": link}, Authorization="Bearer x")
    assert problem(bad) == (401, "not_signed_in")
    assert api.post("/v1/sessions/revoke", {"refresh_token": other.refresh_token}).status_code == 200
    assert confirm_as(other, link) == (401, "not_signed_in")
    assert account_of(person)["email"] == OLD
    assert confirm_as(person, link) == (200, NEW)


def test_wrong_passwords_of_a_confirmation_are_limited_as_those_of_a_sign_in(auth_database: Database) -> None:
    api = limited_api(auth_database.url, limit_sign_in="2/minute")
    link = ask(somebody(api, OLD)).link_token
    bodies = [{"token": link, "password": f"wrong {n}"} for n in range(2)]
    assert [problem(api.post(CONFIRM, body)) for body in bodies] == [(403, "wrong_password")] * 2
    assert use(api, CONFIRM, link) == (403, "wrong_password")
    later(api, timedelta(minutes=1))
    assert use(api, CONFIRM, link) == (200, NEW)


def test_it_needs_a_recent_sign_in(api: AuthApi) -> None:
    person = somebody(api, OLD)
    long_ago(api)
    answer = person.call("POST", "/v1/account/email", {"email": NEW})
    assert problem(answer) == (401, "recent_sign_in_needed")


def test_answers_and_accounts_are_alike_whether_the_new_address_is_taken(api: AuthApi) -> None:
    for standing in ("unverified", "verified"):
        people(api, standing, 1)
    tables = ("email_changes", "one_time_tokens", "letters", "letter_events", "audit_events")
    answers, added = {}, []
    for standing in STANDINGS:
        person = somebody(api, f"from-{standing}@example.com")
        before = [api.count(table) for table in tables]
        answers[standing] = person.call("POST", "/v1/account/email", {"email": address(standing, 0)})
        added.append([api.count(table) - rows for table, rows in zip(tables, before, strict=True)])
        assert account_of(person)["pending_email"] == address(standing, 0)
    assert_same_shape(answers)
    assert added == [[1] * len(tables)] * len(STANDINGS)
    letters = api.sql(
        "SELECT letter FROM letters WHERE letter IN ('confirm_email', 'account_exists') ORDER BY letter"
    )
    assert letters == [("account_exists",), ("confirm_email",), ("confirm_email",)]


def test_the_owner_of_a_taken_address_is_told_and_nothing_can_be_confirmed(api: AuthApi) -> None:
    add_account(api, NEW)
    person = somebody(api, OLD)
    letter = ask(person, NEW.upper())
    assert letter.envelope.header.letter is LetterName.ACCOUNT_EXISTS
    assert letter.contents.recipient == NEW
    assert api.sql(
        "SELECT count(*) FROM one_time_tokens WHERE purpose = 'confirm_email' AND voided_at IS NULL"
    ) == [(0,)]


def test_a_mailbox_that_wants_no_letters_of_sign_up_gets_none_of_these(api: AuthApi) -> None:
    api.register(NEW)
    assert api.post("/v1/refusals", {"token": api.last_letter().refusal_token}).status_code == 204
    person = somebody(api, OLD)
    assert person.call("POST", "/v1/account/email", {"email": NEW}).status_code == 202
    assert api.sql("SELECT state FROM letters WHERE letter = 'confirm_email'") == [("limited",)]


def test_a_newer_wish_forgets_the_one_before(api: AuthApi) -> None:
    person = somebody(api, OLD)
    first, second = ask(person, "first@example.com"), ask(person)
    assert use(api, CONFIRM, first.link_token) == (410, "void_link")
    assert api.sql(
        "SELECT count(*) FROM letters WHERE withdrawn_at IS NOT NULL AND letter = 'confirm_email'"
    ) == [(1,)]
    assert use(api, CONFIRM, second.link_token) == (200, NEW)


def test_links_live_as_long_as_they_say_and_the_same_again_gets_the_same_answer(api: AuthApi) -> None:
    letter = ask(somebody(api, OLD))
    for _ in range(2):
        assert use(api, CONFIRM, letter.link_token) == (200, NEW)
    revert = way_back(api)
    assert dict(
        api.sql(
            "SELECT purpose, expires_at - created_at FROM one_time_tokens WHERE purpose IN ('confirm_email', 'revert_email')"
        )
    ) == {"confirm_email": timedelta(days=1), "revert_email": timedelta(days=7)}
    for _ in range(2):
        assert use(api, REVERT, revert) == (200, OLD)
    api.sql("UPDATE one_time_tokens SET used_at = used_at - interval '11 min'")
    assert use(api, REVERT, revert) == (410, "used_link")
    assert use(api, CONFIRM, letter.link_token) == (410, "used_link")


def test_a_link_used_again_does_not_say_that_a_change_stands_which_was_taken_back(api: AuthApi) -> None:
    link = ask(somebody(api, OLD)).link_token
    assert use(api, CONFIRM, link) == (200, NEW)
    assert use(api, REVERT, way_back(api)) == (200, OLD)
    assert use(api, CONFIRM, link) == (410, "used_link")


def test_a_change_nobody_can_confirm_any_more_is_not_pending(api: AuthApi) -> None:
    person = somebody(api, OLD)
    ask(person)
    api.sql("UPDATE email_changes SET created_at = created_at - interval '25 hours'")
    assert "pending_email" not in account_of(person)
    ask(person)
    assert account_of(person)["pending_email"] == NEW


def test_pending_registrations_of_the_new_address_end(api: AuthApi) -> None:
    stranger = api.register(NEW)
    verify = api.last_letter().link_token
    assert use(api, CONFIRM, ask(somebody(api, OLD)).link_token) == (200, NEW)
    late = api.post("/v1/verifications", {"token": verify, "registration_secret": stranger.secret})
    assert problem(late) == (410, "already_confirmed")


def test_what_was_sent_to_the_old_mailbox_opens_nothing_after_the_change(api: AuthApi) -> None:
    letter = ask(somebody(api, OLD))
    api.post("/v1/password-resets", {"email": OLD})
    reset = api.last_letter().link_token
    assert use(api, CONFIRM, letter.link_token) == (200, NEW)
    answer = api.post("/v1/password-resets/confirm", {"token": reset, "password": "four rivers in the rain"})
    assert problem(answer) == (410, "void_link")


def test_of_two_who_want_one_address_the_first_to_confirm_gets_it(api: AuthApi) -> None:
    links = [ask(somebody(api, f"{n}@example.com")).link_token for n in range(4)]
    answers = api.insist([(CONFIRM, confirmation(link)) for link in links])
    assert sorted(answer.status_code for answer in answers) == [200, 410, 410, 410]
    assert {a.get_json()["code"] for a in answers if a.status_code == 410} == {"already_confirmed"}
    assert api.sql("SELECT count(*) FROM accounts WHERE email = %s", NEW) == [(1,)]


def test_of_a_change_and_a_registration_of_one_address_at_once_one_gets_it(api: AuthApi) -> None:
    registered = api.register(NEW)
    verify = {"token": api.last_letter().link_token, "registration_secret": registered.secret}
    confirm = confirmation(ask(somebody(api, OLD)).link_token)
    answers = api.insist([("/v1/verifications", verify), (CONFIRM, confirm)])
    assert sorted(answer.status_code for answer in answers) == [200, 410]


@pytest.mark.parametrize("path", [CONFIRM, REVERT])
def test_of_fifty_posts_of_one_link_at_once_one_has_an_effect_and_all_are_answered_alike(
    api: AuthApi, path: str
) -> None:
    person = somebody(api, OLD)
    link = ask(person).link_token
    if path == REVERT:
        assert use(api, CONFIRM, link) == (200, NEW)
        link = way_back(api)

    def post(_: int) -> tuple[int, str]:
        while (answer := person.call("POST", path, {"token": link})).status_code == 503:
            pass
        return answer.status_code, answer.text

    with ThreadPoolExecutor(50) as pool:
        answers = set(pool.map(post, range(50)))
    assert len(answers) == 1
    assert {status for status, _ in answers} == {200}
    letter = "email_changed" if path == CONFIRM else "reset_password"
    assert api.sql("SELECT count(*) FROM letters WHERE letter = %s", letter) == [(1,)]


def test_the_way_back_restores_the_address_signs_everybody_out_and_asks_for_a_password(api: AuthApi) -> None:
    thief = somebody(api, OLD)
    assert use(api, CONFIRM, ask(thief).link_token) == (200, NEW)
    revert = way_back(api)
    api.post("/v1/password-resets", {"email": NEW})
    his = api.last_letter().link_token
    assert use(api, REVERT, revert) == (200, OLD)
    assert not thief.is_open
    assert api.sql("SELECT email, password_hash FROM accounts") == [(OLD, None)]
    letter = newest(api, LetterName.RESET_PASSWORD)
    assert letter.contents.recipient == OLD
    told = newest(api, LetterName.EMAIL_CHANGE_UNDONE)
    assert (told.contents.recipient, OLD in str(told.contents.context)) == (NEW, False)
    body = {"token": his, "password": "the thief's own password"}
    assert problem(api.post("/v1/password-resets/confirm", body)) == (410, "void_link")
    hers = {"token": letter.link_token, "password": "four rivers in the rain"}
    assert api.post("/v1/password-resets/confirm", hers).status_code == 204
    assert sign_in(api, OLD, "four rivers in the rain").is_open


def test_neither_a_reset_nor_a_further_change_takes_the_way_back_away(api: AuthApi) -> None:
    thief = somebody(api, OLD)
    assert use(api, CONFIRM, ask(thief).link_token) == (200, NEW)
    hers = way_back(api)
    assert use(api, CONFIRM, ask(thief, "third@example.com").link_token) == (200, "third@example.com")
    his = way_back(api)
    assert use(api, REVERT, hers) == (200, OLD)
    told = newest(api, LetterName.EMAIL_CHANGE_UNDONE)
    assert told.contents.recipient == "third@example.com"
    assert use(api, REVERT, his) == (410, "void_link")
    assert api.sql("SELECT email FROM accounts") == [(OLD,)]


def test_an_old_address_that_became_another_account_stays_that(api: AuthApi) -> None:
    assert use(api, CONFIRM, ask(somebody(api, OLD)).link_token) == (200, NEW)
    revert = way_back(api)
    add_account(api, OLD)
    assert use(api, REVERT, revert) == (410, "already_confirmed")
