"""The web page, and the HTML part of a letter made safe to look at."""

from __future__ import annotations

import re
import secrets
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from dev_inbox.answers import Answer
from dev_inbox.parts import read_parts
from dev_inbox.state import ServerState

# A whole start tag, quoted values and all, so that a `<a` inside a value is not taken for a link.
_LINK_TAG = re.compile(r"<(a|area)(?=[\s/>])((?:\"[^\"]*\"|'[^']*'|[^'\"<>])*)>", re.IGNORECASE)
_HTML_PART_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; "
    "img-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
)


class Page(Answer):
    """The list and the reading view; the script on it asks the API."""

    def initialize(self, *, state: ServerState, names: frozenset[str], smtp_url: str = "") -> None:
        """Knows the address to show while there is nothing else."""
        super().initialize(state=state, names=names)
        self._smtp_url = smtp_url

    def get(self) -> None:
        """The same page whatever is in the mailbox."""
        nonce = secrets.token_urlsafe(16)
        self.set_header(
            "Content-Security-Policy",
            f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src data:; "
            "connect-src 'self'; frame-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
        )
        self.finish(_page().render(nonce=nonce, smtp_url=self._smtp_url))


class HtmlPart(Answer):
    """The HTML part alone, for the sandboxed frame: no scripts, nothing from elsewhere, links open a new tab."""

    def get(self, message_id: str) -> None:
        """The part as it came, but for its links; empty if there is none."""
        html = read_parts(self.message(message_id).raw).html
        self.set_header("Content-Security-Policy", _HTML_PART_POLICY)
        self.finish(open_links_in_new_tabs(html or ""))


def open_links_in_new_tabs(html: str) -> str:
    """Gives every link a new tab that cannot reach back; of a repeated attribute browsers take the first."""
    return _LINK_TAG.sub(r'<\1 target="_blank" rel="noopener noreferrer"\2>', html)


@cache
def _page() -> Template:
    environment = Environment(
        loader=PackageLoader("dev_inbox", "page"), autoescape=True, undefined=StrictUndefined
    )
    return environment.get_template("page.html")
