"""The certificate the server proves itself with."""

from __future__ import annotations

import ssl
from pathlib import Path

from dev_inbox.errors import BadCertificate


def read_certificate(certificate: Path, key: Path | None = None) -> ssl.SSLContext:
    """Returns a server's TLS settings (1.2 or later) with the certificate, PEM, and its key, if not in the same file.

    Raises:
        BadCertificate: a file cannot be read, is no such thing, or the two do not belong together.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        # Without a password of its own the library would ask for one on the terminal.
        context.load_cert_chain(certificate, key, password="")
    except OSError as error:
        reason = "not a certificate with its key" if isinstance(error, ssl.SSLError) else error.strerror
        raise BadCertificate(f"{certificate}: {reason}") from error
    return context
