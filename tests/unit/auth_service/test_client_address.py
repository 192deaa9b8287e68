"""A client's address: the socket's, unless a proxy of ours says whom it asks for."""

import time
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth_service.domain.forwarding import ForwardingHeader
from auth_service.http.client_address import ClientAddresses

PROXIES = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


def client(peer: str, *, xff: str | None = None, forwarded: str | None = None) -> str:
    """Whom a request is taken for where proxies write the header that is given; of both, `X-Forwarded-For`."""
    environ = {"REMOTE_ADDR": peer}
    if xff is not None:
        environ["HTTP_X_FORWARDED_FOR"] = xff
    if forwarded is not None:
        environ["HTTP_FORWARDED"] = forwarded
    header = ForwardingHeader.FORWARDED if xff is None else ForwardingHeader.X_FORWARDED_FOR
    return str(ClientAddresses(trusted=PROXIES, header=header).of(environ))


def test_a_stranger_who_names_another_is_still_himself() -> None:
    assert client("203.0.113.9", xff="198.51.100.1", forwarded="for=198.51.100.1") == "203.0.113.9"


def test_without_configured_proxies_nobody_is_believed() -> None:
    environ = {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "198.51.100.1"}

    assert ClientAddresses().of(environ) == ip_address("127.0.0.1")


@pytest.mark.parametrize(
    ("xff", "address"),
    [
        ("198.51.100.1", "198.51.100.1"),
        ("198.51.100.1:4711", "198.51.100.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]:4711", "2001:db8::1"),
        ("::ffff:198.51.100.1", "198.51.100.1"),
        ("192.0.2.66, 198.51.100.1", "198.51.100.1"),
        ("192.0.2.66, 198.51.100.1, 10.1.2.3", "198.51.100.1"),
        ("10.9.9.9, 10.1.2.3", "10.9.9.9"),
        ("", "10.0.0.1"),
        ("nonsense", "10.0.0.1"),
        ("192.0.2.66, nonsense, 10.1.2.3", "10.1.2.3"),
        ("192.0.2.66,", "10.0.0.1"),
        ("192.0.2.66, 198.51.100.1 , ", "10.0.0.1"),
    ],
)
def test_behind_a_proxy_of_ours_the_nearest_hop_that_is_not_ours_counts(xff: str, address: str) -> None:
    assert client("10.0.0.1", xff=xff) == address


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ("for=198.51.100.1", "198.51.100.1"),
        ('For="198.51.100.1:4711";proto=https;by=10.0.0.1', "198.51.100.1"),
        ('proto=https; for="[2001:db8::1]:4711"', "2001:db8::1"),
        ("for=192.0.2.66, for=198.51.100.1, for=10.1.2.3", "198.51.100.1"),
        ('for="192.0.2.66, for=192.0.2.67", for=198.51.100.1', "198.51.100.1"),
        ('host="a;for=192.0.2.66";for=198.51.100.1', "198.51.100.1"),
        ("for=unknown", "10.0.0.1"),
        ("for=_hidden, for=10.1.2.3", "10.1.2.3"),
        ("proto=https", "10.0.0.1"),
        ("", "10.0.0.1"),
        # A quote that a stranger leaves open swallows what our proxies wrote behind it: nobody is named.
        ('for=192.0.2.66;x=", for=198.51.100.1', "10.0.0.1"),
        ('for=192.0.2.66;x=", for="[2001:db8::1]"', "10.0.0.1"),
        ('for=192.0.2.66;x="\\', "10.0.0.1"),
        ('x="a\\"b, for=192.0.2.66", for=198.51.100.1', "198.51.100.1"),
    ],
)
def test_the_standard_header_says_the_same(forwarded: str, address: str) -> None:
    assert client("10.0.0.1", forwarded=forwarded) == address


def test_the_header_that_proxies_do_not_write_changes_nothing() -> None:
    assert client("10.0.0.1", xff="198.51.100.1", forwarded="for=192.0.2.66") == "198.51.100.1"
    environ = {"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": "192.0.2.66"}
    by_standard = ClientAddresses(trusted=PROXIES, header=ForwardingHeader.FORWARDED)
    assert str(by_standard.of(environ)) == "10.0.0.1"
    assert str(by_standard.of(environ | {"HTTP_FORWARDED": "for=198.51.100.1"})) == "198.51.100.1"


@pytest.mark.parametrize(
    "repeated", ['"', '\\"', '"\\', '"\\"', "for=", ";for=", ';for="', "; ", ",", " ", ', for="a']
)
@pytest.mark.parametrize("end", ["", "\\", '"', ", for=198.51.100.1"])
def test_the_longest_header_takes_no_time_whatever_is_repeated_in_it(repeated: str, end: str) -> None:
    header = '"' + repeated * (16 * 1024 // len(repeated)) + end
    started = time.process_time()
    client("10.0.0.1", forwarded=header)
    client("10.0.0.1", xff=header)
    # It takes a millisecond or two; where each character is looked at once for each other, seconds.
    assert time.process_time() - started < 0.3


@given(st.text(), st.text())
def test_whatever_the_headers_hold_there_is_an_address(xff: str, forwarded: str) -> None:
    assert ip_address(client("10.0.0.1", xff=xff))
    assert ip_address(client("10.0.0.1", forwarded=forwarded))


def passed_on(peer: str, forwarded: str, *, header: ForwardingHeader) -> str:
    """Whom an application's request is for."""
    addresses = ClientAddresses(trusted=PROXIES, header=header)
    return str(addresses.passed_on({"REMOTE_ADDR": peer, "HTTP_FORWARDED": forwarded}))


@pytest.mark.parametrize(
    ("forwarded", "person"),
    [
        ("for=203.0.113.7", "203.0.113.7"),
        ('for="[2001:db8::7]:4711";proto=https', "2001:db8::7"),
        # It appended to what the person's browser, or whoever pretends to be one, had sent it.
        ("for=198.51.100.1, for=203.0.113.7", "None"),
        ("for=203.0.113.7, for=198.51.100.1, for=10.0.0.9", "None"),
        ("for=unknown, for=203.0.113.7", "None"),
        ("for=unknown", "None"),
        ("for=_hidden", "None"),
        ("", "None"),
        ('for="203.0.113.7', "None"),
    ],
)
def test_an_application_says_for_whom_it_calls(forwarded: str, person: str) -> None:
    for header in ForwardingHeader:
        assert passed_on("192.0.2.1", forwarded, header=header) == person
    assert passed_on("10.0.0.1", forwarded, header=ForwardingHeader.X_FORWARDED_FOR) == person
    # Where proxies of ours write this header, too, what they wrote stands behind the application's own word.
    behind = f"{forwarded}, for=192.0.2.1, for=10.0.0.2".removeprefix(", ")
    assert passed_on("10.0.0.1", behind, header=ForwardingHeader.FORWARDED) == person
