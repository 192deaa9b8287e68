"""① `/v1/verifications`: by link or by code. Only a POST uses anything up: scanners that follow links change nothing."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from flask import Response, request

from auth_service import errors
from auth_service.constant_time import in_constant_time
from auth_service.flows.confirm_registration import Verified
from auth_service.flows.verify_address import VerifyAddress
from auth_service.http.body import read_object, unprocessable, validate
from auth_service.http.flaws import flaw
from auth_service.http.metrics import Metrics
from auth_service.http.passwords import PasswordChecks
from auth_service.http.problems import Refusal
from auth_service.http.registrations import read_address
from auth_service.http.route import BODY_PROBLEMS, Answer, Route, json_answer, problems_of
from auth_service.http.schemas import CodeVerificationRequest, LinkVerificationRequest, VerificationAnswer
from auth_service.http.sources import Sources
from auth_service.security.secrets import Secret

_NOT_PROVED: Final = (
    errors.UnknownLink,
    errors.RefusedCode,
    errors.UsedLink,
    errors.ExpiredLink,
    errors.ReplacedLink,
    errors.AlreadyConfirmed,
    errors.RefusedRegistration,
    errors.PasswordNeeded,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verifications:
    """The resource."""

    verify: VerifyAddress
    sources: Sources
    passwords: PasswordChecks
    metrics: Metrics

    def routes(self) -> tuple[Route, ...]:
        """Returns its calls."""
        return (
            Route(
                method="POST",
                path="/v1/verifications",
                view=self.post,
                name="verify_address",
                group="Registration",
                summary="Prove an address",
                description=(
                    "With the token of the email's link, or with the address and the email's code; and with the "
                    "`registration_secret` of the registration it is of, whose password then counts, or with a `password` that "
                    "the mailbox's reader chooses now. Without either of them 409, and nothing is used up. The same request "
                    "again within ten minutes gets the same answer. Opens no session. A wrong code and an unknown address are "
                    "answered alike."
                ),
                bodies=(LinkVerificationRequest, CodeVerificationRequest),
                may_be_application=True,
                answer=Answer(
                    status=HTTPStatus.OK, description="The address is proved.", schema=VerificationAnswer
                ),
                problems=(
                    *BODY_PROBLEMS,
                    *problems_of(
                        *_NOT_PROVED,
                        errors.RateLimited,
                        errors.TooBusy,
                        errors.DatabaseUnavailable,
                    ),
                ),
            ),
        )

    def post(self) -> Response:
        """Verifies."""
        verified = self.take(read_object(request))
        return json_answer(VerificationAnswer(email=verified.email, verified_at=verified.verified_at))

    def take(self, body: dict[str, object]) -> Verified:
        """Verifies by a body, or the form of our page; raises what the call answers."""
        if "token" in body and body.keys() & {"email", "code"}:
            raise Refusal(unprocessable(flaw("#", "token_or_code")))
        if body.keys() >= {"registration_secret", "password"}:
            # Two passwords cannot count.
            raise Refusal(unprocessable(flaw("#", "secret_or_password")))
        by = "code" if body.keys() & {"email", "code"} else "link"
        try:
            verified = self._by_code(body) if by == "code" else self._by_link(body)
        except _NOT_PROVED as error:
            result = "password_needed" if isinstance(error, errors.PasswordNeeded) else "refused"
            self.metrics.verification_answered(by=by, result=result)
            raise
        self.metrics.verification_answered(by=by, result="accepted")
        return verified

    def _by_code(self, body: dict[str, object]) -> Verified:
        by_code, _ = self.passwords.read(
            CodeVerificationRequest, body, admit=lambda _: self.sources.admit_secrets()
        )
        secret, password = _second_thing(by_code)
        address = read_address(by_code.email)
        with in_constant_time():
            return self.verify.by_code(address, by_code.code, secret=secret, password=password)

    def _by_link(self, body: dict[str, object]) -> Verified:
        by_link = validate(LinkVerificationRequest, body)
        secret, password = _second_thing(by_link)
        self.sources.admit_secrets()
        return self.verify.by_link(
            Secret(by_link.token), secret=secret, password=password, check=self.passwords.check
        )


def _second_thing(
    body: LinkVerificationRequest | CodeVerificationRequest,
) -> tuple[Secret | None, str | None]:
    secret = None if body.registration_secret is None else Secret(body.registration_secret)
    return secret, None if body.password is None else body.password.get_secret_value()
