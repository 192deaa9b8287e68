"""Which proxies say whom they ask for, and how."""

from __future__ import annotations

from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network

IPNetwork = IPv4Network | IPv6Network


class ForwardingHeader(StrEnum):
    """In which header proxies say whom they ask for. Only one is read: the other may come through from a stranger."""

    X_FORWARDED_FOR = "X-Forwarded-For"
    FORWARDED = "Forwarded"
    """RFC 7239."""
