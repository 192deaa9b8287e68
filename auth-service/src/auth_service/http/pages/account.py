"""① `/account`: a signed-in person looks at their account. What changes it is in `account_forms.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final
from uuid import UUID

from flask import Response, request
from markupsafe import Markup

from auth_service.account_errors import NotSignedIn, RecentSignInNeeded
from auth_service.flows.authenticate import SignedIn
from auth_service.flows.manage_sessions import ManageSessions
from auth_service.flows.read_account import ReadAccount
from auth_service.http.pages.browser_session import BrowserSession
from auth_service.http.pages.site import Site, asked_language, page_at
from auth_service.http.pages.way_on import FIELD
from auth_service.http.pages.wording import Trouble
from auth_service.http.route import Answer, Route

SAVED: Final = frozenset({"language", "password", "email", "session", "sessions", "short"})
"""What the page may say that it did."""

_LED_ON: Final = Answer(status=HTTPStatus.FOUND, description="To /account.", media_type="text/plain")
_FORMATS: Final = {
    "en": {"date": "%-d %B %Y", "time": "%-d %b %Y, %H:%M UTC"},
    "vi": {"date": "%d/%m/%Y", "time": "%H:%M %d/%m/%Y (UTC)"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A form of the page that comes back.

    Attributes:
        form: which of them; empty for none.
        trouble: what is wrong with it.
        typed: what is kept of what was typed.
    """

    form: str = ""
    trouble: Trouble = field(default_factory=Trouble)
    typed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountPage:
    """The page, and who may see it."""

    site: Site
    browser: BrowserSession
    read: ReadAccount
    manage: ManageSessions

    def routes(self) -> tuple[Route, ...]:
        """Returns them."""
        return (
            page_at("/account", self.get, "account_page"),
            Route(
                method="GET",
                path="/.well-known/change-password",
                view=self.lead_to_password,
                name="change_password_page",
                group="Pages",
                summary="Where password managers find the form for another password",
                answer=_LED_ON,
                is_page=True,
            ),
        )

    def get(self) -> Response:
        """Shows it; whoever is not signed in is led there."""
        return self.site.explained(self._get)

    def lead_to_password(self) -> Response:
        """Redirects (https://www.w3.org/TR/change-password-url/)."""
        address = f"{self.site.renderer.base}/account#password"
        return Response(status=HTTPStatus.FOUND, headers={"Location": address}, content_type="text/plain")

    def signed_in(self) -> SignedIn:
        """Returns who is; raises NotSignedIn, DatabaseUnavailable."""
        found = self.browser.find()
        if found is None:
            raise NotSignedIn
        return found

    def lead_to_sign_in(self) -> Response:
        """Redirects there, and from there back."""
        return self.site.lead_to(self.site.own_address("/signin", **{FIELD: "/account"}))

    def show(self, signed_in: SignedIn, failure: Failure | None = None) -> Response:
        """Returns the page, with the form that failed if one did."""
        account_id = signed_in.session.account_id
        view = self.read(account_id)
        sessions, older_devices = self.manage.list(signed_in, after=_after("devices"))
        letters = self.read.letters(account_id, after=_after("emails"))
        failure, saved = failure or Failure(), request.args.get("saved", "")
        return self.site.show(
            "account.html",
            account={
                "email": view.account.email,
                "verified_at": view.account.verified_at,
                "pending_email": view.pending_email,
                "locale": view.account.locale,
                "has_password": view.account.password_hash is not None,
            },
            sessions=[_entry(each, current=each.id == signed_in.session.id) for each in sessions],
            letters=letters.letters,
            older_devices=older_devices,
            older_emails=letters.next,
            recent=_is_recent(signed_in),
            saved=saved if saved in SAVED and not failure.form else "",
            failed=failure.form,
            trouble=failure.trouble,
            typed=failure.typed,
            time_of=_time_of,
        )

    def _get(self) -> Response:
        try:
            return self.show(self.signed_in())
        except NotSignedIn:
            return self.lead_to_sign_in()


def _entry(session: Any, *, current: bool) -> Mapping[str, Any]:
    return {
        "id": session.id,
        "device": session.device,
        "source": session.source,
        "last_used_at": session.last_used_at,
        "current": current,
    }


def _after(listing: str) -> UUID | None:
    """Returns after which entry of a list the page is to begin; whatever else stands there is the first page."""
    try:
        return UUID(request.args[listing])
    except (KeyError, ValueError):
        return None


def _is_recent(signed_in: SignedIn) -> bool:
    try:
        signed_in.recent()
    except RecentSignInNeeded:
        return False
    return True


def _time_of(at: datetime, style: str = "time") -> Markup:
    """Returns a time as the page's language writes it; the script turns it into the reader's own."""
    text = at.strftime(_FORMATS[asked_language()][style])
    return Markup('<time datetime="{}" data-style="{}">{}</time>').format(
        at.isoformat(timespec="seconds"), style, text
    )
