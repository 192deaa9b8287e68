"""① `/v1/sign-in-links`: sign in without a password. The answer to a request is the same for every address."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from flask import Response, request

from auth_service import errors
from auth_service.constant_time import in_constant_time
from auth_service.flows.request_account_letter import RequestAccountLetter
from auth_service.flows.sessions import Grant
from auth_service.flows.sign_in_by_letter import SignInByLetter
from auth_service.http.account_schemas import (
    AcceptedAnswer,
    AddressRequest,
    LinkRequest,
    SignInCodeRequest,
)
from auth_service.http.body import read_object, unprocessable, validate
from auth_service.http.flaws import flaw
from auth_service.http.problems import Refusal
from auth_service.http.registrations import read_address
from auth_service.http.route import BODY_PROBLEMS, LINK_PROBLEMS, Answer, Route, json_answer, problems_of
from auth_service.http.session_schemas import SessionAnswer
from auth_service.http.sign_ins import session_answer
from auth_service.http.sources import Sources
from auth_service.security.secrets import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInLinks:
    """The resource."""

    send: RequestAccountLetter
    sign_in: SignInByLetter
    sources: Sources

    def routes(self) -> tuple[Route, ...]:
        """Returns its calls."""
        return (
            Route(
                method="POST",
                path="/v1/sign-in-links",
                view=self.post,
                name="request_sign_in_link",
                group="Sign-in",
                summary="Sign in by email",
                description=(
                    "Sends an email with a link and a code that are good for ten minutes, if the address has an account. "
                    "Answers alike for every address, and the receipt tells nothing. What was sent before stays good."
                ),
                bodies=(AddressRequest,),
                may_be_application=True,
                answer=Answer(
                    status=HTTPStatus.ACCEPTED,
                    description="Accepted. An email follows if this address can have one.",
                    schema=AcceptedAnswer,
                ),
                problems=(*BODY_PROBLEMS, *problems_of(errors.RateLimited, errors.DatabaseUnavailable)),
            ),
            Route(
                method="POST",
                path="/v1/sign-in-links/confirm",
                view=self.post_confirm,
                name="sign_in_by_link",
                group="Sign-in",
                summary="Sign in with the email's link or code",
                description=(
                    "With the token of the link, or with the address and the code. Either works once, and not again: a lost "
                    "answer takes a new email. A wrong code and an unknown address are answered alike."
                ),
                bodies=(LinkRequest, SignInCodeRequest),
                may_be_application=True,
                answer=Answer(
                    status=HTTPStatus.CREATED, description="A session was opened.", schema=SessionAnswer
                ),
                problems=(
                    *BODY_PROBLEMS,
                    *LINK_PROBLEMS,
                    *problems_of(errors.RefusedCode),
                ),
            ),
        )

    def post(self) -> Response:
        """Sends the letter."""
        receipt = self.take(read_object(request))
        return json_answer(AcceptedAnswer(receipt=receipt.text), HTTPStatus.ACCEPTED)

    def take(self, body: dict[str, Any]) -> Secret:
        """Sends it by a body, or the form of our page; raises what the call answers."""
        address = read_address(validate(AddressRequest, body).email)
        # Not before: whoever is over the limit keeps no thread waiting.
        self.sources.admit_letters()
        with in_constant_time():
            return self.send.sign_in(address, device=self.sources.client().device)

    def post_confirm(self) -> Response:
        """Signs in."""
        return json_answer(session_answer(self.take_confirm(read_object(request))), HTTPStatus.CREATED)

    def take_confirm(self, body: dict[str, Any]) -> Grant:
        """Signs in by a body, or the form of our page; raises what the call answers."""
        if "token" in body and body.keys() & {"email", "code"}:
            raise Refusal(unprocessable(flaw("#", "token_or_code")))
        if body.keys() & {"email", "code"}:
            by_code = validate(SignInCodeRequest, body)
            address = read_address(by_code.email)
            self.sources.admit_secrets()
            with in_constant_time():
                return self.sign_in.by_code(address, by_code.code, self.sources.client())
        link = Secret(validate(LinkRequest, body).token)
        self.sources.admit_secrets()
        return self.sign_in.by_link(link, self.sources.client())
