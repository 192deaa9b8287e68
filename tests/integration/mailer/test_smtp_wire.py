"""What a connection says, to the byte, and what it makes of what it hears."""

import base64
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import pytest

from dev_inbox.script import Phase as Moment
from dev_inbox.script import Rule
from dev_inbox.server import Inbox
from dev_inbox.state import Login
from mailer_service.delivery.attempt import Phase
from mailer_service.letters.compose import Message
from mailer_service.letters.renderer import Rendering
from mailer_service.smtp.connection import Connection
from mailer_service.smtp.reply import ConversationFailed, Reply, Silence
from mailer_service.smtp.server import SmtpServer
from mailer_service.smtp.transport import build_tls_context
from support.certificates import Authority, serving
from support.outgoing import SENDER, composed, outgoing
from support.wordy_server import UNKNOWN, WordyServer, wordy_server

BARE = b"250-mail.example\r\n250 HELP\r\n"
PASSWORD = "pässword"
NO_SUCH_USER = b"550 5.1.1 No such user\r\n"
AT_ONCE = ["EHLO", "MAIL", "RCPT", "DATA"]


def soon() -> float:
    return time.monotonic() + 5


@contextmanager
def connected(url: str, *, trusting: Authority | None = None) -> Iterator[Connection]:
    connection = Connection.open(
        SmtpServer.from_url(url),
        tls=trusting.trust if trusting else build_tls_context(),
        hello_name="postern.example",
        operation_seconds=2,
        deadline=soon(),
    )
    try:
        yield connection
    finally:
        connection.close()


def letter(recipient: str = "an@example.org", *, text: str = "Hello\n") -> Message:
    words = Rendering(subject="Hello", text=text, html="<p>Hello</p>\n", language="en")
    return composed(outgoing(recipient, rendering=words), SENDER)


def failing(connection: Connection, message: Message | None = None) -> tuple[Phase, Reply | Silence]:
    with pytest.raises(ConversationFailed) as caught:
        connection.transmit(message or letter(), deadline=soon())
    return caught.value.phase, caught.value.cause


def code(cause: Reply | Silence) -> int:
    assert isinstance(cause, Reply)
    return cause.code


@pytest.fixture
def server() -> Iterator[WordyServer]:
    """Offers PIPELINING and takes everything."""
    with wordy_server() as friendly:
        yield friendly


def test_three_commands_go_in_one_piece_and_the_letter_in_another(server: WordyServer) -> None:
    message = letter()
    with connected(server.url) as connection:
        for _ in range(2):
            assert connection.transmit(message, deadline=soon()).code == 250
        begin = b"MAIL FROM:<no-reply@postern.example>\r\nRCPT TO:<an@example.org>\r\nDATA\r\n"
        assert server.pieces == [b"EHLO postern.example\r\n", *(begin, message.octets + b".\r\n") * 2]


def test_without_pipelining_every_command_waits_for_its_reply() -> None:
    with wordy_server(EHLO=BARE) as server, connected(server.url) as connection:
        assert connection.transmit(letter(), deadline=soon()).code == 250
        assert [piece.split(b"\r\n")[0].split(b":")[0] for piece in server.pieces[1:4]] == [
            b"MAIL FROM",
            b"RCPT TO",
            b"DATA",
        ]


@pytest.mark.parametrize("ehlo", [BARE, b"250-mail.example\r\n250 PIPELINING\r\n"])
@pytest.mark.parametrize(
    ("verb", "phase"), [("MAIL", Phase.MAIL), ("RCPT", Phase.RCPT), ("DATA", Phase.DATA)]
)
def test_a_refusal_belongs_to_the_command_it_answers(ehlo: bytes, verb: str, phase: Phase) -> None:
    refused = {verb: NO_SUCH_USER, "DATA": b"503 5.5.1 No valid recipients\r\n"} | {verb: NO_SUCH_USER}
    with wordy_server(EHLO=ehlo, **refused) as server, connected(server.url) as connection:
        failed = failing(connection)
        assert (failed[0], code(failed[1])) == (phase, 550)
        assert server.verbs[-1] == "RSET"
        assert server.letters == []
        server.replies |= {verb: b"250 2.1.0 Ok\r\n"} | {"DATA": b"354 Go on\r\n"}
        assert connection.transmit(letter(), deadline=soon()).code == 250


