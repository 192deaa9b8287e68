"""The journey through a mail server that many people run: from the request into a Maildir of a real Postfix."""

import re
from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage

import pytest

from dev_inbox.parts import read_parts
from mail_contract.topology import WaitTier, build_topology
from support.broker import VirtualHost
from support.certificates import Authority
from support.eventually import eventually
from support.people import LINK, Gate, Letter
from support.postfix import Postfix, postfix
from support.postfix_files import Listener
from support.services import Services

HOST = "127.0.0.1"
PEOPLE = ("ann@example.com", "first.last+tag@sub.example.net", "ngọc@đà-nẵng.example")
HEADERS = ("Date", "From", "To", "Message-ID", "Subject", "MIME-Version", "Content-Type", "Auto-Submitted")
MESSAGE_ID = re.compile(r"<[0-9a-f-]{36}@postern\.example>")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.below(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def mta(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postfix]:
    stranger = Authority.below(tmp_path_factory.mktemp("stranger"))
    listeners = {
        "without TLS": Listener.plain(),
        "proves its name": Listener.starttls(authority.issue(HOST)),
        "has another name": Listener.starttls(authority.issue("mail.example.org")),
        "signed by a stranger": Listener.starttls(stranger.issue(HOST)),
    }
    with postfix(listeners) as running:
        yield running


@pytest.fixture
def gate(services: Services) -> Iterator[Gate]:
    for service in ("api", "relay", "auth-worker"):
        services.start(service)
    services.wait_until_ready()
    with Gate(services.api) as gate:
        yield gate


def sending_to(mta: Postfix, listener: str, *, scheme: str, trusting: Authority) -> dict[str, str]:
    return {
        "MAILER_SMTP_URL": f"{scheme}://{HOST}:{mta.port(listener)}",
        "SSL_CERT_FILE": str(trusting.certificate_file),
    }


def let_letters_wait(broker: VirtualHost, delay: timedelta) -> None:
    """Make every waiting room give its letters back after `delay`."""
    broker.take_policies_of(build_topology(dict.fromkeys(WaitTier, delay)))


def only_letter(mta: Postfix, address: str, *, within: float = 10.0) -> EmailMessage:
    eventually(lambda: mta.letters(address), within=within)
    (letter,) = mta.letters(address)
    return letter


def read(message: EmailMessage) -> Letter:
    """The letter as a person sees it, after the checks a mail reader would fail at silently."""
    assert message.get_content_type() == "multipart/alternative"
    text, html = message.iter_parts()
    assert [part.get_content_type() for part in (text, html)] == ["text/plain", "text/html"]
    assert not [defect for part in message.walk() for defect in part.defects]
    assert isinstance(text, EmailMessage)
    assert isinstance(html, EmailMessage)
    parts = read_parts(message.as_bytes())
    return Letter(
        id=str(message["Message-ID"]),
        subject=str(message["Subject"]),
        text=text.get_content(),
        html=html.get_content(),
        source=message.as_string(),
        letter=parts.letter or "",
        link=parts.link or "",
        code=parts.code or "",
    )


def test_a_registration_becomes_one_letter_in_a_maildir_and_its_link_verifies(
    mta: Postfix, services: Services, gate: Gate, authority: Authority
) -> None:
    services.start("mailer", n=2, env=sending_to(mta, "without TLS", scheme="smtp", trusting=authority))

    receipts = {address: gate.register(address) for address in PEOPLE}

    for address, receipt in receipts.items():
        message = only_letter(mta, address)
        letter = read(message)
        assert {name: len(message.get_all(name, [])) for name in HEADERS} == dict.fromkeys(HEADERS, 1)
        assert MESSAGE_ID.fullmatch(letter.id)
        assert message["Return-Path"] == "<no-reply@postern.example>"
        assert f'href="{letter.link}"' in letter.html
        assert set(LINK.findall(letter.html.replace('"', " "))) <= {letter.link}
        gate.wait_until(receipt, "sent")
        assert gate.verify(of=address, token=letter.token).json()["email"] == address
        gate.wait_until(receipt, "confirmed")
    assert [len(mta.letters(address)) for address in PEOPLE] == [1, 1, 1]
    assert "with UTF8SMTP " in only_letter(mta, PEOPLE[-1])["Received"]


def test_a_letter_waits_until_the_mail_server_proves_its_name_and_then_travels_encrypted(
    mta: Postfix, services: Services, gate: Gate, authority: Authority
) -> None:
    let_letters_wait(services.at.broker, timedelta(seconds=2))
    waiting: dict[str, str] = {}
    for impostor in ("has another name", "signed by a stranger", "without TLS"):
        settings = sending_to(mta, impostor, scheme="smtp+starttls", trusting=authority)
        services.start("mailer", env=settings)
        address = f"{len(waiting)}@example.com"
        waiting[address] = gate.register(address)
        gate.wait_until(waiting[address], "deferred")
        services.kill("mailer")
    assert not [address for address in waiting if mta.letters(address)]

    services.start(
        "mailer", env=sending_to(mta, "proves its name", scheme="smtp+starttls", trusting=authority)
    )
    for address, receipt in waiting.items():
        gate.wait_until(receipt, "sent")
        assert "with ESMTPS " in only_letter(mta, address)["Received"]
