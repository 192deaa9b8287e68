"""AUTH (RFC 4954): one mechanism and one try, for every refused one counts against the account."""

from __future__ import annotations

import base64
from collections.abc import Set as AbstractSet


def lines(offered: AbstractSet[str], *, username: str, password: str) -> tuple[bytes, ...]:
    """Returns what to say, without line ends: each but the last is answered by 334, the last by 235.

    PLAIN (RFC 4616) if it is offered, for it takes one round trip; else LOGIN, which only old servers are left with.
    None of them hides the password, so all of this is said under TLS only. Empty if neither is offered.
    """
    user, secret = username.encode(), password.encode()
    if "PLAIN" in offered:
        return (b"AUTH PLAIN " + base64.b64encode(b"\0" + user + b"\0" + secret),)
    if "LOGIN" in offered:
        return (b"AUTH LOGIN", base64.b64encode(user), base64.b64encode(secret))
    return ()