def test_a_server_that_wants_a_letter_for_nobody_gets_none(server: WordyServer) -> None:
    server.replies["RCPT"] = NO_SUCH_USER
    with connected(server.url) as connection:
        failed = failing(connection)
        assert (failed[0], code(failed[1])) == (Phase.RCPT, 550)
        assert not connection.usable
    assert server.verbs == AT_ONCE
    assert server.letters == []


def test_what_the_server_says_last_does_not_hide_what_it_said_first(server: WordyServer) -> None:
    server.replies |= {"RCPT": NO_SUCH_USER, "DATA": b"421 4.3.0 Good bye\r\n"}
    with connected(server.url) as connection:
        failed = failing(connection)
        assert (failed[0], code(failed[1])) == (Phase.RCPT, 550)
        assert not connection.usable


@pytest.mark.parametrize(
    ("replies", "phase"),
    [
        ({"MAIL": b"354 Go on\r\n"}, Phase.MAIL),
        ({"MAIL": b"221 2.0.0 Bye\r\n"}, Phase.MAIL),
        ({"RCPT": b"221 2.0.0 Bye\r\n"}, Phase.RCPT),
        ({"RCPT": b"250 Ok\r\n250 Ok\r\n"}, Phase.DATA),
        ({"DATA": b"354 Go on\r\n250 Taken\r\n"}, Phase.DATA),
        ({"DATA": b"250 Taken\r\n"}, Phase.DATA),
        ({"DATA": b"354 Go on\r\n421 4.3.2 Stopping\r\n"}, Phase.DATA),
    ],
)
def test_an_answer_out_of_step_ends_the_session_before_the_letter(
    server: WordyServer, replies: dict[str, bytes], phase: Phase
) -> None:
    server.replies |= replies
    with connected(server.url) as connection:
        assert failing(connection)[0] is phase
        assert not connection.usable
    assert server.letters == []


def test_a_farewell_in_place_of_a_receipt_is_none(server: WordyServer) -> None:
    server.replies["."] = b"221 2.0.0 Bye\r\n"
    with connected(server.url) as connection:
        failed = failing(connection)
        assert (failed[0], code(failed[1])) == (Phase.DOT, 221)
        assert not connection.usable


def test_a_transaction_that_cannot_be_ended_ends_the_session(server: WordyServer) -> None:
    server.replies |= {"MAIL": b"450 4.2.1 Not now\r\n", "DATA": b"503 5.5.1 What?\r\n", "RSET": UNKNOWN}
    with connected(server.url) as connection:
        failed = failing(connection)
        assert (failed[0], code(failed[1])) == (Phase.MAIL, 450)
        assert not connection.usable


@pytest.mark.parametrize(
    "reply",
    [
        b"hello\r\n",
        b"25\r\n",
        b"2500 Ok\r\n",
        b"199 Ok\r\n",
        b"600 Ok\r\n",
        b"250-Ok\r\n550 No\r\n",
        b"250-Ok\r\nhello\r\n",
        b"250 \x00" + b"x" * 9000 + b"\r\n",
        b"250-" + b"x" * 1000 + b"\r\n",
        b"\xff\xfe\r\n",
    ],
)
def test_what_is_no_reply_is_garbage(server: WordyServer, reply: bytes) -> None:
    server.replies["MAIL"] = reply * (100 if reply.startswith(b"250-xx") else 1)
    with connected(server.url) as connection:
        assert failing(connection) == (Phase.MAIL, Silence.GARBAGE)
        assert not connection.usable


def test_a_reply_of_many_lines_in_many_pieces_is_one_reply() -> None:
    with Inbox() as inbox:
        inbox.play(
            Rule(phase=Moment.RCPT, reply="550-5.1.1 No\n550-5.1.1 such\n550 5.1.1 user", byte_seconds=0.001)
        )
        with connected(inbox.smtp_url) as connection:
            failed = failing(connection)
        assert failed == (Phase.RCPT, Reply(code=550, enhanced="5.1.1", text="No such user"))


def test_a_letter_beyond_the_offered_size_is_not_even_begun(server: WordyServer) -> None:
    message = letter()
    size = len(message.octets)
    server.replies["EHLO"] = f"250-mail.example\r\n250-PIPELINING\r\n250 SIZE {size - 1}\r\n".encode()
    with connected(server.url) as connection:
        assert failing(connection, message) == (Phase.MAIL, Silence.TOO_LARGE)
        assert connection.usable
        assert server.verbs == ["EHLO"]


