"""The judge of the faults finds what it is there to find."""

from collections import Counter
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from support.faults.evidence import Answer, DeadLetter, Evidence, LedgerEntry, Trust
from support.faults.invariants import CHECKS, lost_letters, violations

A, B = UUID(int=1), UUID(int=2)
ACCEPTED = LedgerEntry(state="accepted", ambiguities=0, attempts=1)
GOOD = Evidence(
    letters={A: "sent", B: "superseded"},
    received=Counter({A: 1}),
    ledger={A: ACCEPTED, B: LedgerEntry(state="cancelled", ambiguities=0, attempts=0)},
    tokens=(
        Trust(what="a fresh token", good=True, status=200),
        Trust(what="a used token", good=False, status=410),
    ),
    answers=(Answer(seconds=0.1, status=202), Answer(seconds=5, status=503)),
    queues={"mailer.urgent": 0},
)


def test_a_run_in_which_everything_held_has_no_violation() -> None:
    assert violations(GOOD) == ()


@pytest.mark.parametrize(
    ("invariant", "changes"),
    [
        ("I1", {"letters": {A: "sent", B: "queued"}}),
        ("I1", {"letters": {A: "sent", B: "sent"}, "ledger": {A: ACCEPTED, B: ACCEPTED}}),
        ("I1", {"letters": {A: "sent", B: "sent"}, "ledger": {A: ACCEPTED}}),
        ("I1", {"promised": frozenset({"digest"})}),
        ("I1", {"dead": (DeadLetter(letter=B, reason=None),)}),
        ("I2", {"received": Counter({A: 1, UUID(int=3): 1})}),
        ("I3", {"received": Counter({A: 2})}),
        ("I4", {"doubles": 1}),
        ("I4", {"tokens": (Trust(what="a fresh token", good=True, status=410),)}),
        ("I5", {"leaks": ("the log",)}),
        ("I6", {"answers": (Answer(seconds=8.1, status=202),)}),
        ("I6", {"answers": (Answer(seconds=0.1, status=500),)}),
        ("I6", {"answers": (Answer(seconds=0.1, status=None),)}),
        ("I7", {"outbox": 1}),
        ("I7", {"queues": {"mailer.urgent": 1}}),
        ("I7", {"ended": ("mailer-1",)}),
        ("I8", {"tokens": (Trust(what="a used token", good=False, status=200),)}),
        ("I9", {"planted": False}),
        ("I10", {"in_clear": 1}),
    ],
)
def test_a_run_in_which_one_thing_did_not_hold_is_found_out(invariant: str, changes: dict[str, Any]) -> None:
    (wrong,) = violations(replace(GOOD, **changes))
    assert wrong.startswith(f"{invariant} ")


def test_a_copy_of_a_letter_marked_ambiguous_is_none_too_many() -> None:
    ambiguous = replace(ACCEPTED, ambiguities=1)
    evidence = replace(GOOD, received=Counter({A: 2}), ledger={**GOOD.ledger, A: ambiguous})
    assert violations(evidence) == ()
    assert evidence.copies == 1
    assert violations(replace(evidence, received=Counter({A: 3})))


def test_a_letter_that_is_not_ended_but_dead_with_a_reason_is_not_lost() -> None:
    dead = DeadLetter(letter=B, reason="delivery_limit")
    assert not lost_letters(replace(GOOD, letters={A: "sent", B: "queued"}, dead=(dead,)))


def test_every_invariant_is_checked() -> None:
    assert list(CHECKS) == [f"I{n}" for n in range(1, 11)]
