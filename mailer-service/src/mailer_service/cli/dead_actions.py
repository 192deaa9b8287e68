"""What a redrive does with a dead letter, in words; and what a run of it came to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, assert_never

from mail_contract.messages import ReportedState
from mailer_service.cli.text import harmless
from mailer_service.deadletters.decision import Action, Discard, Done, Keep, SendAgain, TellAuth
from mailer_service.deadletters.selection import Summary

_WHY_KEPT = {
    "in_hand": "a replica is working on it at this moment",
    "unconfirmed": "the mailbox may have it already; --copies sends it all the same",
    "came_back": "those that were sent first came back; mend that, or send all with --canary 0",
    "undecided": "nobody knows yet what became of those that were sent first; do it again, or send all with --canary 0",
    "suppressed": "the recipient gets no letters",
    "too_soon": "a mail server may have it; it waits for a minute before it is sent again",
    "held": "it is held; release that first",
    "dead_again": "a copy of it died in this very moment; do it again",
    "bad_signature": "auth-service did not sign this",
    "unknown_key": "it is signed or sealed with a key nobody here knows",
    "broken_seal": "it cannot be opened, or what is in it is no letter",
    "replayed_id": "another envelope is known under this id",
    "wrong_id": "its task has another id than its letter",
    "malformed": "it is not an envelope",
    "unknown_version": "it is of a version that this mailer does not know",
    "unknown_task": "it is no task of the mailer",
    "not_a_task": "it is not a task at all",
    "undecodable": "it cannot be decoded",
    "oversized": "it is larger than a message may be",
    "rejected": "the mailer rejected it",
    "unknown": "nobody knows what it is",
}
_DONE = {
    Done.REDRIVEN: "redriven",
    Done.RENEWED: "expired: not sent, auth-service was asked for a fresh one",
    Done.SENT_BEFORE: "sent before: auth-service was told again",
    Done.WITHDRAWN: "withdrawn before they were sent",
    Done.HURRIED: "back to work",
    Done.DROPPED: "dropped",
}


def action_data(action: Action) -> dict[str, Any]:
    """Returns whether a redrive would send it, and what it does instead."""
    match action:
        case SendAgain(route=route):
            return {"possible": True, "exchange": route.exchange, "routing_key": route.routing_key}
        case TellAuth(report=report):
            return {"possible": False, "why": report.state.value}
        case Keep(reason=reason):
            return {"possible": False, "why": reason}
        case Discard():
            return {"possible": False, "why": "discarded"}
    assert_never(action)


def action_text(action: Action) -> str:
    """Returns the same as a sentence."""
    match action:
        case SendAgain(route=route):
            return f"possible, by {route.exchange} {route.routing_key}"
        case TellAuth(report=report) if report.state is ReportedState.EXPIRED:
            return "not possible: it has expired; auth-service is asked for a fresh one"
        case TellAuth(report=report):
            return f"not necessary: {report.state.value}"
        case Keep(reason=reason):
            return f"not possible: {why_kept(reason)}"
        case Discard():
            return "not possible"
    assert_never(action)


def why_kept(reason: str) -> str:
    """Returns why a dead letter stays where it is: the token, and what it means."""
    meaning = _WHY_KEPT.get(reason)
    return f"{harmless(reason, at_most=60)}: {meaning}" if meaning else harmless(reason, at_most=60)


_FIRST = {
    "suppressed": "mailer-service suppressions remove --reason {!r}",
    "unknown_key": "see that the mailers have the keys; {}",
}


def _first(summary: Summary) -> Iterator[tuple[str, int]]:
    """Yields what to do before letters can be sent, and for how many."""
    for (token, about), count in summary.first.most_common():
        yield _FIRST[token].format(harmless(about, at_most=100)), count


def summary_data(summary: Summary, *, dry_run: bool) -> dict[str, Any]:
    """Returns a run for programs."""
    return {
        "dry_run": dry_run,
        "interrupted": summary.interrupted,
        "looked_at": summary.looked_at,
        "matched": summary.matched,
        "done": {done.value: summary.done[done] for done in Done if summary.done[done]},
        "kept": dict(summary.kept),
        "first": [{"do": do, "letters": count} for do, count in _first(summary)],
        "kept_letters": [{"id": id_, "reason": reason} for id_, reason in summary.named],
    }


def note_of(summary: Summary) -> dict[str, Any]:
    """Returns what is written down of a run."""
    return {
        "matched": summary.matched,
        "done": {done.value: count for done, count in summary.done.items()},
        "kept": dict(summary.kept),
    }


def summary_text(summary: Summary, *, word: str = "dead", dry_run: bool) -> Iterator[str]:
    """Yields what a run came to."""
    if summary.interrupted:
        yield "interrupted; what was not done is still where it was"
    if dry_run:
        yield "nothing was done; without --dry-run it would be:"
    yield f"{summary.looked_at} {word} letters looked at, {summary.matched} matched"
    for done in Done:
        if summary.done[done]:
            yield f"{summary.done[done]:>7}  {_DONE[done]}"
    for reason, count in summary.kept.most_common():
        yield f"{count:>7}  kept, {why_kept(reason)}"
        few = [id_ for id_, why in summary.named if why == reason][:5]
        yield f"         {' '.join(few)}{' …' if count > len(few) else ''}"
    for do, count in _first(summary):
        yield f"  first, for {count}: {do}"
