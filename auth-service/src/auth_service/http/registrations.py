"""① `/v1/registrations`: the answer is the same for every address."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from flask import Response, request

from auth_service import errors
from auth_service.constant_time import in_constant_time
from auth_service.domain.address import Address, parse_address
from auth_service.domain.device import describe_device
from auth_service.flows.admit_registration import AdmitRegistration, Entry
from auth_service.flows.register import Register, Registered, RegistrationForm
from auth_service.flows.resend_verification import ResendVerification, Resent
from auth_service.http.body import read_object, unprocessable, validate
from auth_service.http.flaws import flaw
from auth_service.http.metrics import Metrics
from auth_service.http.passwords import PasswordChecks
from auth_service.http.problems import Refusal
from auth_service.http.route import BODY_PROBLEMS, Answer, Route, json_answer, problems_of
from auth_service.http.schemas import (
    AddressResendRequest,
    RegistrationAnswer,
    RegistrationRequest,
    ResendAnswer,
    SecretResendRequest,
)
from auth_service.http.sources import Sources
from auth_service.security.secrets import Secret

_DEFAULT_LOCALE: Final = "en"
_ON_ITS_WAY: Final = "Accepted. An email follows if this address can have one."


@dataclass(frozen=True, slots=True, kw_only=True)
class Registrations:
    """The resource."""

    register: Register
    resend: ResendVerification
    admit: AdmitRegistration
    sources: Sources
    metrics: Metrics
    passwords: PasswordChecks

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
                    "Answers alike for a new, a known and a taken address; the email says the difference to the "
                    "mailbox's owner only. Sending the same again within a minute is harmless and gets the same answer; any "
                    "other registration of the address is left alone. While very many people register, send it again with the "
                    "`proof` that the 428 asks for (docs/protection.md)."
                ),
                bodies=(RegistrationRequest,),
                may_be_application=True,
                answer=Answer(status=HTTPStatus.ACCEPTED, description=_ON_ITS_WAY, schema=RegistrationAnswer),
                problems=(
                    *BODY_PROBLEMS,
                    *problems_of(
                        errors.ProofRequired, errors.RateLimited, errors.TooBusy, errors.DatabaseUnavailable
                    ),
                ),
            ),
            Route(
                method="POST",
                path="/v1/registrations/resend",
                view=self.post_resend,
                name="resend_verification",
                group="Registration",
                summary="Ask for the verification email again",
                description=(
                    "With the registration's secret the new email's link and code replace its older ones, and the receipt "
                    "tells what becomes of it. With an address nothing is replaced, and the receipt tells nothing. Answers "
                    "alike for any address."
                ),
                bodies=(SecretResendRequest, AddressResendRequest),
                may_be_application=True,
                answer=Answer(status=HTTPStatus.ACCEPTED, description=_ON_ITS_WAY, schema=ResendAnswer),
                problems=(
                    *BODY_PROBLEMS,
                    *problems_of(errors.UnknownRegistration, errors.RateLimited, errors.DatabaseUnavailable),
                ),
            ),
        )

    def post(self) -> Response:
        """Registers."""
        registered = self.take(read_object(request))
        answer = RegistrationAnswer(
            receipt=registered.receipt.text,
            registration_secret=registered.secret.text,
            resend_after=registered.resend_after,
        )
        return json_answer(answer, HTTPStatus.ACCEPTED)

    def take(self, value: dict[str, Any]) -> Registered:
        """Registers whom a body names, or the form of our page; raises what the call answers."""
        body, entry = self.passwords.read(RegistrationRequest, value, admit=self._let_in)
        application = self.sources.application()
        form = RegistrationForm(
            address=read_address(body.email),
            password=body.password.get_secret_value(),
            locale=body.locale or _DEFAULT_LOCALE,
            device=describe_device(request.headers.get("User-Agent")),
            client_id=body.client_id if application is None else application.id,
        )
        registered = self.register(form, clear=lambda: self.admit.clear(entry))
        self.metrics.registration_accepted()
        return registered

    def _let_in(self, body: RegistrationRequest | None) -> Entry:
        source = self.sources.name()
        if body is None:
            self.sources.admit_letters()
            return Entry(source=source)
        return self.admit.let_in(source, body.proof)

    def post_resend(self) -> Response:
        """Sends the letter again."""
        resent = self.take_resend(read_object(request))
        answer = ResendAnswer(receipt=resent.receipt.text, resend_after=resent.resend_after)
        return json_answer(answer, HTTPStatus.ACCEPTED)

    def take_resend(self, body: dict[str, Any]) -> Resent:
        """Sends the letter again that a body names, or the form of our page; raises what the call answers."""
        if body.keys() >= {"registration_secret", "email"}:
            raise Refusal(unprocessable(flaw("#", "secret_or_email")))
        resend = self._resend_by(body)
        # Not before: whoever is over the limit keeps no thread waiting.
        self.sources.admit_letters()
        with in_constant_time():
            return resend()

    def _resend_by(self, body: dict[str, Any]) -> Callable[[], Resent]:
        if "email" in body:
            address = read_address(validate(AddressResendRequest, body).email)
            return lambda: self.resend.by_address(address)
        secret = Secret(validate(SecretResendRequest, body).registration_secret)
        return lambda: self.resend.by_secret(secret)


def read_address(text: str) -> Address:
    """Returns the address in a field `email`; refuses with 422."""
    try:
        return parse_address(text)
    except errors.InvalidAddress:
        raise Refusal(unprocessable(flaw("#/email", "invalid_address"))) from None
