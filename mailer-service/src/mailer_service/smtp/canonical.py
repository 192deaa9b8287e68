"""Canonical forms for signing: `relaxed` of RFC 6376, sections 3.4.2 and 3.4.4."""

from __future__ import annotations


def header(name: str, value: str) -> bytes:
    """Returns a header as it is signed: lower-case name, unfolded value, one space for any white space; no line end."""
    return name.lower().encode() + b":" + b" ".join(value.encode().split())


def body(octets: bytes) -> bytes:
    """Returns a body, CRLF throughout, as it is hashed: white space as above, none at the end, no empty lines there."""
    octets = octets.replace(b"\t", b" ")
    while b"  " in octets:
        octets = octets.replace(b"  ", b" ")
    octets = octets.replace(b" \r\n", b"\r\n").rstrip(b"\r\n ")
    return octets + b"\r\n" if octets else b""
