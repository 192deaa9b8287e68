"""① `/v1/policy`: what a form needs to know before anybody types."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from flask import Response

from auth_service.domain.registration import RESEND_AFTER
from auth_service.http.pages.catalogue import LANGUAGES
from auth_service.http.route import Answer, Route, json_answer
from auth_service.http.schemas import CodePolicy, PasswordPolicy, PolicyAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The resource."""

    def routes(self) -> tuple[Route, ...]:
        """Returns its call."""
        return (
            Route(
                method="GET",
                path="/v1/policy",
                view=self.get,
                name="read_policy",
                group="Registration",
                summary="What passwords and codes are like",
                answer=Answer(status=HTTPStatus.OK, description="The policy.", schema=PolicyAnswer),
            ),
        )

    def get(self) -> Response:
        """Tells it."""
        return json_answer(
            PolicyAnswer(
                password=PasswordPolicy(),
                code=CodePolicy(),
                languages=list(LANGUAGES),
                resend_after=int(RESEND_AFTER.total_seconds()),
            )
        )
