"""I1 to I10: what must hold after every run, whatever broke; pure functions of the evidence."""

from collections.abc import Callable, Iterator
from uuid import UUID

from support.faults.evidence import Evidence

ENDED = frozenset({"sent", "unconfirmed", "failed", "suppressed", "expired", "superseded", "limited"})
"""States of auth-service from which a letter does not move by itself."""
RECEIVED = frozenset({"accepted"})
"""State of the ledger in which a mail server has the letter; a decoy is `discarded` and was never sent."""


def lost_letters(evidence: Evidence) -> frozenset[UUID]:
    """Committed letters that ended in no way, and letters that count as sent and that nobody received."""
    unended = {
        letter
        for letter, state in evidence.letters.items()
        if state not in ENDED and letter not in evidence.buried
    }
    vanished = {
        letter
        for letter, entry in evidence.ledger.items()
        if entry.state in RECEIVED and letter not in evidence.received
    }
    unsent = {
        letter
        for letter, state in evidence.letters.items()
        if state == "sent" and (letter not in evidence.ledger)
    }
    return frozenset(unended | vanished | unsent)


def violations(evidence: Evidence) -> tuple[str, ...]:
    """Every invariant that does not hold, each with what is wrong."""
    return tuple(f"{name} {wrong}" for name, check in CHECKS.items() for wrong in check(evidence))


def _i1(evidence: Evidence) -> Iterator[str]:
    if lost := lost_letters(evidence):
        states = sorted({evidence.letters.get(letter, "unknown to auth-service") for letter in lost})
        yield f"{len(lost)} letters are missing; for auth-service they are {', '.join(states)}"
    if evidence.promised:
        yield f"{len(evidence.promised)} receipts were given for letters that were never committed"
    if nameless := sum(dead.reason is None for dead in evidence.dead):
        yield f"{nameless} dead letters have no reason"


def _i2(evidence: Evidence) -> Iterator[str]:
    if unasked := evidence.received.keys() - evidence.letters.keys():
        yield f"{len(unasked)} letters arrived that nobody asked for"


def _i3(evidence: Evidence) -> Iterator[str]:
    doubts = {letter: entry.ambiguities for letter, entry in evidence.ledger.items()}
    if unexplained := [one for one, times in evidence.received.items() if times > 1 + doubts.get(one, 0)]:
        yield f"{len(unexplained)} letters arrived more often than the ledger knows that they may"


def _i4(evidence: Evidence) -> Iterator[str]:
    if evidence.doubles:
        yield f"{evidence.doubles} addresses have more than one account"
    for token in evidence.tokens:
        if token.good and not token.kept:
            yield f"{token.what} was answered {token.status}"


def _i5(evidence: Evidence) -> Iterator[str]:
    for place in evidence.leaks:
        yield f"a usable secret is readable in {place}"


def _i6(evidence: Evidence) -> Iterator[str]:
    if late := [answer.seconds for answer in evidence.answers if answer.seconds > evidence.deadline]:
        yield f"{len(late)} answers came after {evidence.deadline:g} s, the latest after {max(late):.1f} s"
    if wrong := {answer.status for answer in evidence.answers} - {202, 503}:
        yield f"the API answered {', '.join(map(str, wrong))}"


def _i7(evidence: Evidence) -> Iterator[str]:
    if evidence.outbox:
        yield f"{evidence.outbox} rows are left in the outbox"
    for queue, messages in evidence.queues.items():
        if messages:
            yield f"{messages} messages are left in {queue}"
    for process in evidence.ended:
        yield f"{process} ended by itself"


def _i8(evidence: Evidence) -> Iterator[str]:
    for token in evidence.tokens:
        if not token.good and not token.kept:
            yield f"{token.what} was answered {token.status}"


def _i9(evidence: Evidence) -> Iterator[str]:
    if not evidence.planted:
        yield "the letter to a refused recipient, or the message nobody can read, is no dead letter"


def _i10(evidence: Evidence) -> Iterator[str]:
    if evidence.in_clear:
        yield f"on {evidence.in_clear} connections a login or a letter went without TLS"


CHECKS: dict[str, Callable[[Evidence], Iterator[str]]] = {
    "I1": _i1,
    "I2": _i2,
    "I3": _i3,
    "I4": _i4,
    "I5": _i5,
    "I6": _i6,
    "I7": _i7,
    "I8": _i8,
    "I9": _i9,
    "I10": _i10,
}
