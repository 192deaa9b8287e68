"""What a server's reply means: every row of the table, at every phase where it differs."""

import time
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailer_service.db.tables import Scope
from mailer_service.delivery.attempt import Phase
from mailer_service.delivery.outcome import (
    Ambiguous,
    Concern,
    Dead,
    Meaning,
    OtherProvider,
    Pause,
    Sent,
    Suppress,
    Tries,
    TryLater,
    Verdict,
)
from mailer_service.smtp.reply import MAX_CHARACTERS, Reply, Silence
from mailer_service.smtp.reply_table import meaning_of

CONNECT, TLS, EHLO, AUTH = Phase.CONNECT, Phase.TLS, Phase.EHLO, Phase.AUTH
MAIL, RCPT, DATA, DOT = Phase.MAIL, Phase.RCPT, Phase.DATA, Phase.DOT
SESSION = [CONNECT, TLS, EHLO, AUTH]
BEFORE_DOT = [phase for phase in Phase if phase is not DOT]
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)

NEVER_TAKEN = {Silence.SMTPUTF8_NOT_OFFERED, Silence.TOO_LARGE}

NO_MAILBOX = Suppress(scope=Scope.RECIPIENT, lifetime=90 * DAY, absent=True)
NO_MAILBOX_NOW = Suppress(scope=Scope.RECIPIENT, lifetime=DAY)
OFTEN_FULL = Suppress(scope=Scope.RECIPIENT, lifetime=90 * DAY, after=3)
NO_DOMAIN_NOW = Suppress(scope=Scope.DOMAIN, lifetime=DAY, absent=True)


def said(text: str) -> Reply:
    return Reply.read(int(text[:3]), text[4:].encode())


def later(reason: str, minutes: int = 0, *, tries: Tries | None = None) -> TryLater:
    return TryLater(reason=reason, after=timedelta(minutes=minutes), tries=tries)


def few(kind: str) -> Tries:
    return Tries(kind=kind, at_most=3)


def while_not_set_up(reason: str) -> OtherProvider:
    return OtherProvider(reason=reason, otherwise=later(reason, 1, tries=few("set_up")))


def away(reason: str) -> OtherProvider:
    return OtherProvider(reason=reason, otherwise=later(reason, 1))


def elsewhere(reason: str) -> OtherProvider:
    return OtherProvider(reason=reason, otherwise=Dead(reason=reason))


def greylisted(reason: str) -> TryLater:
    return TryLater(reason=reason, after=5 * MINUTE, same_provider=True)


def dead(reason: str, suppress: Suppress | None = None) -> Dead:
    return Dead(reason=reason, suppress=suppress)


