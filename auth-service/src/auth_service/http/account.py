"""① `/v1/account`: a signed-in person looks at their account, changes its language and its password, and leaves."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from uuid import UUID

from flask import Response, request

from auth_service import account_errors, errors
from auth_service.flows.authenticate import SignedIn
from auth_service.flows.change_password import ChangePassword
from auth_service.flows.delete_account import DeleteAccount
from auth_service.flows.read_account import AccountView, ReadAccount
from auth_service.http.account_schemas import (
    AccountAnswer,
    AccountChange,
    DeletionRequest,
    PasswordChange,
    SentLetterAnswer,
    SentLettersAnswer,
)
from auth_service.http.authentication import Authentication
from auth_service.http.body import read_object, unprocessable, validate
from auth_service.http.flaws import flaw
from auth_service.http.passwords import PasswordChecks
from auth_service.http.problems import Refusal
from auth_service.http.route import (
    AFTER,
    BODY_PROBLEMS,
    READER_PROBLEMS,
    SIGNED_IN_PROBLEMS,
    Answer,
    Route,
    json_answer,
    problems_of,
)
from auth_service.http.sources import Sources

_GROUP = "Account"
_PROVING = (
    *BODY_PROBLEMS,
    *SIGNED_IN_PROBLEMS,
    *problems_of(
        account_errors.CurrentPasswordNeeded,
        account_errors.WrongPassword,
        account_errors.RecentSignInNeeded,
        errors.RateLimited,
        errors.TooBusy,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnAccount:
    """The resource."""

    read: ReadAccount
    change_password: ChangePassword
    delete: DeleteAccount
    authentication: Authentication
    sources: Sources
    passwords: PasswordChecks

    def routes(self) -> tuple[Route, ...]:
        """Returns its calls."""
        account = Answer(status=HTTPStatus.OK, description="The account.", schema=AccountAnswer)
        return (
            Route(
                method="GET",
                path="/v1/account",
                view=self.get,
                name="read_account",
                group=_GROUP,
                summary="Who am I?",
                description="An application may ask with the token that it got for a code.",
                answer=account,
                problems=READER_PROBLEMS,
                signed_in=True,
            ),
            Route(
                method="PATCH",
                path="/v1/account",
                view=self.patch,
                name="change_account",
                group=_GROUP,
                summary="Choose the language of emails",
                bodies=(AccountChange,),
                answer=account,
                problems=(*BODY_PROBLEMS, *SIGNED_IN_PROBLEMS, *problems_of(errors.RateLimited)),
                signed_in=True,
            ),
            Route(
                method="GET",
                path="/v1/account/letters",
                view=self.get_letters,
                name="list_letters",
                group=_GROUP,
                summary="Emails sent to me",
                query={"after": AFTER},
                answer=Answer(
                    status=HTTPStatus.OK,
                    description="Emails to the account's present address and what became of them, newest first.",
                    schema=SentLettersAnswer,
                ),
                problems=(*SIGNED_IN_PROBLEMS, unprocessable()),
                signed_in=True,
            ),
            Route(
                method="PUT",
                path="/v1/account/password",
                view=self.put_password,
                name="change_password",
                group=_GROUP,
                summary="Choose a password",
                description=(
                    "Needs the current one; where the account has none, a recent sign-in. Ends every other session, cancels a "
                    "change of address, and makes links and codes of the account void; an email says so."
                ),
                bodies=(PasswordChange,),
                answer=Answer(status=HTTPStatus.NO_CONTENT, description="The password is set."),
                problems=_PROVING,
                signed_in=True,
            ),
            Route(
                method="POST",
                path="/v1/account/deletion",
                view=self.post_deletion,
                name="delete_account",
                group=_GROUP,
                summary="Delete the account",
                description=(
                    "Needs the password; where the account has none, a recent sign-in. At once and for good: sessions end, "
                    "emails not sent yet are withdrawn, and nothing that is kept leads to the person."
                ),
                bodies=(DeletionRequest,),
                answer=Answer(status=HTTPStatus.NO_CONTENT, description="The account is gone."),
                problems=_PROVING,
                signed_in=True,
            ),
        )

    def get(self) -> Response:
        """Reads it."""
        session = self.authentication(delegated=True).session
        answer = _answer(self.read(session.account_id))
        if session.delegated:
            answer = answer.model_copy(update={"pending_email": None, "has_password": None})
        return json_answer(answer)

    def patch(self) -> Response:
        """Sets the language."""
        return json_answer(_answer(self.take(self.authentication(), read_object(request))))

    def take(self, signed_in: SignedIn, body: dict[str, Any]) -> AccountView:
        """Sets it by a body, or the form of our page; raises what the call answers."""
        change = validate(AccountChange, body)
        return self.read.set_locale(signed_in.session.account_id, change.locale)

    def get_letters(self) -> Response:
        """Lists a page of letters."""
        account_id = self.authentication().session.account_id
        found = self.read.letters(account_id, after=_read_cursor(request.args.get("after")))
        letters = [
            SentLetterAnswer(
                id=letter.id,
                letter=letter.letter,
                created_at=letter.created_at,
                state=letter.state,
                at=letter.at,
            )
            for letter in found.letters
        ]
        following = None if found.next is None else str(found.next)
        return json_answer(SentLettersAnswer(letters=letters, next=following))

    def put_password(self) -> Response:
        """Sets the password."""
        self.take_password(self.authentication(), read_object(request))
        return Response(status=HTTPStatus.NO_CONTENT)

    def take_password(self, signed_in: SignedIn, value: dict[str, Any]) -> None:
        """Sets it by a body, or the form of our page; raises what the call answers."""
        body = validate(PasswordChange, value)
        proof = self.sources.proof(body.current_password)
        password = body.password.get_secret_value()
        self.change_password(signed_in, password, check=self.passwords.check, proof=proof)

    def post_deletion(self) -> Response:
        """Deletes it."""
        self.take_deletion(self.authentication(), read_object(request))
        return Response(status=HTTPStatus.NO_CONTENT)

    def take_deletion(self, signed_in: SignedIn, value: dict[str, Any]) -> None:
        """Deletes it by a body, or the form of our page; raises what the call answers."""
        body = validate(DeletionRequest, value)
        self.delete(signed_in, self.sources.proof(body.password))


def _answer(own: AccountView) -> AccountAnswer:
    account = own.account
    return AccountAnswer(
        id=account.id,
        email=account.email,
        verified_at=account.verified_at,
        pending_email=own.pending_email,
        locale=account.locale,
        has_password=account.password_hash is not None,
    )


def _read_cursor(text: str | None) -> UUID | None:
    try:
        return None if text is None else UUID(text)
    except ValueError:
        raise Refusal(unprocessable(flaw("#/after", "format"))) from None
