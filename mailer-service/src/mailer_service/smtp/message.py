"""The bytes of a letter, written directly: Python's `EmailMessage` takes over a millisecond for the same.

They depend on nothing but the letter and the keys it is signed with: a retry is byte for byte the same, under the same
Message-ID, so that a mailbox that got both can tell. Every line ends with CRLF and none is longer than 998 octets
(RFC 5322, section 2.1.1); the bodies are quoted-printable, so any server takes them.
"""

from __future__ import annotations

import binascii
import hashlib
from dataclasses import dataclass
from datetime import UTC
from email.utils import format_datetime

from mail_contract.messages import EnvelopeHeader
from mailer_service.address import Mailbox
from mailer_service.render.rendering import Rendering
from mailer_service.smtp.dkim import Signer
from mailer_service.smtp.headers import phrase, safe, unstructured, write


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Whom letters come from.

    Attributes:
        mailbox: the address, also of the envelope.
        name: shown beside it.
        signer: signs for its domain; None leaves letters unsigned.
    """

    mailbox: Mailbox
    name: str
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
        ("To", f"<{safe(str(to))}>"),
        ("Message-ID", f"<{header.id}@{sender.mailbox.domain}>"),
        ("Subject", unstructured(words.subject)),
        ("MIME-Version", "1.0"),
        ("Content-Type", f'multipart/alternative;\r\n boundary="{boundary}"'),
        ("Content-Language", language),
        ("Auto-Submitted", "auto-generated"),
        # Auto-Submitted (RFC 3834) is nothing to Exchange: its answering machines keep quiet for this one (MS-OXCMAIL).
        ("X-Auto-Response-Suppress", "All"),
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
