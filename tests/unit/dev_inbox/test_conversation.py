from __future__ import annotations

import smtplib
import socket

from dev_inbox.script import Phase, Rule
from dev_inbox.server import Inbox
from support.eventually import eventually
from unit.dev_inbox.conftest import Connect
from unit.dev_inbox.letters import SENDER, letter
from unit.dev_inbox.lines import TRANSACTION, codes, greeted


def test_it_offers_what_a_mailer_for_every_script_needs(connect: Connect) -> None:
    client = connect()
    client.ehlo()
    assert {"smtputf8", "8bitmime", "size", "pipelining"} <= set(client.esmtp_features)


def test_a_letter_is_kept_with_its_envelope_and_every_byte(inbox: Inbox, connect: Connect) -> None:
    sent = letter() + b".leading dot\r\n"
    connect().sendmail(SENDER, ["an@example.org", "bo@example.org"], sent)
    (kept,) = inbox.messages()
    assert (kept.sender, kept.recipients) == (SENDER, ("an@example.org", "bo@example.org"))
    assert kept.raw == sent
    assert kept.subject == "Hello"


def test_addresses_in_other_scripts_arrive_as_they_are(inbox: Inbox, connect: Connect) -> None:
    addresses = [
        "nguyễn.văn.an@bưu-điện.example",
        "用户@例子.example",
        "δοκιμή@παράδειγμα.example",
        "משתמש@דוגמה.example",
    ]
    for address in addresses:
        connect().sendmail(SENDER, [address], letter(), mail_options=["SMTPUTF8", "BODY=8BITMIME"])
    assert [message.recipients for message in inbox.messages()] == [
        (address,) for address in reversed(addresses)
    ]


def test_an_address_as_long_as_allowed_is_taken_on_every_connection(inbox: Inbox, connect: Connect) -> None:
    address = f"{'ă' * 32}@{'.'.join(['a' * 60] * 3)}.example"
    first, second = connect(), connect()
    for client in (first, second, first):
        client.sendmail(address, [address], letter(), mail_options=["SMTPUTF8"])
    assert len(inbox.messages(to=address)) == 3


def test_the_null_sender_is_empty(inbox: Inbox, connect: Connect) -> None:
    connect().sendmail("", ["an@example.org"], letter())
    assert inbox.messages()[0].sender == ""


def test_one_connection_carries_many_letters(inbox: Inbox, connect: Connect) -> None:
    client = connect()
    for number in range(20):
        client.sendmail(SENDER, [f"an{number}@example.org"], letter())
    (connection,) = inbox.connections()
    assert (connection.messages, connection.closed_at) == (20, None)


def test_a_hundred_connections_at_once_are_all_served(inbox: Inbox, connect: Connect) -> None:
    clients = [connect() for _ in range(100)]
    for client in clients:
        client.sendmail(SENDER, ["an@example.org"], letter())
    assert len(inbox.messages()) == 100


def test_commands_sent_without_waiting_are_answered_in_order(inbox: Inbox) -> None:
    with greeted(inbox) as (line, replies):
        line.sendall(TRANSACTION)
        assert codes(replies, 3) == [250, 250, 354]
        line.sendall(letter() + b".\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<e@f.example>\r\nQUIT\r\n")
        assert codes(replies, 4) == [250, 250, 250, 221]
    assert [message.recipients for message in inbox.messages()] == [("c@d.example",)]
    assert inbox.connections()[0].pipelined


def test_a_refusal_among_commands_sent_without_waiting_leaves_the_others_in_order(inbox: Inbox) -> None:
    inbox.play(
        Rule(phase=Phase.RCPT, recipient="c@*", reply="550 5.1.1 No such user"),
        Rule(phase=Phase.MAIL, reply="451 4.3.0 Later", times=1),
    )
    with greeted(inbox) as (line, replies):
        line.sendall(TRANSACTION)
        assert codes(replies, 3) == [451, 503, 503]
        line.sendall(TRANSACTION)
        assert codes(replies, 3) == [250, 550, 503]
        line.sendall(b"RSET\r\n" + TRANSACTION.replace(b"DATA", b"RCPT TO:<e@f.example>\r\nDATA"))
        assert codes(replies, 5) == [250, 250, 550, 250, 354]
        line.sendall(letter() + b".\r\n")
        assert codes(replies, 1) == [250]
    assert [message.recipients for message in inbox.messages()] == [("e@f.example",)]


def test_many_letters_may_be_sent_without_waiting(inbox: Inbox) -> None:
    with greeted(inbox) as (line, replies):
        line.sendall(200 * (TRANSACTION + letter() + b".\r\n") + b"QUIT\r\n")
        assert codes(replies, 801) == [250, 250, 354, 250] * 200 + [221]
    assert len(inbox.messages()) == 200


def test_a_client_that_waits_is_not_taken_for_one_that_does_not(inbox: Inbox, connect: Connect) -> None:
    client = connect()
    client.sendmail(SENDER, ["an@example.org"], letter())
    assert not inbox.connections()[0].pipelined
    assert inbox.connections()[0].commands == {"EHLO": 1, "MAIL": 1, "RCPT": 1, "DATA": 1}


def test_a_letter_larger_than_offered_is_refused(inbox: Inbox, connect: Connect) -> None:
    client = connect()
    client.ehlo()
    size = int(client.esmtp_features["size"])
    code, _ = client.mail(SENDER, [f"SIZE={size + 1}"])
    assert code == 552
    assert inbox.messages() == []


def test_a_client_that_leaves_at_once_leaves_nothing_open(inbox: Inbox) -> None:
    for _ in range(50):
        socket.create_connection((inbox.smtp.host, inbox.smtp.port), timeout=5).close()

    def all_are_closed() -> None:
        connections = inbox.connections()
        assert len(connections) == 50
        assert all(connection.closed_at for connection in connections)

    eventually(all_are_closed)


def test_a_client_that_leaves_during_a_delay_is_let_go(inbox: Inbox, connect: Connect) -> None:
    inbox.play(Rule(phase=Phase.CONNECT, delay_seconds=600))
    socket.create_connection((inbox.smtp.host, inbox.smtp.port), timeout=5).close()

    def closed() -> None:
        assert [connection.closed_at is not None for connection in inbox.connections()] == [True]

    eventually(closed)
    inbox.play()
    assert isinstance(connect(), smtplib.SMTP)