@pytest.mark.parametrize("limit", ["", " 0", " {size}", " 99999999999999999999", " what"])
def test_the_size_of_a_letter_is_told_where_it_may_be(server: WordyServer, limit: str) -> None:
    message = letter()
    size = len(message.octets)
    server.replies["EHLO"] = f"250-mail.example\r\n250 SIZE{limit.format(size=size)}\r\n".encode()
    with connected(server.url) as connection:
        assert connection.transmit(message, deadline=soon()).code == 250
    assert f"MAIL FROM:<no-reply@postern.example> SIZE={size}\r\n".encode() in server.heard


def test_letters_are_the_same_to_the_byte_whatever_a_server_offers() -> None:
    words = Rendering(subject="Xác nhận", text="địa chỉ e-mail\n", html="<p>địa chỉ</p>\n", language="vi")
    message = composed(outgoing(rendering=words), SENDER)
    for ehlo in (BARE, b"250-mail.example\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 PIPELINING\r\n"):
        with wordy_server(EHLO=ehlo) as server, connected(server.url) as connection:
            connection.transmit(message, deadline=soon())
        assert server.letters == [message.octets]
        assert server.heard.isascii()
        assert b"BODY=" not in server.heard


@pytest.mark.parametrize(
    ("offered", "options"),
    [("8BITMIME\r\n250 SMTPUTF8", " BODY=8BITMIME SMTPUTF8"), ("PIPELINING\r\n250 SMTPUTF8", " SMTPUTF8")],
)
def test_an_address_beyond_ascii_is_sent_as_utf_8_with_its_options(
    server: WordyServer, offered: str, options: str
) -> None:
    server.replies["EHLO"] = f"250-mail.example\r\n250-{offered}\r\n".encode()
    with connected(server.url) as connection:
        connection.transmit(letter("nguyễn@bücher.example"), deadline=soon())
    assert f"MAIL FROM:<no-reply@postern.example>{options}\r\n".encode() in server.heard
    assert "RCPT TO:<nguyễn@xn--bcher-kva.example>\r\n".encode() in server.heard
    assert "\r\nTo: <nguyễn@xn--bcher-kva.example>\r\n".encode() in server.letters[0]


def test_an_address_beyond_ascii_is_not_even_begun_where_nobody_could_take_it(server: WordyServer) -> None:
    with connected(server.url) as connection:
        failed = failing(connection, letter("nguyễn@example.org"))
        assert failed == (Phase.MAIL, Silence.SMTPUTF8_NOT_OFFERED)
        assert server.verbs == ["EHLO"]


@pytest.mark.parametrize(
    "text",
    [
        ".\n",
        ".\nMAIL FROM:<x@y.example>\nRCPT TO:<an@z.example>\n",
        "a\r\n.\r\nMAIL FROM:<x@y.example>\r\n",
        "a\n.\r\nMAIL FROM:<x@y.example>\r\n",
        "a\n.\nMAIL FROM:<x@y.example>\n",
        "a\r.\rMAIL FROM:<x@y.example>\r",
        "a\r\n.\rMAIL FROM:<x@y.example>\r",
        "a\r.\r\nMAIL FROM:<x@y.example>\r\n",
        "a\n..\n.\n",
        "a\x00\r\n.\r\n",
        "a\x85.\x85\u2028.\u2029",
        "a\r\n.",
    ],
)
def test_no_text_ends_the_letter_or_hides_another_behind_it(server: WordyServer, text: str) -> None:
    with connected(server.url) as connection:
        connection.transmit(letter(text=text), deadline=soon())
        connection.transmit(letter(), deadline=soon())
    begin = ["MAIL", "RCPT", "DATA", "."]
    assert server.verbs[:9] == ["EHLO", *begin, *begin]
    octets = server.letters[0]
    assert octets.count(b"\r") == octets.count(b"\n") == octets.count(b"\r\n")
    assert octets.isascii()
    assert b"\0" not in octets


def test_a_server_that_knows_no_ehlo_is_greeted_the_old_way() -> None:
    with wordy_server(EHLO=b"502 Unknown\r\n", HELO=b"250 mail.example\r\n") as server:
        with connected(server.url) as connection:
            assert connection.transmit(letter(), deadline=soon()).code == 250
        assert server.verbs[:5] == ["EHLO", "HELO", "MAIL", "RCPT", "DATA"]


