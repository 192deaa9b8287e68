"""① Reading what a page's form sent, strictly: what two parsers could understand differently is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from flask import Request

from auth_service.http.body import MAX_BODY_BYTES, TOO_LARGE, unprocessable
from auth_service.http.flaws import flaw
from auth_service.http.problems import BAD_REQUEST, Refusal

_MOST_FIELDS: Final = 30
_TOKEN_IN_LINK: Final = re.compile(r"#token=([A-Za-z0-9_-]+)")


@dataclass(frozen=True, slots=True)
class Form:
    """What somebody typed, by the names of fields."""

    values: Mapping[str, str]

    def __contains__(self, name: str) -> bool:
        """Says whether the form has a field."""
        return name in self.values

    def __getitem__(self, name: str) -> str:
        """Returns a field's text; empty where the form has none."""
        return self.values.get(name, "")

    def trimmed(self, name: str) -> str:
        """Returns it without the blanks that come along when something is pasted."""
        return self[name].strip()

    @property
    def code(self) -> str:
        """The code, without the blanks and dashes between its groups."""
        return re.sub(r"[\s-]", "", self["code"])

    @property
    def token(self) -> str:
        """The secret of a link, which may be pasted as a whole."""
        found = _TOKEN_IN_LINK.search(self["token"])
        return found[1] if found else self.trimmed("token")


def read_form(request: Request) -> Form:
    """Returns the fields of a form; refuses with 413 or 400 what no form of ours sends."""
    body = request.stream.read(MAX_BODY_BYTES + 1)
    if len(body) > MAX_BODY_BYTES:
        raise Refusal(TOO_LARGE)
    if request.mimetype != "application/x-www-form-urlencoded":
        raise Refusal(BAD_REQUEST)
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS
        )
    except ValueError:
        raise Refusal(BAD_REQUEST) from None
    values = dict(pairs)
    if len(values) != len(pairs):
        raise Refusal(BAD_REQUEST)
    return Form(values)


def required(form: Form, *names: str) -> None:
    """Refuses a form with nothing in one of these fields, naming all of them."""
    flaws = [flaw(f"#/{name}", "missing") for name in names if not form.trimmed(name)]
    if flaws:
        raise Refusal(unprocessable(*flaws))
