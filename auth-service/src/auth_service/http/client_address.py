"""① Whose request is it? The socket's peer, and whom it asks for only where the peer is a proxy of ours."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, Final, assert_never

from auth_service.domain.forwarding import ForwardingHeader, IPNetwork

IPAddress = IPv4Address | IPv6Address

_MAX_HOPS: Final = 20
"""What stands further left was written by strangers; nobody has that many proxies."""

# Each alternative begins otherwise, and a quote that is never closed runs to the end: nothing is looked at twice.
_ELEMENT = re.compile(r'(?:[^",]|"(?:[^"\\]|\\.)*(?:"|(\\?\Z)))+', re.DOTALL)
_FOR = re.compile(r'(?:^|;)\s*for\s*=\s*(?:"([^"\\]*)"|([^\s;",]+))\s*(?:;|$)', re.IGNORECASE)
_V4_WITH_PORT = re.compile(r"([0-9.]+):[0-9]{1,5}")
_V6_IN_BRACKETS = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::[0-9]{1,5})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientAddresses:
    """Finds the address a request came from.

    Attributes:
        trusted: networks of proxies whose header is believed; from anybody else it changes nothing.
        header: the one they write.
    """

    trusted: Sequence[IPNetwork] = ()
    header: ForwardingHeader = ForwardingHeader.X_FORWARDED_FOR

    def of(self, environ: Mapping[str, Any]) -> IPAddress:
        """Returns the address of a WSGI request's client.

        Read from the right, each entry was written by the hop before it: the first that is no proxy of ours is the
        client. One that is no address ends the search at the proxy that wrote it.
        """
        peer = _parse(str(environ.get("REMOTE_ADDR", ""))) or IPv4Address(0)
        return self._first_stranger(peer, self._hops(environ)) if self._is_ours(peer) else peer

    def passed_on(self, environ: Mapping[str, Any]) -> IPAddress | None:
        """Returns whose request an application passes on, as `Forwarded` says (RFC 7239); None where it does not.

        To be asked only when the application has proved who it is. It names one; where more stand there, it passed on what a
        stranger had sent it, and none of them is its word. What proxies of ours write into the same header comes behind it.
        """
        fors = list(_fors(str(environ.get("HTTP_FORWARDED", ""))))
        peer = _parse(str(environ.get("REMOTE_ADDR", "")))
        if self.header is ForwardingHeader.FORWARDED and peer is not None and self._is_ours(peer):
            while fors and (hop := _parse(fors.pop())) is not None and self._is_ours(hop):
                pass
        return _parse(fors[0]) if len(fors) == 1 else None

    def _hops(self, environ: Mapping[str, Any]) -> Sequence[str]:
        match self.header:
            case ForwardingHeader.X_FORWARDED_FOR:
                header = str(environ.get("HTTP_X_FORWARDED_FOR", ""))
                return [part.strip() for part in header.rsplit(",", _MAX_HOPS)]
            case ForwardingHeader.FORWARDED:
                return list(_fors(str(environ.get("HTTP_FORWARDED", ""))))
            case _:
                assert_never(self.header)

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


def _fors(header: str) -> Iterator[str]:
    for element in _ELEMENT.finditer(header):
        # What stands in a quote that is not closed is nobody's word: it may be a stranger's, with a proxy's behind it.
        match = _FOR.search(element[0].strip()) if element[1] is None else None
        yield (match[1] or match[2] or "") if match else ""
