"""What a server's reply means."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer_service.delivery.outcome import Ambiguous, Dead, TryLater
from mailer_service.delivery.transport import Phase
from mailer_service.smtp.replies import Refused, meaning_of
from mailer_service.smtp.reply import Reply, Silence

BEFORE_DOT = [phase for phase in Phase if phase is not Phase.DOT]
MINUTE = timedelta(minutes=1)


def said(text: str) -> Reply:
    return Reply.read(int(text[:3]), text[4:].encode())


@pytest.mark.parametrize(
    ("phase", "reply", "meaning"),
    [
        (Phase.CONNECT, "554 No SMTP service here", TryLater(reason="554", after=MINUTE)),
        (Phase.CONNECT, "421 4.7.0 Too many connections", TryLater(reason="4.7.0", after=MINUTE)),
        (Phase.AUTH, "535 5.7.8 Bad credentials", TryLater(reason="5.7.8", after=MINUTE)),
        (Phase.MAIL, "530 5.7.0 Authentication required", TryLater(reason="5.7.0", after=5 * MINUTE)),
        (Phase.MAIL, "421 4.3.2 Shutting down", TryLater(reason="4.3.2", after=MINUTE)),
        (Phase.RCPT, "450 4.2.0 Greylisted", TryLater(reason="4.2.0", after=5 * MINUTE)),
        (Phase.RCPT, "450 4.7.1 Greylisted", TryLater(reason="4.7.1", after=5 * MINUTE)),
        (Phase.RCPT, "451 4.3.0 Try again", TryLater(reason="4.3.0")),
        (Phase.RCPT, "451 Try again", TryLater(reason="451")),
        (Phase.RCPT, "452 4.2.2 Mailbox full", TryLater(reason="4.2.2", after=30 * MINUTE)),
        (Phase.RCPT, "550 5.1.1 No such user", Dead(reason="5.1.1")),
        (Phase.RCPT, "550 No such user", Dead(reason="550")),
        (Phase.RCPT, "553 5.6.7 No SMTPUTF8", Dead(reason="address_not_supported")),
        (Phase.DATA, "503 Bad sequence", Dead(reason="503")),
        (Phase.DOT, "554 5.7.1 Spam", Dead(reason="5.7.1")),
        (Phase.DOT, "451 4.3.0 Later", TryLater(reason="4.3.0")),
    ],
)
def test_a_reply_means_what_the_table_says(phase: Phase, reply: str, meaning: Refused) -> None:
    assert meaning_of(phase, said(reply)) == meaning


def test_the_enhanced_code_wins_over_the_basic_one() -> None:
    assert meaning_of(Phase.RCPT, said("550 4.3.0 Busy")) == TryLater(reason="4.3.0")
    assert meaning_of(Phase.RCPT, said("450 5.1.1 Gone")) == Dead(reason="5.1.1")


@pytest.mark.parametrize("silence", list(Silence))
@pytest.mark.parametrize("phase", BEFORE_DOT)
def test_silence_before_the_dot_is_never_the_end_but_for_a_missing_extension(
    phase: Phase, silence: Silence
) -> None:
    meaning = meaning_of(phase, silence)
    if silence is Silence.SMTPUTF8_NOT_OFFERED:
        assert meaning == Dead(reason="address_not_supported")
    else:
        assert isinstance(meaning, TryLater)


@pytest.mark.parametrize("silence", [Silence.TIMEOUT, Silence.CONNECTION_LOST, Silence.GARBAGE])
def test_silence_after_the_dot_is_ambiguous(silence: Silence) -> None:
    meaning = meaning_of(Phase.DOT, silence)
    assert isinstance(meaning, Ambiguous)
    assert meaning.reason == f"{silence}_after_dot"


@given(
    phase=st.sampled_from(list(Phase)),
    code=st.integers(200, 599),
    text=st.binary(max_size=60),
)
def test_every_reply_has_a_meaning_and_a_reportable_reason(phase: Phase, code: int, text: bytes) -> None:
    meaning = meaning_of(phase, Reply.read(code, text))
    assert meaning.reason.replace(".", "").replace("_", "").isalnum()
    assert len(meaning.reason) <= 64
    if phase is Phase.DOT and code < 400:
        assert isinstance(meaning, Ambiguous)


def test_a_reply_of_several_lines_keeps_its_words_without_the_repeated_code() -> None:
    reply = Reply.read(550, b"5.1.1 The account does not exist.\n5.1.1 Please check it.")
    assert reply.enhanced == "5.1.1"
    assert str(reply) == "550 5.1.1 The account does not exist. Please check it."


def test_numbers_that_only_resemble_an_enhanced_code_are_words() -> None:
    assert Reply.read(550, b"5.1.1.7 is your address").enhanced is None
    assert Reply.read(550, b"192.0.2.1 is blocked").enhanced is None