def test_a_kept_connection_notices_what_the_server_says_unasked(server: WordyServer) -> None:
    server.replies["."] = b"250 2.0.0 Taken\r\n421 4.4.2 Idle\r\n"
    with connected(server.url) as connection:
        assert connection.looks_alive()
        connection.transmit(letter(), deadline=soon())
        assert not connection.looks_alive()
        failed = failing(connection)
        assert (failed[0], code(failed[1])) == (Phase.MAIL, 421)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority.below(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def guarded(authority: Authority) -> Iterator[Inbox]:
    """Takes mail under TLS from those who know the password."""
    login = Login(user="postern", password=PASSWORD)
    with Inbox(tls=serving(authority.issue("127.0.0.1")), login=login) as inbox:
        yield inbox


def with_login(inbox: Inbox, *, password: str = quote(PASSWORD)) -> str:
    return f"smtps://postern:{password}@{inbox.smtps}"


@pytest.mark.parametrize(
    "mechanisms", ["PLAIN LOGIN", "CRAM-MD5 LOGIN PLAIN", "LOGIN CRAM-MD5", "LOGIN", "=LOGIN"]
)
def test_the_account_is_named_once_by_a_mechanism_on_offer(
    guarded: Inbox, authority: Authority, mechanisms: str
) -> None:
    auth = "AUTH" if mechanisms.startswith("=") else "AUTH "
    guarded.play(Rule(phase=Moment.EHLO, reply=f"250-inbox\n250 {auth}{mechanisms}"))
    with connected(with_login(guarded), trusting=authority) as connection:
        assert connection.transmit(letter(), deadline=soon()).code == 250
    assert (guarded.totals().logins_tried, guarded.totals().logins_in_clear) == (1, 0)


@pytest.mark.parametrize("mechanisms", ["PLAIN LOGIN CRAM-MD5", "LOGIN"])
def test_a_refused_account_counts_one_failed_login(
    guarded: Inbox, authority: Authority, mechanisms: str
) -> None:
    guarded.play(Rule(phase=Moment.EHLO, reply=f"250-inbox\n250 AUTH {mechanisms}"))
    with (
        pytest.raises(ConversationFailed) as caught,
        connected(with_login(guarded, password="wrong"), trusting=authority),
    ):
        pass
    assert caught.value.phase is Phase.AUTH
    assert code(caught.value.cause) == 535
    assert guarded.totals().logins_tried == 1
    for secret in (b"wrong", base64.b64encode(b"wrong"), base64.b64encode(b"\0postern\0wrong")):
        assert secret.decode() not in f"{caught.value!r} {caught.value.__cause__!r}"


@pytest.mark.parametrize("offered", ["AUTH CRAM-MD5 XOAUTH2", "HELP"])
def test_an_account_is_not_named_by_mechanisms_that_are_not_there(
    guarded: Inbox, authority: Authority, offered: str
) -> None:
    guarded.play(Rule(phase=Moment.EHLO, reply=f"250-inbox\n250 {offered}"))
    with pytest.raises(ConversationFailed) as caught, connected(with_login(guarded), trusting=authority):
        pass
    assert (caught.value.phase, caught.value.cause) == (Phase.AUTH, Silence.AUTH_NOT_OFFERED)
    assert guarded.totals().logins_tried == 0


def test_words_behind_the_reply_to_starttls_have_a_name_of_their_own(
    guarded: Inbox, authority: Authority
) -> None:
    guarded.play(Rule(phase=Moment.STARTTLS, reply="220 Go ahead\r\n250-injected\r\n250 AUTH PLAIN"))
    url = f"smtp+starttls://postern:secret@{guarded.smtp}"
    with pytest.raises(ConversationFailed) as caught, connected(url, trusting=authority):
        pass
    assert (caught.value.phase, caught.value.cause) == (Phase.TLS, Silence.INJECTED)
    assert guarded.totals().logins_tried == 0


@pytest.mark.parametrize(
    ("banner", "words"),
    [
        (b"220-mail.example\r\n521 5.7.1 blocked\r\n", "521 5.7.1 blocked"),
        (b"521 5.7.1 blocked\r\n", "521 5.7.1 blocked"),
        (
            b"554-mail.example\r\n554-No SMTP service\r\n554 Bad PTR\r\n",
            "554 mail.example\nNo SMTP service\nBad PTR",
        ),
    ],
)
def test_a_banner_that_refuses_keeps_the_servers_words(banner: bytes, words: str) -> None:
    with (
        wordy_server(BANNER=banner) as unwilling,
        pytest.raises(ConversationFailed) as caught,
        connected(unwilling.url),
    ):
        pass
    assert caught.value.phase is Phase.CONNECT
    assert str(caught.value.cause) == words
