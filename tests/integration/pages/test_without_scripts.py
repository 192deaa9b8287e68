"""① Everything can be done with forms alone: signing up, signing in, a forgotten password, another address, leaving."""

import re
from html import unescape

from auth_service.http.pages.form_tokens import SESSION_COOKIE
from support.auth_api import PASSWORD, AuthApi
from support.person import long_ago
from support.signed_in import add_account
from support.visitor import Visitor

EMAIL = "linh@example.com"
CHOSEN = "nine herons above the old mill"


def flaw(page: str, field: str) -> str:
    (found,) = re.findall(rf'id="{field}-flaw" role="alert">(.*?)</p>', page)
    return unescape(found)


def test_somebody_signs_up_looks_what_became_of_the_email_and_types_the_code(api: AuthApi) -> None:
    visitor = Visitor.of(api)
    visitor.open("/signup?lang=vi")
    page = visitor.send("/signup", email="", password="short")
    assert page.status_code == 422
    assert flaw(page.text, "email") == "Enter your email"
    page = visitor.send("/signup", email="nope", password="kept to myself")
    assert flaw(page.text, "email") == "Enter a valid email address"
    assert flaw(page.text, "password") == "Use at least 15 characters."
    assert page.text.count("autofocus") == 1
    assert 'value="nope"' in page.text
    assert "kept to myself" not in page.text
    page = visitor.send("/signup", email=f" {EMAIL} ", password=PASSWORD)
    assert "Check your email" in page.text
    page = visitor.send("/signup/status")
    assert "Request received" in page.text
    page = visitor.send("/verify", code="0000 0000")
    assert flaw(page.text, "code").startswith("That code is wrong")
    code = api.last_letter().code
    page = visitor.send("/verify", email=EMAIL, code=f"{code[:4]} {code[4:]}")
    assert page.status_code == 200
    assert "Your email address is confirmed" in page.text
    assert visitor.sign_in(EMAIL).status_code == 200


def test_on_another_device_the_pasted_link_asks_for_a_password(api: AuthApi) -> None:
    api.register(EMAIL)
    visitor = Visitor.of(api)
    visitor.open("/verify")
    page = visitor.post(
        "/verify", **visitor.hidden("/verify"), token="https://accounts.example.com/verify#token=cut"
    )
    assert flaw(page.text, "link").startswith("The link is incomplete")
    link = f"https://accounts.example.com/verify#token={api.last_letter().link_token}"
    page = visitor._shown(visitor.post("/verify", **visitor.hidden("/verify"), token=link))
    assert page.status_code == 409
    assert "Choose your password" in page.text
    page = visitor.send("/verify", password="passwordpassword")
    assert flaw(page.text, "password").startswith("This password is too easy to guess.")
    page = visitor.send("/verify", password=CHOSEN)
    assert "Your email address is confirmed" in page.text
    assert visitor.sign_in(EMAIL, CHOSEN).status_code == 200


def test_the_email_of_a_registration_is_sent_again_and_refused_and_that_taken_back(api: AuthApi) -> None:
    visitor = Visitor.of(api)
    visitor.open("/signup")
    visitor.send("/signup", email=EMAIL, password=PASSWORD)
    page = visitor.client.post("/signup/resend", data=visitor.hidden("/signup/status"))
    assert "We sent a new email." in page.text
    assert api.count("letters") == 2
    visitor.open("/refuse")
    page = visitor.send("/refuse", token=api.last_letter().contents.context["refusal"])
    assert "Thanks for telling us" in page.text
    page = visitor.send("/refuse/lift")
    assert "You can sign up again" in page.text


def test_a_forgotten_password_is_chosen_anew_by_the_pasted_link(api: AuthApi) -> None:
    add_account(api, EMAIL)
    elsewhere, visitor = Visitor.of(api), Visitor.of(api)
    elsewhere.sign_in(EMAIL)
    visitor.open("/forgot")
    assert flaw(visitor.send("/forgot", email="").text, "email") == "Enter your email"
    page = visitor.send("/forgot", email=EMAIL)
    assert EMAIL in page.text
    token = api.last_letter().link_token
    visitor.open("/reset")
    page = visitor.send("/reset", token="cut", password=CHOSEN)
    assert flaw(page.text, "link").startswith("The link is incomplete")
    page = visitor.send(
        "/reset", token=f"https://accounts.example.com/reset#token={token}", password="passwordpassword"
    )
    assert flaw(page.text, "password").startswith("This password is too easy to guess.")
    page = visitor.send("/reset", password=CHOSEN)
    assert "Your password has been changed" in page.text
    assert "Sign in" in elsewhere.open("/account").text
    assert visitor.sign_in(EMAIL, CHOSEN).status_code == 200


def test_somebody_signs_in_by_the_code_or_the_pasted_link_of_an_email(api: AuthApi) -> None:
    add_account(api, EMAIL)
    by_code, by_link = Visitor.of(api), Visitor.of(api)
    by_code.open("/signin")
    page = by_code.client.post("/signin-link/send", data={**by_code.hidden("/signin"), "email": EMAIL})
    by_code.pages.append(page)
    page = by_code.send("/signin-link", code="00000000")
    assert page.status_code == 400
    page = by_code.send("/signin-link", code=api.last_letter().code)
    assert "Your account" in page.text
    by_link.open("/signin")
    by_link.client.post("/signin-link/send", data={**by_link.hidden("/signin"), "email": EMAIL})
    by_link.open("/signin-link")
    page = by_link._shown(
        by_link.post("/signin-link", **by_link.hidden("/signin-link"), token=api.last_letter().link_token)
    )
    assert "Your account" in page.text


