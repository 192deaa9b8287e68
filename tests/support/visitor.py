"""A person with a browser that runs no scripts: it keeps cookies, reads a page's forms, and sends them."""

import re
from dataclasses import dataclass, field
from html import unescape
from typing import Self

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from support.auth_api import PASSWORD, AuthApi
from support.signed_in import FIREFOX

_FORM = re.compile(r"<form\b[^>]*?(?:action=\"([^\"]*)\")[^>]*>(.*?)</form>", re.DOTALL)
_HIDDEN = re.compile(r"<input type=\"hidden\" name=\"([^\"]*)\" value=\"([^\"]*)\"")
_MARKS = re.compile(r"nonce(?:-|=\")[A-Za-z0-9_-]+|name=\"form_token\" value=\"[0-9a-f]+\"")


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """A browser of its own; `pages` holds the last page it was shown."""

    client: FlaskClient
    pages: list[TestResponse] = field(default_factory=list)

    @classmethod
    def of(cls, api: AuthApi) -> Self:
        return cls(client=api.app.test_client())

    def open(self, path: str) -> TestResponse:
        """Ask for a page, and follow where it leads."""
        return self._shown(self.client.get(path, headers={"User-Agent": FIREFOX}))

    def look(self, path: str) -> TestResponse:
        """Ask for a page, and follow nothing."""
        answer = self.client.get(path, headers={"User-Agent": FIREFOX})
        self.pages.append(answer)
        return answer

    def send(self, action: str, **fields: str) -> TestResponse:
        """Send the shown page's form with that action, with these fields; follow where the answer leads."""
        return self._shown(self.post(action, **{**self.hidden(action), **fields}))

    def post(self, path: str, **fields: str) -> TestResponse:
        """Send a form of nobody's page."""
        return self.client.post(path, data=fields, headers={"User-Agent": FIREFOX})

    def hidden(self, action: str) -> dict[str, str]:
        """The hidden fields of the first form with that action, on the page that is shown."""
        found = _FORM.findall(self.pages[-1].text)
        first = next(inside for to, inside in found if unescape(to).partition("?")[0] == action)
        return {name: unescape(value) for name, value in _HIDDEN.findall(first)}

    def sign_in(self, email: str, password: str = PASSWORD) -> TestResponse:
        """Sign in with the form."""
        self.open("/signin")
        return self.send("/signin", email=email, password=password)

    def cookie(self, name: str) -> str | None:
        """What it keeps under that name."""
        kept = self.client.get_cookie(name)
        return None if kept is None else kept.value

    def _shown(self, answer: TestResponse) -> TestResponse:
        self.pages.append(answer)
        if answer.status_code not in {302, 303}:
            return answer
        return self.open(answer.headers["Location"])


def without_marks(page: TestResponse) -> str:
    """A page's text without what is random in each."""
    return _MARKS.sub("", page.text)