ROWS: list[tuple[Phase, str, Verdict, Concern, bool]] = [
    # 250 after the final dot
    (DOT, "250 2.0.0 Ok: queued", Sent(), Concern.NONE, False),
    (DOT, "221 2.0.0 Bye", Ambiguous(reason="2.0.0_after_dot", after=MINUTE), Concern.NONE, False),
    (DOT, "354 Go on", Ambiguous(reason="354_after_dot", after=MINUTE), Concern.NONE, False),
    # 421; 432 and 454 4.7.0
    (CONNECT, "421 4.7.0 Too many connections", away("4.7.0"), Concern.PROVIDER, False),
    (MAIL, "421 4.3.2 Shutting down", away("4.3.2"), Concern.PROVIDER, False),
    (RCPT, "421 4.3.2 Shutting down", away("4.3.2"), Concern.PROVIDER, False),
    (RCPT, "421 4.7.0 Too many to example.org", later("4.7.0", 1), Concern.DOMAIN, False),
    (DOT, "421 4.7.28 Rate", later("4.7.28", 1), Concern.DOMAIN, False),
    (DATA, "421 Later", later("421", 1), Concern.DOMAIN, False),
    (RCPT, "450 4.7.0 Slow down", later("4.7.0", 1), Concern.DOMAIN, False),
    (MAIL, "450 4.7.0 Slow down", away("4.7.0"), Concern.PROVIDER, False),
    (RCPT, "221 2.0.0 Bye", away("2.0.0"), Concern.PROVIDER, False),
    (TLS, "454 4.7.0 TLS not available", away("4.7.0"), Concern.PROVIDER, True),
    (AUTH, "454 4.7.0 Temporary authentication failure", away("4.7.0"), Concern.PROVIDER, True),
    (AUTH, "432 4.7.12 Password transition", away("4.7.12"), Concern.PROVIDER, False),
    (MAIL, "454 4.7.0 Later", away("4.7.0"), Concern.PROVIDER, True),
    (RCPT, "454 4.7.1 Not now", later("4.7.1", 1), Concern.DOMAIN, True),
    # Greylisting
    (RCPT, "450 4.2.0 Greylisted", greylisted("4.2.0"), Concern.NONE, False),
    (RCPT, "450 4.7.1 Greylisted", greylisted("4.7.1"), Concern.NONE, False),
    (DOT, "451 4.7.1 Greylisted", greylisted("4.7.1"), Concern.NONE, False),
    # This recipient, for now
    (RCPT, "450 4.2.1 Receives too much", later("4.2.1", 5), Concern.RECIPIENT, False),
    # The system, for now
    (RCPT, "451 4.3.0 Try again", later("4.3.0"), Concern.NONE, False),
    (DOT, "451 4.4.1 No answer", later("4.4.1"), Concern.NONE, False),
    (MAIL, "452 4.3.1 Disk full", later("4.3.1"), Concern.NONE, False),
    # Full, for now
    (
        RCPT,
        "452 4.2.2 Mailbox full",
        TryLater(reason="4.2.2", after=30 * MINUTE, tries=few("full"), ends_dead=True),
        Concern.NONE,
        False,
    ),
    # Our fault
    *[
        (phase, f"{code} {enhanced}No", dead(enhanced.strip() or str(code)), Concern.NONE, True)
        for phase in (MAIL, RCPT, DATA, DOT)
        for code in (500, 501, 502, 503, 504, 555)
        for enhanced in ("", "5.5.2 ")
    ],
    # A domain without mail
    (RCPT, "556 5.1.10 Null MX", dead("5.1.10", NO_DOMAIN_NOW), Concern.NONE, False),
    (RCPT, "556 5.1.10 No", dead("5.1.10", NO_DOMAIN_NOW), Concern.NONE, False),
    (RCPT, "550 5.1.10 Recipient address has null MX", dead("5.1.10", NO_DOMAIN_NOW), Concern.NONE, False),
    (RCPT, "550 Host does not accept mail", dead("550", NO_DOMAIN_NOW), Concern.NONE, False),
    (RCPT, "521 5.3.2 No mail here", dead("5.3.2", NO_DOMAIN_NOW), Concern.NONE, False),
    (DOT, "556 No mail there", dead("556", NO_DOMAIN_NOW), Concern.NONE, False),
    (CONNECT, "521 No mail here", away("521"), Concern.PROVIDER, False),
    # The provider's account
    *[
        (phase, f"{code} 5.7.0 No", Pause(reason="5.7.0"), Concern.ACCOUNT, True)
        for phase in (EHLO, AUTH, MAIL, RCPT, DATA, DOT)
        for code in (530, 534, 535)
    ],
    (AUTH, "550 5.7.1 Account locked", Pause(reason="5.7.1"), Concern.ACCOUNT, True),
    (AUTH, "504 5.5.4 Mechanism", Pause(reason="5.5.4"), Concern.ACCOUNT, True),
    # No such mailbox
    *[
        (phase, f"{code} {enhanced} No", dead(enhanced, NO_MAILBOX), Concern.NONE, False)
        for phase in (RCPT, DATA, DOT)
        for code, enhanced in (
            (550, "5.1.1"), (551, "5.1.1"), (550, "5.1.6"), (551, "5.1.6"), (550, "5.2.1"), (553, "5.1.3"),
            (550, "5.1.10"), (550, "5.1.351")
        )
    ],
    (RCPT, "525 5.7.13 Account disabled", dead("5.7.13", NO_MAILBOX), Concern.NONE, False),
    (DOT, "525 5.7.13 Account disabled", Pause(reason="5.7.13"), Concern.ACCOUNT, True),
    (RCPT, "550 5.4.1 [x]: Recipient address rejected: Access denied", dead("5.4.1", NO_MAILBOX), Concern.NONE, False),
    (RCPT, "550 5.7.1 User unknown", dead("5.7.1", NO_MAILBOX), Concern.NONE, False),
    (DOT, "550 Unknown user", dead("550", NO_MAILBOX), Concern.NONE, False),
    (RCPT, "550 5.1.2 No such domain", dead("5.1.2", NO_MAILBOX_NOW), Concern.NONE, False),
    # Policy and reputation
    *[
        (phase, reply, elsewhere(reply[4:].split()[0]), Concern.NONE, False)
        for phase in (MAIL, RCPT, DATA, DOT)
        for reply in ("550 5.7.1 Policy", "554 5.7.1 Spam", "554 5.7.9 Policy")
    ],
    # Who we are is refused: nobody is suppressed, and it does not die in silence
    *[
        (phase, reply, elsewhere(reply[4:].split()[0]), Concern.NONE, True)
        for phase in (MAIL, RCPT, DATA, DOT)
        for reply in ("550 5.7.606 Banned", "554 5.7.1 Blocked", "550 5.7.1 SPF fail", "550 5.7.25 No reverse DNS")
    ],
    *[
        (RCPT, reply, elsewhere("550" if reply[:3] == "550" else "554"), Concern.NONE, True)
        for reply in ("550 DMARC check failed", "554 Host network not allowed", "550 No reverse DNS, go away")
    ],
    # A daily quota is the provider's account, whenever and however it is said
    *[
        (phase, reply, Pause(reason=reason), Concern.QUOTA, True)
        for phase in (MAIL, RCPT, DOT)
        for reply, reason in (
            ("550 5.4.5 Anything", "5.4.5"),
            ("550 5.1.90 Anything", "5.1.90"),
            ("554 5.2.0 SubmissionQuotaExceededException", "5.2.0"),
            ("454 Throttling failure: Daily message quota exceeded", "454"),
        )
    ],
    # Our set-up, if others say so too
    *[
        (RCPT, reply, while_not_set_up(reply.split()[1] if reply[4] == "5" else reply[:3]), Concern.SET_UP, True)
        for reply in (
            "554 5.7.1 Relay access denied",
            "550 relay not permitted",
            "553 5.7.1 Sender address rejected: not owned by user mailer",
            "554 Message rejected: Email address is not verified.",
            "550 5.1.7 Bad sender",
        )
    ],
    (RCPT, "454 4.7.1 Relay access denied", away("4.7.1"), Concern.SET_UP, True),
    (MAIL, "553 5.7.1 Sender address rejected: not owned by user", Pause(reason="5.7.1"), Concern.ACCOUNT, True),
    # Too much for now, with any code
    *[
        (phase, f"{code} receiving mail at a rate that", later(reason, 5), Concern.RECIPIENT, False)
        for phase in (RCPT, DOT)
        for code, reason in (("450 4.2.1", "4.2.1"), ("550 5.2.1", "5.2.1"), ("550", "550"), ("421 4.7.0", "4.7.0"))
    ],
    *[
        (RCPT, f"{code} {words}", later(code.split()[-1], 5), Concern.DOMAIN, False)
        for code in ("450", "550", "550 5.7.1", "421 4.7.28")
        for words in ("Ip frequency limited", "You send too quickly")
    ],
    (MAIL, "550 Sender frequency limited", away("550"), Concern.PROVIDER, False),
    # It may pass
    (RCPT, "550 5.2.1 Mailbox temporarily disabled", later("5.2.1", 5, tries=few("moment")), Concern.NONE, False),
    (RCPT, "554 Try again later", later("554", 5, tries=few("moment")), Concern.NONE, False),
    (DOT, "451 Greylisted", greylisted("451"), Concern.NONE, False),
    (DOT, "550 5.7.26 Unauthenticated", Pause(reason="5.7.26"), Concern.ACCOUNT, True),
    # Full
    (RCPT, "552 5.2.2 Mailbox full", dead("5.2.2", OFTEN_FULL), Concern.NONE, False),
    (DOT, "552 Mailbox full", dead("552", OFTEN_FULL), Concern.NONE, False),
    # Size
    (MAIL, "552 5.3.4 Too big", dead("5.3.4"), Concern.NONE, True),
    (DOT, "554 5.3.4 Too big", dead("5.3.4"), Concern.NONE, True),
    (MAIL, "552 Too big", dead("552"), Concern.NONE, True),
    # SMTPUTF8
    (RCPT, "553 5.6.7 No SMTPUTF8", dead("address_not_supported"), Concern.NONE, False),
    (MAIL, "550 5.6.7 No SMTPUTF8", dead("address_not_supported"), Concern.NONE, False),
    # The banner
    (CONNECT, "554 No SMTP service here", away("554"), Concern.PROVIDER, False),
    (CONNECT, "554 5.7.1 Not you", away("5.7.1"), Concern.PROVIDER, False),
    # By phase
    *[
        (RCPT, f"{code} No", dead(str(code), NO_MAILBOX_NOW), Concern.NONE, False)
        for code in (550, 551, 553, 554)
    ],
    *[(MAIL, f"{code} No", Pause(reason=str(code)), Concern.ACCOUNT, True) for code in (550, 553, 554)],
    (MAIL, "550 5.1.7 Bad sender", Pause(reason="5.1.7"), Concern.ACCOUNT, True),
    (RCPT, "550 5.1.0 No", dead("5.1.0", NO_MAILBOX_NOW), Concern.NONE, False),
    *[(phase, f"{code} No", dead(str(code)), Concern.NONE, False) for phase in (DATA, DOT) for code in (550, 554)],
    # Anything else
    (RCPT, "450 Try again", later("450"), Concern.NONE, False),
    (DOT, "451 Try again", later("451"), Concern.NONE, False),
    (RCPT, "450 4.5.3 Odd", later("4.5.3"), Concern.NONE, False),
    (RCPT, "550 5.4.1 Odd", later("5.4.1", 1, tries=few("odd")), Concern.NONE, False),
    (DOT, "571 Odd", later("571", 1, tries=few("odd")), Concern.NONE, False),
    (DATA, "250 Odd", later("250", 1, tries=few("odd")), Concern.NONE, False),
    (RCPT, "354 Odd", later("354", 1, tries=few("odd")), Concern.NONE, False),
    (EHLO, "500 What", away("500"), Concern.PROVIDER, False),
]  # fmt: skip