def test_another_address_is_confirmed_and_taken_back(api: AuthApi) -> None:
    add_account(api, EMAIL)
    visitor = Visitor.of(api)
    visitor.sign_in(EMAIL)
    page = visitor.send("/account/email", email="other@example.com")
    assert "we sent a link to the new address" in page.text
    assert "other@example.com" in page.text
    visitor.open("/confirm-email")
    assert flaw(visitor.send("/confirm-email", token="").text, "link") == "Paste the link from the email"
    page = visitor.send("/confirm-email", token=api.last_letter().link_token)
    assert "Your email address has been changed" in page.text
    notice = api.last_letter()
    assert notice.contents.recipient == EMAIL
    visitor.open("/revert-email")
    page = visitor.send("/revert-email", token=notice.contents.context["revert"])
    assert "You have your address back" in page.text
    assert "Sign in" in visitor.open("/account").text


def test_elsewhere_a_change_of_address_is_confirmed_by_the_account_s_password(api: AuthApi) -> None:
    add_account(api, EMAIL)
    visitor, elsewhere = Visitor.of(api), Visitor.of(api)
    visitor.sign_in(EMAIL)
    visitor.send("/account/email", email="other@example.com")
    assert "Only confirm if you asked for this." in elsewhere.open("/confirm-email").text
    page = elsewhere.send("/confirm-email", token=api.last_letter().link_token)
    assert page.status_code == 409
    assert "l…@example.com" in page.text
    assert flaw(page.text, "password") == ""
    assert flaw(elsewhere.send("/confirm-email", password="").text, "password") == "Enter your password"
    page = elsewhere.send("/confirm-email", password="the wrong password")
    assert flaw(page.text, "password") == "That password is wrong."
    assert "l…@example.com" in page.text
    page = elsewhere.send("/confirm-email", password=PASSWORD)
    assert "Your email address has been changed" in page.text
    assert "other@example.com" in page.text


def test_whoever_signed_in_long_ago_types_the_password_before_the_address_changes(api: AuthApi) -> None:
    add_account(api, EMAIL)
    visitor = Visitor.of(api)
    visitor.sign_in(EMAIL)
    assert "email-its-you" not in visitor.open("/account").text
    long_ago(api)
    page = visitor.send("/account/email", email="other@example.com")
    assert page.status_code == 401
    assert flaw(page.text, "email-its-you") == "Enter your password to confirm that it's you."
    assert 'value="other@example.com"' in page.text
    page = visitor.send("/account/email", email="other@example.com", current_password="the wrong password")
    assert flaw(page.text, "email-its-you") == "That password is wrong."
    page = visitor.send("/account/email", email="other@example.com", current_password=PASSWORD)
    assert page.status_code == 200
    assert "we sent a link to the new address" in page.text


def test_the_password_is_changed_with_the_current_one_and_everybody_else_is_signed_out(api: AuthApi) -> None:
    add_account(api, EMAIL)
    visitor, elsewhere = Visitor.of(api), Visitor.of(api)
    visitor.sign_in(EMAIL)
    elsewhere.sign_in(EMAIL)
    visitor.open("/account")
    page = visitor.send("/account/password", current_password="", password=CHOSEN)
    assert flaw(page.text, "current-password") == "Enter your current password"
    page = visitor.send("/account/password", current_password="the wrong password", password=CHOSEN)
    assert flaw(page.text, "current-password") == "That password is wrong."
    page = visitor.send("/account/password", current_password=PASSWORD, password="short")
    assert flaw(page.text, "new-password") == "Use at least 15 characters."
    page = visitor.send("/account/password", current_password=PASSWORD, password=CHOSEN)
    assert "Your password has been changed." in page.text
    assert "Your account" in visitor.open("/account").text
    assert "Your account" not in elsewhere.open("/account").text


def test_the_language_of_emails_is_chosen_and_sessions_elsewhere_are_ended(api: AuthApi) -> None:
    add_account(api, EMAIL)
    visitor, second, third = (Visitor.of(api) for _ in range(3))
    for each in (visitor, second, third):
        each.sign_in(EMAIL)
    visitor.open("/account")
    assert visitor.pages[-1].text.count("Firefox on Linux") >= 3
    assert "Saved." in visitor.send("/account/language", locale="vi").text
    assert api.sql("SELECT locale FROM accounts") == [("vi",)]
    assert visitor.send("/account/language", locale="<b>").status_code == 422
    visitor.open("/account")
    assert "signed out there." in visitor.send("/account/sessions/end").text
    assert sorted("Your account" in each.open("/account").text for each in (second, third)) == [False, True]
    assert "signed out everywhere else." in visitor.send("/account/sessions/end-others").text
    assert not any("Your account" in each.open("/account").text for each in (second, third))
    assert "Your account" in visitor.open("/account").text


def test_an_account_is_deleted_with_its_password(api: AuthApi) -> None:
    add_account(api, EMAIL)
    visitor = Visitor.of(api)
    visitor.sign_in(EMAIL)
    page = visitor.send("/account/delete", current_password="the wrong password")
    assert flaw(page.text, "delete-password") == "That password is wrong."
    assert "<details open>" in page.text
    page = visitor.send("/account/delete", current_password="x" * 2000)
    assert flaw(page.text, "delete-password").startswith("Use at most")
    assert api.count("accounts") == 1
    page = visitor.send("/account/delete", current_password=PASSWORD)
    assert "Your account has been deleted" in page.text
    assert api.count("accounts") == 0
    assert visitor.cookie(SESSION_COOKIE) is None
