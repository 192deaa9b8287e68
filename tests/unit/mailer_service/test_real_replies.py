"""Replies as receivers really write them: whom each blames, and that nobody is suppressed for somebody else's trouble.

`replies.tsv` has what was read in public bounce reports, in manuals of receivers and in collections of bounces, addresses
made harmless: the phase it was said in, who says it, whose trouble it is. A reply of several lines is one line there.
`replies_held_out.tsv` has others, from a public manual of SMTP replies, that were labelled before any of them was tried: what
they said of the table at first sight is in docs/delivery.md.
"""

import csv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

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
    TryLater,
)
from mailer_service.smtp.phrases import Phrase, Says
from mailer_service.smtp.refusal_phrases import REFUSAL_PHRASES
from mailer_service.smtp.reply import Reply
from mailer_service.smtp.reply_row import BY_WORDS
from mailer_service.smtp.reply_table import REPLIES, meaning_of
from mailer_service.smtp.sender_phrases import SENDER_PHRASES


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One reply.

    Attributes:
        phase, receiver, reply: what was said, by whom and when.
        blame: `mailbox`, `mailbox-for-a-while`, `full`, `domain`, `account`, `set-up`, `policy`, `rate` or `temporary`.
    """

    phase: Phase
    receiver: str
    blame: str
    reply: str

    @property
    def meaning(self) -> Meaning:
        return meaning_of(self.phase, said(self.reply))


MAY_SUPPRESS = {
    "mailbox": Scope.RECIPIENT,
    "mailbox-for-a-while": Scope.RECIPIENT,
    "full": Scope.RECIPIENT,
    "domain": Scope.DOMAIN,
}
BLAMED = {
    Concern.ACCOUNT: "account",
    Concern.QUOTA: "account",
    Concern.SET_UP: "set-up",
    Concern.DOMAIN: "rate",
    Concern.RECIPIENT: "rate",
}
PHRASES = (*SENDER_PHRASES, *REFUSAL_PHRASES)
OURS = {"account", "set-up"}
MISJUDGED_AT_MOST = 0.02


def said(reply: str) -> Reply:
    return Reply.read(int(reply[:3]), reply[4:].encode())


def _cases(file_name: str) -> list[Case]:
    with Path(__file__).with_name(file_name).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [
        Case(phase=Phase(row["phase"]), receiver=row["receiver"], blame=row["blame"], reply=row["reply"])
        for row in rows
    ]


CASES, HELD_OUT = _cases("replies.tsv"), _cases("replies_held_out.tsv")
each_case = pytest.mark.parametrize(
    "case", CASES, ids=[f"{case.receiver}: {case.reply[:60]}" for case in CASES]
)


def suppression_of(meaning: Meaning) -> Suppress | None:
    verdict = meaning.verdict.otherwise if isinstance(meaning.verdict, OtherProvider) else meaning.verdict
    return verdict.suppress if isinstance(verdict, Dead) else None


def blame_of(meaning: Meaning) -> str:
    """Whom a meaning blames, in the words of the file."""
    verdict = meaning.verdict.otherwise if isinstance(meaning.verdict, OtherProvider) else meaning.verdict
    if meaning.concern in BLAMED:
        return BLAMED[meaning.concern]
    match verdict:
        case Dead(suppress=Suppress(scope=Scope.DOMAIN)):
            return "domain"
        case Dead(suppress=Suppress() as suppress):
            return "full" if suppress.after > 1 else "mailbox"
        case Dead():
            return "policy"
        case TryLater(tries=tries):
            return "full" if tries and tries.kind == "full" else "temporary"
        case Sent() | Ambiguous() | Pause():
            raise AssertionError(f"no refusal of a letter: {verdict}")


@each_case
def test_blame_falls_where_it_belongs(case: Case) -> None:
    assert blame_of(case.meaning) == case.blame.removesuffix("-for-a-while")


@each_case
def test_nobody_is_suppressed_for_what_is_not_the_mailbox(case: Case) -> None:
    suppression = suppression_of(case.meaning)
    assert suppression is None or suppression.scope is MAY_SUPPRESS.get(case.blame)


@each_case
def test_our_own_trouble_never_dies_in_silence(case: Case) -> None:
    if case.blame in OURS:
        assert case.meaning.alarm
        assert not isinstance(case.meaning.verdict, Dead)


@pytest.mark.parametrize(("cases", "enough"), [(CASES, 150), (HELD_OUT, 60)], ids=["known", "held out"])
def test_there_are_enough_of_them_and_few_suppress_somebody_wrongly(cases: list[Case], enough: int) -> None:
    confusion = Counter((case.blame, blame_of(case.meaning)) for case in cases)
    wrongly = [
        case
        for case in cases
        if (said_of := suppression_of(case.meaning)) and said_of.scope is not MAY_SUPPRESS.get(case.blame)
    ]
    print(
        f"{len(cases)} replies; blamed: "
        + ", ".join(f"{b} as {g}: {n}" for (b, g), n in sorted(confusion.items()))
    )
    print(f"{len(wrongly)} suppress somebody wrongly")
    assert len(cases) >= enough
    assert len(wrongly) <= MISJUDGED_AT_MOST * len(cases)


def test_no_reply_held_out_is_among_those_that_phrases_were_written_from() -> None:
    assert not {case.reply for case in HELD_OUT} & {case.reply for case in CASES}


def test_everything_a_phrase_can_say_has_a_meaning() -> None:
    assert set(BY_WORDS) == set(Says)


def test_one_unknown_mailbox_never_silences_its_domain() -> None:
    said_so = "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup"
    suppression = suppression_of(meaning_of(Phase.RCPT, said(said_so)))
    assert suppression is not None
    assert suppression.scope is Scope.RECIPIENT


@pytest.mark.parametrize("phrase", PHRASES, ids=[f"{one.says}: {one.words}" for one in PHRASES])
def test_each_phrase_is_reached_and_says_who_writes_it(phrase: Phrase) -> None:
    assert phrase.receivers
    assert phrase.words == phrase.words.lower()
    rows = [row for row in REPLIES if row.phrase is phrase]
    enhanced = f"{phrase.beside[-1]} " if phrase.beside else ""
    reply = said(f"550 {enhanced}{phrase.words.replace(' … ', ' some ')}")
    meanings = [meaning_of(phase, reply) for phase in (Phase.RCPT, Phase.MAIL)]
    assert any(meaning == row.meaning(reply) for meaning in meanings for row in rows)


@pytest.mark.parametrize(
    "says", sorted(set(Says) - {Says.NO_MAILBOX, Says.NO_MAILBOX_NOW, Says.FULL, Says.NO_MAIL_IN_DOMAIN})
)
def test_words_about_anything_but_the_mailbox_suppress_nobody_beside_any_code(says: Says) -> None:
    codes = [
        f"{code} {enhanced}"
        for code in (421, 450, 550, 554)
        for enhanced in ("", "5.1.1 ", "5.2.1 ", "5.7.1 ")
    ]
    for phrase in PHRASES:
        if phrase.says is not says:
            continue
        for code in codes:
            for phase in Phase:
                reply = said(code + phrase.words.replace(" … ", " some "))
                assert suppression_of(meaning_of(phase, reply)) is None, (phrase.words, code, phase)


@pytest.mark.parametrize(
    "name", ["spam", "mailbox.full", "user.unknown", "no.such.user", "null.mx", "blocked"]
)
def test_what_an_address_is_called_says_nothing(name: str) -> None:
    for reply in (f"550 5.1.1 <{name}@{name}.example>: gone", f"550 <{name}@{name}.example>... gone"):
        quiet = reply.replace(name, "an")
        assert meaning_of(Phase.RCPT, said(reply)) == meaning_of(Phase.RCPT, said(quiet))