@pytest.mark.parametrize(
    ("phase", "reply", "verdict", "concern", "alarm"), ROWS, ids=[f"{row[0]}-{row[1]}" for row in ROWS]
)
def test_a_reply_means_what_the_table_says(
    phase: Phase, reply: str, verdict: Verdict, concern: Concern, alarm: bool
) -> None:
    assert meaning_of(phase, said(reply)) == Meaning(verdict=verdict, concern=concern, alarm=alarm)


@pytest.mark.parametrize(
    ("reply", "like"),
    [
        ("550 4.3.0 Busy", "451 4.3.0"),
        ("450 5.1.1 Gone", "550 5.1.1"),
        ("500 5.1.1 Gone", "550 5.1.1"),
        ("552 5.7.1 Policy", "550 5.7.1"),
        ("421 5.1.1 Gone", "550 5.1.1"),
        ("521 5.2.1 Disabled", "550 5.2.1"),
    ],
)
def test_the_enhanced_code_wins_over_the_basic_one(reply: str, like: str) -> None:
    assert meaning_of(RCPT, said(reply)) == meaning_of(RCPT, said(like))


def test_an_enhanced_code_is_not_taken_for_one_that_begins_like_it() -> None:
    assert meaning_of(RCPT, said("556 5.1.10 Gone")) != meaning_of(RCPT, said("556 5.1.1 Gone"))
    assert meaning_of(RCPT, said("450 4.7.10 Odd")).verdict == later("4.7.10")


