"""① `/v1/sessions` for whoever is signed in: which there are, and the end of one, of all, or of all others."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from uuid import UUID

from flask import Response, request

from auth_service import account_errors
from auth_service.domain.session import AccountSession
from auth_service.flows.manage_sessions import ManageSessions
from auth_service.http.authentication import Authentication
from auth_service.http.body import unprocessable
from auth_service.http.flaws import flaw
from auth_service.http.problems import Refusal
from auth_service.http.route import (
    AFTER,
    READER_PROBLEMS,
    SIGNED_IN_PROBLEMS,
    Answer,
    Query,
    Route,
    json_answer,
    problems_of,
)
from auth_service.http.session_schemas import SessionEntry, SessionsAnswer

_ENDED = Answer(status=HTTPStatus.NO_CONTENT, description="Ended.")
_CURRENT = "current"
_EXCEPT = Query("`current` ends all but the one that asks.", {"const": _CURRENT})


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionList:
    """The resource."""

    manage: ManageSessions
    authentication: Authentication

    def routes(self) -> tuple[Route, ...]:
        """Returns its calls."""
        return (
            Route(
                method="GET",
                path="/v1/sessions",
                view=self.get,
                name="list_sessions",
                group="Sessions",
                summary="Where am I signed in?",
                query={"after": AFTER},
                answer=Answer(
                    status=HTTPStatus.OK, description="Open sessions, newest first.", schema=SessionsAnswer
                ),
                problems=(*SIGNED_IN_PROBLEMS, unprocessable()),
                signed_in=True,
            ),
            Route(
                method="DELETE",
                path="/v1/sessions",
                view=self.delete_all,
                name="end_sessions",
                group="Sessions",
                summary="Sign out everywhere",
                query={"except": _EXCEPT},
                answer=_ENDED,
                problems=(*SIGNED_IN_PROBLEMS, unprocessable()),
                signed_in=True,
            ),
            Route(
                method="DELETE",
                path="/v1/sessions/current",
                view=self.delete_current,
                name="end_current_session",
                group="Sessions",
                summary="Sign out",
                description="An application may, with the token that it got for a code: its session ends.",
                answer=_ENDED,
                problems=READER_PROBLEMS,
                signed_in=True,
            ),
            Route(
                method="DELETE",
                path="/v1/sessions/<session_id>",
                view=self.delete,
                name="end_session",
                group="Sessions",
                summary="End a session",
                description="Harmless when repeated.",
                parameters={"session_id": "As the list has it."},
                answer=_ENDED,
                problems=(*SIGNED_IN_PROBLEMS, *problems_of(account_errors.UnknownSession)),
                signed_in=True,
            ),
        )

    def get(self) -> Response:
        """Lists them."""
        signed_in = self.authentication()
        after = request.args.get("after")
        last = None if after is None else _read_id(after)
        if after is not None and last is None:
            raise Refusal(unprocessable(flaw("#/after", "format")))
        found, following = self.manage.list(signed_in, after=last)
        return json_answer(
            SessionsAnswer(
                sessions=[_entry(each, current=each.id == signed_in.session.id) for each in found],
                next=None if following is None else str(following),
            )
        )

    def delete_all(self) -> Response:
        """Ends all, or all others."""
        signed_in = self.authentication()
        kept = request.args.get("except")
        if kept not in {None, _CURRENT}:
            raise Refusal(unprocessable(flaw("#/except", "choice", expected=f"'{_CURRENT}'")))
        self.manage.end_all(signed_in, but_this=kept is not None)
        return Response(status=HTTPStatus.NO_CONTENT)

    def delete_current(self) -> Response:
        """Ends the one that asks."""
        signed_in = self.authentication(delegated=True)
        self.manage.end(signed_in, signed_in.session.id)
        return Response(status=HTTPStatus.NO_CONTENT)

    def delete(self, session_id: str) -> Response:
        """Ends one."""
        signed_in, wanted = self.authentication(), _read_id(session_id)
        if wanted is None:
            raise account_errors.UnknownSession
        self.manage.end(signed_in, wanted)
        return Response(status=HTTPStatus.NO_CONTENT)


def _read_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _entry(session: AccountSession, *, current: bool) -> SessionEntry:
    return SessionEntry(
        id=session.id,
        created_at=session.created_at,
        last_used_at=session.last_used_at,
        expires_at=session.idle_until,
        current=current,
        client_id=session.client_id,
        amr=session.amr,
        device=session.device,
        ip=session.source,
    )
