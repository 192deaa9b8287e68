"""① `/v1/registrations`: the answer is the same for every address."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from flask import Response, request

from auth_service import errors
from auth_service.domain.address import Address, parse_address
from auth_service.domain.password_policy import normalized
from auth_service.flows.register import Register
from auth_service.flows.resend_verification import ResendVerification
from auth_service.http.body import read_object, unprocessable, validate
from auth_service.http.flaws import flaw
from auth_service.http.metrics import Metrics
from auth_service.http.pace import at_one_pace
from auth_service.http.problems import Refusal
from auth_service.http.route import BODY_PROBLEMS, Answer, Route, json_answer, problems_of
from auth_service.http.schemas import ReceiptAnswer, RegistrationRequest, ResendRequest
from auth_service.security.breaches import BreachList

_DEFAULT_LOCALE: Final = "en"
_ANSWER: Final = Answer(
    status=HTTPStatus.ACCEPTED, description="A letter is on its way, if it is to be.", schema=ReceiptAnswer
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Registrations:
    """The resource."""

    register: Register
    resend: ResendVerification
    metrics: Metrics
    breaches: BreachList | None = None

    def routes(self) -> tuple[Route, ...]:
        """Returns its calls."""
        return (
            Route(
                method="POST",
                path="/v1/registrations",
                view=self.post,
                name="register",
                group="Registration",
                summary="Ask for an account",
                description=(
                    "Answers alike for a new, a known and a taken address; the letter says the difference to the "
                    "mailbox's owner only. Sending it again is harmless: the last password counts."
                ),
                bodies=(RegistrationRequest,),
                answer=_ANSWER,
                problems=(*BODY_PROBLEMS, *problems_of(errors.TooBusy, errors.DatabaseUnavailable)),
            ),
            Route(
                method="POST",
                path="/v1/registrations/resend",
                view=self.post_resend,
                name="resend_verification",
                group="Registration",
                summary="Ask for the verification letter again",
                description="The new letter's link and code replace the older ones. Answers alike for any address.",
                bodies=(ResendRequest,),
                answer=_ANSWER,
                problems=(*BODY_PROBLEMS, *problems_of(errors.DatabaseUnavailable)),
            ),
        )

    def post(self) -> Response:
        """Registers."""
        body = validate(RegistrationRequest, read_object(request))
        address, password = read_address(body.email), body.password.get_secret_value()
        refuse_breached(self.breaches, password)
        receipt = self.register(address, password, locale=body.locale or _DEFAULT_LOCALE)
        self.metrics.registration_accepted()
        return json_answer(ReceiptAnswer(receipt=receipt.text), HTTPStatus.ACCEPTED)

    def post_resend(self) -> Response:
        """Sends the letter again."""
        body = validate(ResendRequest, read_object(request))
        with at_one_pace():
            receipt = self.resend(read_address(body.email))
        return json_answer(ReceiptAnswer(receipt=receipt.text), HTTPStatus.ACCEPTED)


def refuse_breached(breaches: BreachList | None, password: str) -> None:
    """Refuses with 422 what the breach list knows, where one is configured."""
    if breaches is not None and breaches.knows(normalized(password)):
        raise Refusal(unprocessable(flaw("#/password", "breached")))


def read_address(text: str) -> Address:
    """Returns the address in a field `email`; refuses with 422."""
    try:
        return parse_address(text)
    except errors.InvalidAddress:
        raise Refusal(unprocessable(flaw("#/email", "invalid_address"))) from None