@pytest.mark.parametrize("silence", [s for s in Silence if s not in NEVER_TAKEN])
@pytest.mark.parametrize("phase", BEFORE_DOT)
def test_silence_before_the_dot_is_certain_never_the_end_and_another_provider_may_be_asked(
    phase: Phase, silence: Silence
) -> None:
    verdict = meaning_of(phase, silence).verdict
    assert isinstance(verdict, OtherProvider)
    assert isinstance(verdict.otherwise, TryLater)


@pytest.mark.parametrize("phase", SESSION)
@pytest.mark.parametrize("silence", [Silence.TIMEOUT, Silence.REFUSED, Silence.NAME_NOT_FOUND])
def test_a_provider_that_cannot_be_reached_is_away(phase: Phase, silence: Silence) -> None:
    assert meaning_of(phase, silence).concern is Concern.PROVIDER


@pytest.mark.parametrize(
    "silence", [Silence.TLS_FAILED, Silence.TLS_NOT_OFFERED, Silence.INJECTED, Silence.AUTH_NOT_OFFERED]
)
def test_a_session_that_cannot_be_protected_raises_an_alarm(silence: Silence) -> None:
    meaning = meaning_of(AUTH if silence is Silence.AUTH_NOT_OFFERED else TLS, silence)
    assert (meaning.alarm, meaning.concern) == (True, Concern.PROVIDER)


