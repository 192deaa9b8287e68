"""① `/confirm-email` and `/revert-email`: where the emails about another address lead. GET only shows; a person presses the button."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from flask import Response

from auth_service.http.email_changes import EmailChanges
from auth_service.http.pages.form import Form, required
from auth_service.http.pages.site import FINE, LINK_FIELDS, Site, View, asked_texts, form_to, page_at
from auth_service.http.pages.wording import describe
from auth_service.http.problems import Problem
from auth_service.http.route import Route

_CONFIRM: Final = "confirm_email"
_REVERT: Final = "revert_email"


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailChangePages:
    """The pages behind those two links."""

    site: Site
    changes: EmailChanges

    def routes(self) -> tuple[Route, ...]:
        """Returns them."""
        return (
            page_at("/confirm-email", self._view(_CONFIRM), "confirm_email_page"),
            form_to(
                "/confirm-email", self._taking(_CONFIRM, self.changes.take_confirm), "confirm_email_form"
            ),
            page_at("/revert-email", self._view(_REVERT), "revert_email_page"),
            form_to("/revert-email", self._taking(_REVERT, self.changes.take_revert), "revert_email_form"),
        )

    def _view(self, kind: str) -> View:
        def show() -> Response:
            return self._show(kind)

        return show

    def _taking(self, kind: str, change: Callable[[dict[str, str]], str]) -> View:
        def work(form: Form) -> Response:
            required(form, "token")
            address = change({"token": form.token})
            words = asked_texts()[kind]
            return self.site.say(words["done_title"], words["done_lead"], address=address)

        def again(_: Form, problem: Problem) -> Response:
            return self._show(kind, problem)

        return lambda: self.site.take(work, again=again)

    def _show(self, kind: str, problem: Problem | None = None) -> Response:
        texts = asked_texts()
        trouble = FINE if problem is None else describe(problem, texts, of=kind, fields=LINK_FIELDS)
        path = f"/{kind.replace('_', '-')}"
        return self.site.show("link.html", trouble=trouble, words=texts[kind], path=path)
