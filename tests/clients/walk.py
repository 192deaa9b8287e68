"""A whole account by the client that openapi-python-client makes of /openapi.json, as `postern_client`.

Run as `python walk.py API INBOX EMAIL`.
"""

from __future__ import annotations

import sys
from http import HTTPStatus
from typing import TypeVar

import httpx
from postern_client import AuthenticatedClient, Client
from postern_client.api.account import change_password, delete_account, read_account
from postern_client.api.registration import read_policy, register, verify_address
from postern_client.api.sessions import end_current_session, list_sessions, refresh_session, sign_in
from postern_client.models import (
    AccountAnswer,
    CodeVerificationRequest,
    DeletionRequest,
    PasswordChange,
    PolicyAnswer,
    ProblemAnswer,
    RefreshRequest,
    RegistrationAnswer,
    RegistrationRequest,
    SessionAnswer,
    SessionsAnswer,
    SignInRequest,
    VerificationAnswer,
)

PASSWORD = "seven lanterns over a quiet harbour"
ANOTHER = "four rivers in the rain at night"
T = TypeVar("T")


def only(kind: type[T], answer: object) -> T:
    """The answer, which is of this kind."""
    assert isinstance(answer, kind), answer
    return answer


def walk(api: str, inbox: str, email: str) -> None:
    client = Client(base_url=api, raise_on_unexpected_status=True)

    def signed_in(password: str) -> tuple[SessionAnswer, AuthenticatedClient]:
        session = only(
            SessionAnswer, sign_in.sync(client=client, body=SignInRequest(email=email, password=password))
        )
        return session, AuthenticatedClient(
            base_url=api, token=session.access_token, raise_on_unexpected_status=True
        )

    policy = only(PolicyAnswer, read_policy.sync(client=client))
    assert policy.password.min_length <= len(PASSWORD)
    refused = only(
        ProblemAnswer, register.sync(client=client, body=RegistrationRequest(email=email, password="short"))
    )
    assert isinstance(refused.errors, list)
    assert [(flaw.pointer, flaw.code) for flaw in refused.errors] == [("#/password", "too_short")]

    registration = only(
        RegistrationAnswer,
        register.sync(client=client, body=RegistrationRequest(email=email, password=PASSWORD, locale="vi")),
    )
    waiting = httpx.get(f"{inbox}/api/messages", params={"to": email, "wait": "60"}, timeout=70)
    code = str(waiting.json()["messages"][0]["code"])
    proof = CodeVerificationRequest(
        email=email, code=code, registration_secret=registration.registration_secret
    )
    verified = only(VerificationAnswer, verify_address.sync(client=client, body=proof))

    session, me = signed_in(PASSWORD)
    refreshed = only(
        SessionAnswer,
        refresh_session.sync(client=client, body=RefreshRequest(refresh_token=session.refresh_token)),
    )
    me = AuthenticatedClient(base_url=api, token=refreshed.access_token, raise_on_unexpected_status=True)
    account = only(AccountAnswer, read_account.sync(client=me))
    assert (account.email, account.locale, account.verified_at) == (email, "vi", verified.verified_at)

    change = PasswordChange(current_password=PASSWORD, password=ANOTHER)
    assert change_password.sync_detailed(client=me, body=change).status_code is HTTPStatus.NO_CONTENT
    wrong = sign_in.sync(client=client, body=SignInRequest(email=email, password=PASSWORD))
    assert only(ProblemAnswer, wrong).code == "refused_sign_in"

    _, me = signed_in(ANOTHER)
    sessions = only(SessionsAnswer, list_sessions.sync(client=me))
    assert [each.amr for each in sessions.sessions if each.current] == [["pwd"]]
    assert end_current_session.sync_detailed(client=me).status_code is HTTPStatus.NO_CONTENT
    assert only(ProblemAnswer, read_account.sync(client=me)).code == "not_signed_in"

    _, me = signed_in(ANOTHER)
    deletion = DeletionRequest(password=ANOTHER)
    assert delete_account.sync_detailed(client=me, body=deletion).status_code is HTTPStatus.NO_CONTENT
    gone = sign_in.sync(client=client, body=SignInRequest(email=email, password=ANOTHER))
    assert only(ProblemAnswer, gone).status == HTTPStatus.UNAUTHORIZED


if __name__ == "__main__":
    walk(*sys.argv[1:4])
