"""The bytes of a letter, written directly: Python's `EmailMessage` takes over a millisecond for the same.

They depend on nothing but the letter: a retry is byte for byte the same, under the same Message-ID, so that a mailbox
that got both can tell. Every line ends with CRLF and none is longer than 998 octets (RFC 5322, section 2.1.1); the
bodies are quoted-printable, so any server takes them.
"""

from __future__ import annotations

import binascii
import hashlib
import re
from dataclasses import dataclass
from datetime import UTC
from email.utils import format_datetime

from mailer_service.delivery.transport import OutgoingLetter
from mailer_service.smtp.address import Mailbox
from mailer_service.smtp.headers import phrase, safe, unstructured, write

_LINE_END = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Whom letters come from.

    Attributes:
        mailbox: the address, also of the envelope.
        name: shown beside it.
    """

    mailbox: Mailbox
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What SMTP is given.

    Attributes:
        sender, recipient: of the SMTP envelope.
        octets: headers and bodies, CRLF throughout, dots not doubled yet.
    """

    sender: Mailbox
    recipient: Mailbox
    octets: bytes


def compose(letter: OutgoingLetter, sender: Sender) -> Message:
    """Returns the letter as bytes; raises UnfitLetter if address or headers cannot be written safely."""
    recipient = Mailbox.parse(letter.recipient)
    words = letter.rendering
    boundary = "=_" + hashlib.sha256(b"boundary" + letter.header.id.bytes).hexdigest()[:32]
    headers = write(
        (
            ("Date", format_datetime(letter.header.created_at.astimezone(UTC))),
            ("From", f"{phrase(sender.name)} <{sender.mailbox}>"),
            ("To", f"<{safe(str(recipient))}>"),
            ("Message-ID", f"<{letter.header.id}@{sender.mailbox.domain}>"),
            ("Subject", unstructured(words.subject)),
            ("MIME-Version", "1.0"),
            ("Content-Type", f'multipart/alternative; boundary="{boundary}"'),
            ("Content-Language", safe(words.language)),
            ("Auto-Submitted", "auto-generated"),
        )
    )
    octets = b"\r\n".join(
        (
            headers.encode(),
            *_part("plain", words.text, boundary, words.language),
            *_part("html", words.html, boundary, words.language),
            f"--{boundary}--\r\n".encode(),
        )
    )
    return Message(sender=sender.mailbox, recipient=recipient, octets=octets)


def _part(subtype: str, body: str, boundary: str, language: str) -> tuple[bytes, bytes]:
    head = (
        f"--{boundary}\r\n"
        f"Content-Type: text/{subtype}; charset=utf-8\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n"
        f"Content-Language: {language}\r\n"
    )
    # Encoded with bare LF and turned into CRLF afterwards: by itself the encoder goes by the first line it meets.
    encoded = binascii.b2a_qp(_LINE_END.sub("\n", body).encode(), istext=True)
    return head.encode(), encoded.replace(b"\n", b"\r\n")