def test_a_silence_at_rcpt_slows_the_domain_and_not_the_provider() -> None:
    assert meaning_of(RCPT, Silence.TIMEOUT).concern is Concern.DOMAIN
    assert meaning_of(RCPT, Silence.CONNECTION_LOST).concern is Concern.PROVIDER


def test_garbage_is_tried_a_few_times() -> None:
    some = later("protocol_error", 1, tries=few("odd"))
    assert meaning_of(RCPT, Silence.GARBAGE) == Meaning(
        verdict=OtherProvider(reason="protocol_error", otherwise=some)
    )


def test_a_letter_larger_than_the_servers_limit_is_our_fault() -> None:
    assert meaning_of(MAIL, Silence.TOO_LARGE) == Meaning(
        verdict=Dead(reason="message_too_large"), alarm=True
    )


def test_an_address_that_needs_an_extension_may_find_it_elsewhere() -> None:
    assert meaning_of(MAIL, Silence.SMTPUTF8_NOT_OFFERED).verdict == OtherProvider(
        reason="smtputf8_not_offered", otherwise=Dead(reason="address_not_supported")
    )


@pytest.mark.parametrize("silence", [Silence.TIMEOUT, Silence.CONNECTION_LOST, Silence.GARBAGE])
def test_silence_after_the_dot_is_ambiguous_and_never_a_failover(silence: Silence) -> None:
    assert meaning_of(DOT, silence).verdict == Ambiguous(reason=f"{silence}_after_dot", after=MINUTE)


def test_a_reply_we_no_longer_wait_for_says_nothing_about_the_server() -> None:
    assert meaning_of(DOT, Silence.STOPPED) == Meaning(
        verdict=Ambiguous(reason="stopped_after_dot", after=MINUTE), concern=Concern.NONE
    )


