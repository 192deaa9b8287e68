"""① `/v1/sign-in-links`: sign in without a password. The answer to a request is the same for every address."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from flask import Response, request

from auth_service import errors
from auth_service.constant_time import in_constant_time
from auth_service.domain.device import describe_device
from auth_service.flows.request_account_letter import RequestAccountLetter
from auth_service.http.account_schemas import AcceptedAnswer, AddressRequest
from auth_service.http.body import read_object, validate
from auth_service.http.registrations import read_address
from auth_service.http.route import BODY_PROBLEMS, Answer, Route, json_answer, problems_of
from auth_service.http.sources import Sources


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInLinks:
    """The resource."""

    send: RequestAccountLetter
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
                answer=Answer(
                    status=HTTPStatus.ACCEPTED,
                    description="An email is on its way, if it is to be.",
                    schema=AcceptedAnswer,
                ),
                problems=(*BODY_PROBLEMS, *problems_of(errors.RateLimited, errors.DatabaseUnavailable)),
            ),
        )

    def post(self) -> Response:
        """Sends the letter."""
        address = read_address(validate(AddressRequest, read_object(request)).email)
        # Not before: whoever is over the limit keeps no thread waiting.
        self.sources.admit_letters()
        with in_constant_time():
            receipt = self.send.sign_in(address, device=describe_device(request.headers.get("User-Agent")))
        return json_answer(AcceptedAnswer(receipt=receipt.text), HTTPStatus.ACCEPTED)
