"""The bytes of a letter, written directly: Python's `EmailMessage` takes over a millisecond for the same.

They depend on nothing but the letter and the keys it is signed with: a retry is byte for byte the same, under the same
Message-ID, so that a mailbox that got both can tell. Every line ends with CRLF and none is longer than 998 octets
(RFC 5322, section 2.1.1); the bodies are quoted-printable, so any server takes them.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC
from email.utils import format_datetime

from mail_contract.messages import EnvelopeHeader
from mailer_service.address import Mailbox
from mailer_service.errors import UnsafeHeader
from mailer_service.letters.dkim import Signer
from mailer_service.letters.renderer import Rendering

_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]|=\?")
_WORD_OCTETS = 45
"""45 octets become 60 characters of base64: with `=?utf-8?b?` and `?=` 72, below the 75 of RFC 2047, section 2."""


def safe(value: str) -> str:
    """Returns the value as it is; raises UnsafeHeader for line ends, controls, and the start of an encoded word.

    Some releases of Python turn an encoded word into real header lines (CVE-2024-6923), and so may the reader's client.
    """
    if _UNSAFE.search(value):
        raise UnsafeHeader
    return value


def unstructured(value: str) -> str:
    """Returns the value as it is if ASCII, else as encoded words of RFC 2047, folded between them."""
    safe(value)
    return value if value.isascii() else "\r\n ".join(_words(value))


def phrase(value: str) -> str:
    """Returns a display name: quoted if ASCII, else encoded words."""
    safe(value)
    if not value.isascii():
        return "\r\n ".join(_words(value))
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def write(fields: Sequence[tuple[str, str]]) -> str:
    """Returns the header block, each line ended by CRLF; raises UnsafeHeader if it would not read back the same."""
    block = "".join(f"{name}: {value}\r\n" for name, value in fields)
    if list(_names(block)) != [name for name, _ in fields]:
        raise UnsafeHeader
    return block


def _names(block: str) -> Iterable[str]:
    """Reads the names back as a suspicious parser would, for which a bare CR or LF ends a line too."""
    for line in re.split(r"\r\n|\r|\n", block)[:-1]:
        if not line.startswith((" ", "\t")):
            yield line.partition(":")[0]


def _words(value: str) -> Iterable[str]:
    chunk = b""
    for character in value:
        octets = character.encode()
        if len(chunk) + len(octets) > _WORD_OCTETS:
            yield _word(chunk)
            chunk = b""
        chunk += octets
    yield _word(chunk)


def _word(octets: bytes) -> str:
    return f"=?utf-8?b?{base64.b64encode(octets).decode('ascii')}?="


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Whom letters come from.

    Attributes:
        mailbox: the address, also of the envelope.
        name: shown beside it.
        reply_to: who gets answers, where somebody reads them.
        signer: signs for its domain; None leaves letters unsigned.
    """

    mailbox: Mailbox
    name: str
    reply_to: Mailbox | None = None
    signer: Signer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A letter ready to be sent.

    Attributes:
        sender, recipient: of the SMTP envelope.
        octets: headers and bodies, signed, CRLF throughout, dots not doubled yet.
    """

    sender: Mailbox
    recipient: Mailbox
    octets: bytes


def compose(header: EnvelopeHeader, rendering: Rendering, *, recipient: str, sender: Sender) -> Message:
    """Returns the letter as bytes, signed.

    Args:
        header: of its envelope; Message-ID, Date and boundary derive from it.
        rendering: its words.
        recipient: the address, as typed.
        sender: whom it comes from.

    Raises:
        UnfitLetter: address or headers cannot be written safely.
    """
    to = Mailbox.parse(recipient)
    words = rendering
    language = safe(words.language)
    boundary = "=_" + hashlib.sha256(b"boundary" + header.id.bytes).hexdigest()[:32]
    fields: tuple[tuple[str, str], ...] = (
        ("Date", format_datetime(header.created_at.astimezone(UTC))),
        ("From", f"{phrase(sender.name)} <{sender.mailbox}>"),
        *(() if sender.reply_to is None else (("Reply-To", f"<{safe(str(sender.reply_to))}>"),)),
        ("To", f"<{safe(str(to))}>"),
        ("Message-ID", f"<{header.id}@{sender.mailbox.domain}>"),
        ("Subject", unstructured(words.subject)),
        ("MIME-Version", "1.0"),
        ("Content-Type", f'multipart/alternative;\r\n boundary="{boundary}"'),
        ("Content-Language", language),
        ("Auto-Submitted", "auto-generated"),
        # Auto-Submitted (RFC 3834) is nothing to Exchange: its answering machines keep quiet for this one (MS-OXCMAIL).
        ("X-Auto-Response-Suppress", "All"),
        # For tests and for sorting: which letter this is, whatever words it is in.
        ("X-Postern-Letter", f"{header.letter_class}/{header.letter}"),
    )
    body = b"\r\n".join(
        (
            *_part("plain", words.text, boundary, language),
            *_part("html", words.html, boundary, language),
            f"--{boundary}--\r\n".encode(),
        )
    )
    if sender.signer is not None:
        fields = (*sender.signer.sign(fields, body, at=header.created_at), *fields)
    return Message(sender=sender.mailbox, recipient=to, octets=write(fields).encode() + b"\r\n" + body)


def _part(subtype: str, body: str, boundary: str, language: str) -> tuple[bytes, bytes]:
    head = (
        f"--{boundary}\r\n"
        f"Content-Type: text/{subtype}; charset=utf-8\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n"
        f"Content-Language: {language}\r\n"
    )
    # Encoded with bare LF and turned into CRLF afterwards: by itself the encoder goes by the first line it meets.
    lines = body.replace("\r\n", "\n").replace("\r", "\n")
    return head.encode(), binascii.b2a_qp(lines.encode(), istext=True).replace(b"\n", b"\r\n")
