"""What a message's bytes say: header fields, text, HTML, links, a code. Lenient, because a bad message is what one looks for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message as Tree
from html.parser import HTMLParser

LETTER_FIELD = "X-Postern-Letter"
"""In which the mailer says which of its letters this is: `urgent/verify_address`."""
_CODE = re.compile(r"\b(\d{4})[ \u00a0-]?(\d{4})\b")
_URL = re.compile(r"https?://[^\s<>\"'`]+")
_AFTER_URL = ".,;:!?)]}"
_MARKED_SECTION = re.compile(r"<!\[[^>]*>?")
"""Outlook's `<![if …]>` and the like; the library's parser fails at those it does not know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The readable side of one message.

    Attributes:
        headers: name as first written, value decoded and unfolded; values of a repeated field are joined by newlines.
        text: the first `text/plain` part, or None.
        html: the first `text/html` part, or None.
        links: every http(s) address in text and HTML, once each, in order of appearance.
    """

    headers: dict[str, str]
    text: str | None
    html: str | None
    links: tuple[str, ...]

    @property
    def letter(self) -> str | None:
        """Which letter of Postern it is, by class and name; None for other messages."""
        return _field(self.headers, LETTER_FIELD)

    @property
    def link(self) -> str | None:
        """Where the letter wants its reader to go first."""
        return next(iter(self.links), None)

    @property
    def code(self) -> str | None:
        """The first eight digits in the text, however they are grouped; those inside of links are none."""
        found = _CODE.search(_URL.sub("", self.text or ""))
        return None if found is None else "".join(found.groups())


def read_parts(raw: bytes) -> Parts:
    """Takes a message apart; anything undecodable is replaced, never raised."""
    try:
        tree = message_from_bytes(raw, policy=policy.compat32)
        text, html = _body(tree, "text/plain"), _body(tree, "text/html")
    except RecursionError:  # hundreds of parts inside one another: nothing that anybody reads
        return Parts(headers=_headers(_head_of(raw)), text=None, html=None, links=())
    links = dict.fromkeys((*_links_in_text(text or ""), *_links_in_html(html or "")))
    return Parts(headers=_headers(tree), text=text, html=html, links=tuple(links))


def read_source(raw: bytes) -> str:
    """Returns the message as it came, every byte kept: UTF-8, or Latin-1 where it is not."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def read_subject(raw: bytes) -> str:
    """Returns the decoded subject, empty where there is none."""
    return _field(_headers(_head_of(raw)), "Subject") or ""


def read_letter_name(raw: bytes) -> str | None:
    """Returns which letter of Postern it is, by class and name, or None."""
    return _field(_headers(_head_of(raw)), LETTER_FIELD)


def _field(headers: dict[str, str], wanted: str) -> str | None:
    return next((value for name, value in headers.items() if name.lower() == wanted.lower()), None)


def _head_of(raw: bytes) -> Tree:
    head = raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    return message_from_bytes(head, policy=policy.compat32)


def _headers(tree: Tree) -> dict[str, str]:
    spelling: dict[str, str] = {}
    values: dict[str, str] = {}
    for written, value in tree.raw_items():
        name = spelling.setdefault(written.lower(), written)
        decoded = _decoded(str(value))
        values[name] = f"{values[name]}\n{decoded}" if name in values else decoded
    return values


def _decoded(value: str) -> str:
    # The parser keeps raw UTF-8 (RFC 6532) as surrogates.
    unfolded = "".join(value.encode("utf-8", "surrogateescape").decode("utf-8", "replace").splitlines())
    if "=?" not in unfolded:
        return unfolded.strip()
    try:
        pieces = decode_header(unfolded)
    except HeaderParseError:
        return unfolded.strip()
    return "".join(_piece(piece, charset) for piece, charset in pieces).strip()


def _piece(piece: bytes | str, charset: str | None) -> str:
    if isinstance(piece, str):
        return piece
    # Between encoded words decode_header hands back raw-unicode-escape bytes without a charset.
    return _text_of(piece, charset or "raw-unicode-escape")


def _body(tree: Tree, content_type: str) -> str | None:
    for part in tree.walk():
        if part.get_content_type() == content_type and part.get_content_disposition() != "attachment":
            payload = part.get_payload(decode=True)
            if isinstance(payload, bytes):
                return _text_of(payload, str(part.get_content_charset() or "utf-8")).replace("\r\n", "\n")
    return None


def _text_of(payload: bytes, charset: str) -> str:
    try:
        text = payload.decode(charset, "replace")
    except (LookupError, ValueError):  # unknown, not for text, or not even a name
        text = payload.decode("utf-8", "replace")
    # Some charsets can spell halves of surrogate pairs, which nothing can send on.
    return text.encode("utf-8", "replace").decode("utf-8")


def _links_in_text(text: str) -> Iterator[str]:
    return (match.group().rstrip(_AFTER_URL) for match in _URL.finditer(text))


def _links_in_html(html: str) -> Iterator[str]:
    anchors = _Anchors()
    anchors.feed(_MARKED_SECTION.sub("", html))
    return (link for link in anchors.found if link.startswith(("http://", "https://")))


class _Anchors(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collects where anchors lead."""
        if tag == "a":
            self.found.extend(value for name, value in attrs if name == "href" and value)
