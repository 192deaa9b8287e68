"""① `/v1/verifications`: by link or by code. Only a POST uses anything up: scanners that follow links change nothing."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from flask import Response, request

from auth_service import errors
from auth_service.flows.verify_address import Verified, VerifyAddress
from auth_service.http.body import read_object, unprocessable, validate
from auth_service.http.flaws import flaw
from auth_service.http.pace import at_one_pace
from auth_service.http.problems import Refusal
from auth_service.http.registrations import read_address
from auth_service.http.route import BODY_PROBLEMS, Answer, Route, json_answer, problems_of
from auth_service.http.schemas import CodeVerificationRequest, LinkVerificationRequest, VerificationAnswer
from auth_service.security.secrets import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Verifications:
    """The resource."""

    verify: VerifyAddress

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
                    "With the token of the letter's link, or with the address and the letter's code. Opens no session. "
                    "A wrong code and an unknown address are answered alike."
                ),
                bodies=(LinkVerificationRequest, CodeVerificationRequest),
                answer=Answer(
                    status=HTTPStatus.OK, description="The address is proved.", schema=VerificationAnswer
                ),
                problems=(
                    *BODY_PROBLEMS,
                    *problems_of(
                        errors.UnknownLink,
                        errors.RefusedCode,
                        errors.UsedLink,
                        errors.ExpiredLink,
                        errors.ReplacedLink,
                        errors.DatabaseUnavailable,
                    ),
                ),
            ),
        )

    def post(self) -> Response:
        """Verifies."""
        verified = self._verify(read_object(request))
        return json_answer(VerificationAnswer(email=verified.email, verified_at=verified.verified_at))

    def _verify(self, body: dict[str, object]) -> Verified:
        if "token" in body and body.keys() & {"email", "code"}:
            raise Refusal(unprocessable(flaw("#", "token_or_code")))
        if body.keys() & {"email", "code"}:
            by_code = validate(CodeVerificationRequest, body)
            with at_one_pace():
                return self.verify.by_code(read_address(by_code.email), by_code.code)
        return self.verify.by_link(Secret(validate(LinkVerificationRequest, body).token))