@given(phase=st.sampled_from(list(Phase)), code=st.integers(200, 599), text=st.binary(max_size=60))
def test_every_reply_has_a_meaning_and_a_reportable_reason(phase: Phase, code: int, text: bytes) -> None:
    verdict = meaning_of(phase, Reply.read(code, text)).verdict
    if isinstance(verdict, Sent):
        assert phase is DOT
        return
    assert verdict.reason.replace(".", "").replace("_", "").isalnum()
    assert len(verdict.reason) <= 64
    if phase is DOT and code < 400:
        assert isinstance(verdict, Ambiguous)


@given(code=st.integers(400, 599), enhanced=st.from_regex(r"[45]\.[0-9]\.[0-9]{1,2} ", fullmatch=True))
def test_what_comes_before_mail_never_ends_a_letter(code: int, enhanced: str) -> None:
    for phase in SESSION:
        verdict = meaning_of(phase, Reply.read(code, enhanced.encode())).verdict
        assert isinstance(verdict, Pause) or (
            isinstance(verdict, OtherProvider) and isinstance(verdict.otherwise, TryLater)
        )


@given(code=st.integers(500, 599), enhanced=st.sampled_from(["", "5.7.0", "5.7.8", "5.7.26", "5.5.1"]))
def test_what_is_our_providers_business_suppresses_nobody(code: int, enhanced: str) -> None:
    for phase in (*SESSION, MAIL):
        verdict = meaning_of(phase, Reply.read(code, enhanced.encode())).verdict
        assert not (isinstance(verdict, Dead) and verdict.suppress)


def test_a_reply_of_several_lines_keeps_its_words_without_the_repeated_code() -> None:
    reply = Reply.read(550, b"5.1.1 The account does not exist.\n5.1.1 Please check it.")
    assert reply.enhanced == "5.1.1"
    assert str(reply) == "550 5.1.1 The account does not exist. Please check it."


def test_numbers_that_only_resemble_an_enhanced_code_are_words() -> None:
    assert Reply.read(550, b"5.1.1.7 is your address").enhanced is None
    assert Reply.read(550, b"192.0.2.1 is blocked").enhanced is None


@pytest.mark.parametrize(
    ("reply", "like"),
    [
        ("550 sorry, no mailbox here. (#5.1.1)", "550 5.1.1 Gone"),
        ("550 #5.7.1 Rejected", "550 5.7.1 Rejected"),
    ],
)
def test_an_enhanced_code_is_also_read_as_qmail_and_gateways_write_it(reply: str, like: str) -> None:
    assert meaning_of(RCPT, said(reply)) == meaning_of(RCPT, said(like))


@pytest.mark.parametrize("phase", [CONNECT, RCPT])
@pytest.mark.parametrize("run", ["a", "a.", "a@", "user ", "blocked ", "<", "\n"])
@pytest.mark.parametrize("octets", [8_000, 64 * 1024])
def test_a_long_reply_costs_no_more_than_a_moment(phase: Phase, run: str, octets: int) -> None:
    text = (run * octets)[:octets].encode()
    started = time.process_time()
    reply = Reply.read(550, text)
    meaning_of(phase, reply)
    assert time.process_time() - started < 0.5
    assert len(reply.text) <= MAX_CHARACTERS


def test_a_long_reply_is_judged_by_its_code_and_its_beginning_and_ends_with_a_whole_word() -> None:
    reply = said("550 5.1.1 no such user " + "an.nguyen@example.org " * 400)
    assert reply.enhanced == "5.1.1"
    assert reply.text.split()[-1] == "an.nguyen@example.org"
    assert isinstance(meaning_of(RCPT, reply).verdict, Dead)
    assert said("550 " + "word\n" * 2000 + "(#5.1.1)").enhanced == "5.1.1"
