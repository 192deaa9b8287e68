"""Letters the tests send."""

from __future__ import annotations

from email.message import EmailMessage

SENDER = "no-reply@postern.example"


def letter(
    *, to: str = "an@example.org", subject: str = "Hello", text: str = "Good day.\n", html: str | None = None
) -> bytes:
    message = EmailMessage()
    message["From"] = SENDER
    message["Subject"] = subject
    message["X-To"] = to
    message.set_content(text)
    if html is not None:
        message.add_alternative(html, subtype="html")
    return message.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
