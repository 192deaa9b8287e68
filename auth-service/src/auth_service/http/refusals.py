"""① `/v1/refusals`: "this wasn't me", from the page that a letter's refusal link leads to."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from flask import Response, request

from auth_service import errors
from auth_service.flows.refuse_registration import RefuseRegistration
from auth_service.http.body import read_object, validate
from auth_service.http.route import BODY_PROBLEMS, Answer, Route, problems_of
from auth_service.http.schemas import RefusalRequest
from auth_service.http.sources import Sources
from auth_service.security.secrets import Secret

_PROBLEMS = (*BODY_PROBLEMS, *problems_of(errors.UnknownLink, errors.RateLimited, errors.DatabaseUnavailable))


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusals:
    """The resource."""

    refusal: RefuseRegistration
    sources: Sources

    def routes(self) -> tuple[Route, ...]:
        """Returns its calls."""
        return (
            Route(
                method="POST",
                path="/v1/refusals",
                view=self.post,
                name="refuse_registration",
                group="Registration",
                summary='Say "this wasn\'t me"',
                description=(
                    "Ends the registration that an email is about, and stops registration emails to its mailbox for 30 days. Not "
                    "the account, if there is one. Harmless when repeated."
                ),
                bodies=(RefusalRequest,),
                may_be_application=True,
                answer=Answer(status=HTTPStatus.NO_CONTENT, description="Ended."),
                problems=_PROBLEMS,
            ),
            Route(
                method="POST",
                path="/v1/refusals/lift",
                view=self.post_lift,
                name="lift_refusal",
                group="Registration",
                summary="Let the mailbox have registration emails again",
                description="With the same token. The registration stays ended; register again. Harmless when repeated.",
                bodies=(RefusalRequest,),
                may_be_application=True,
                answer=Answer(status=HTTPStatus.NO_CONTENT, description="Emails are sent again."),
                problems=_PROBLEMS,
            ),
        )

    def post(self) -> Response:
        """Refuses."""
        self.take(read_object(request))
        return Response(status=HTTPStatus.NO_CONTENT)

    def post_lift(self) -> Response:
        """Lifts the refusal."""
        self.take_lift(read_object(request))
        return Response(status=HTTPStatus.NO_CONTENT)

    def take(self, body: dict[str, Any]) -> None:
        """Refuses by a body, or the form of our page; raises what the call answers."""
        self.refusal.refuse(self._token(body))

    def take_lift(self, body: dict[str, Any]) -> None:
        """Lifts the refusal likewise."""
        self.refusal.lift(self._token(body))

    def _token(self, body: dict[str, Any]) -> Secret:
        token = Secret(validate(RefusalRequest, body).token)
        self.sources.admit_secrets()
        return token
