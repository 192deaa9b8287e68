"""① `/v1/password-resets`: forgotten, and chosen anew. The answer to a request is the same for every address."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from flask import Response, request

from auth_service import errors
from auth_service.constant_time import in_constant_time
from auth_service.flows.request_account_letter import RequestAccountLetter
from auth_service.flows.reset_password import ResetPassword
from auth_service.http.account_schemas import AcceptedAnswer, AddressRequest, ResetRequest
from auth_service.http.body import read_object, validate
from auth_service.http.passwords import PasswordChecks
from auth_service.http.registrations import read_address
from auth_service.http.route import BODY_PROBLEMS, LINK_PROBLEMS, Answer, Route, json_answer, problems_of
from auth_service.http.sources import Sources
from auth_service.security.secrets import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordResets:
    """The resource."""

    send: RequestAccountLetter
    reset: ResetPassword
    sources: Sources
    passwords: PasswordChecks

    def routes(self) -> tuple[Route, ...]:
        """Returns its calls."""
        return (
            Route(
                method="POST",
                path="/v1/password-resets",
                view=self.post,
                name="request_password_reset",
                group="Sign-in",
                summary="Forgot the password",
                description=(
                    "Sends an email with a link that is good for 30 minutes, if the address has an account. Answers alike "
                    "for every address, and the receipt tells nothing. Links sent before stay good."
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
                path="/v1/password-resets/confirm",
                view=self.post_confirm,
                name="reset_password",
                group="Sign-in",
                summary="Choose a new password",
                description=(
                    "By the email's link. Ends every session, cancels a change of address, and makes every other link and "
                    "code of the account void. Opens no session. The same request again within ten minutes gets the same "
                    "answer."
                ),
                bodies=(ResetRequest,),
                may_be_application=True,
                answer=Answer(status=HTTPStatus.NO_CONTENT, description="The password is set."),
                problems=(
                    *BODY_PROBLEMS,
                    *LINK_PROBLEMS,
                    *problems_of(errors.TooBusy),
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
            return self.send.reset(address, device=self.sources.client().device)

    def post_confirm(self) -> Response:
        """Sets the password."""
        self.take_confirm(read_object(request))
        return Response(status=HTTPStatus.NO_CONTENT)

    def take_confirm(self, value: dict[str, Any]) -> None:
        """Sets it by a body, or the form of our page; raises what the call answers."""
        body = validate(ResetRequest, value)
        self.sources.admit_secrets()
        self.reset(
            Secret(body.token),
            body.password.get_secret_value(),
            check=self.passwords.check,
            device=self.sources.client().device,
        )
