"""① Whose request is it? The socket's peer, and whom it asks for only where the peer is a proxy of ours."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any, Final

IPAddress = IPv4Address | IPv6Address
IPNetwork = IPv4Network | IPv6Network

_MAX_HOPS: Final = 20
"""What stands further left was written by strangers; nobody has that many proxies."""

_ELEMENT = re.compile(r'(?:[^",]|"(?:[^"\\]|\\.)*")+')
_FOR = re.compile(r'(?:^|;)\s*for\s*=\s*(?:"([^"\\]*)"|([^\s;",]+))\s*(?:;|$)', re.IGNORECASE)
_V4_WITH_PORT = re.compile(r"([0-9.]+):[0-9]{1,5}")
_V6_IN_BRACKETS = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::[0-9]{1,5})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientAddresses:
    """Finds the address a request came from.

    Attributes:
        trusted: networks of proxies whose `X-Forwarded-For` or `Forwarded` (RFC 7239) is believed; from anybody else
            these headers change nothing.
    """

    trusted: Sequence[IPNetwork] = ()

    def of(self, environ: Mapping[str, Any]) -> IPAddress:
        """Returns the address of a WSGI request's client.

        Read from the right, each entry was written by the hop before it: the first that is no proxy of ours is the
        client. One that is no address ends the search at the proxy that wrote it. Where both headers name somebody and
        disagree, one of them came through unchanged from a stranger: then neither is believed.
        """
        peer = _parse(str(environ.get("REMOTE_ADDR", ""))) or IPv4Address(0)
        if not self._is_ours(peer):
            return peer
        lists = (
            _forwarded_for(str(environ.get("HTTP_X_FORWARDED_FOR", ""))),
            _forwarded(str(environ.get("HTTP_FORWARDED", ""))),
        )
        found = {self._first_stranger(peer, hops) for hops in lists if hops}
        return found.pop() if len(found) == 1 else peer

    def _first_stranger(self, peer: IPAddress, hops: Sequence[str]) -> IPAddress:
        nearest = peer
        for hop in hops[: -_MAX_HOPS - 1 : -1]:
            address = _parse(hop)
            if address is None:
                return nearest
            nearest = address
            if not self._is_ours(address):
                break
        return nearest

    def _is_ours(self, address: IPAddress) -> bool:
        return any(address.version == network.version and address in network for network in self.trusted)


def _parse(text: str) -> IPAddress | None:
    bare = _V4_WITH_PORT.fullmatch(text) or _V6_IN_BRACKETS.fullmatch(text)
    try:
        address = ip_address((bare[1] if bare else text).partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _forwarded_for(header: str) -> list[str]:
    return [part.strip() for part in header.split(",")] if header.strip() else []


def _forwarded(header: str) -> list[str]:
    return list(_fors(header)) if header.strip() else []


def _fors(header: str) -> Iterator[str]:
    for element in _ELEMENT.findall(header):
        match = _FOR.search(element.strip())
        yield (match[1] or match[2] or "") if match else ""
