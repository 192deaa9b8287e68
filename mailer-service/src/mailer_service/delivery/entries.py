"""Entries into the ledger, for many letters at once: each function is one statement where nothing unusual happened."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Connection

from mailer_service.db import ledger_statements as statements
from mailer_service.db.suppression_statements import SWEEP
from mailer_service.db.tables import LetterState
from mailer_service.delivery.attempt import Attempt
from mailer_service.delivery.claim import Claim, LetterStatus, Settled, Wanted, reason_of, state_after
from mailer_service.delivery.outcome import Ambiguous, Sent, without_another
from mailer_service.delivery.retry import kind_of
from mailer_service.errors import LedgerUnavailable, Unauthentic
from mailer_service.suppression.store import NewSuppression

log = structlog.get_logger(__name__)


def claim_all(
    connection: Connection,
    asked: Sequence[Wanted],
    *,
    replica: str,
    session_lock: int | None,
    lease: timedelta,
) -> list[Claim | LetterStatus | Exception]:
    """Takes letters in hand, or tells why not.

    Args:
        connection: in autocommit mode.
        asked: no two of them the same letter.
        replica: who asks.
        session_lock: the key of its sign of life; None if it has none.
        lease: how long its claims last.
    """
    rows = {
        row.id: row
        for row in connection.execute(
            statements.CLAIM,
            {
                "asked": json.dumps([_asked_for(wanted) for wanted in asked]),
                "holder": replica,
                "holder_key": session_lock,
                "lease": lease,
            },
        )
    }
    claimed = {id_: row for id_, row in rows.items() if row.holder is not None}
    for row in claimed.values():
        if row.claimed_from in {LetterState.CLAIMED, LetterState.TRANSMITTING}:
            _note_abandoned(connection, row)
    others = [(wanted.header.id, wanted.digest) for wanted in asked if wanted.header.id not in claimed]
    known = statuses(connection, others) if others else {}
    ids = [wanted.header.id for wanted in asked]
    return [known[id_] if id_ in known else _claim(claimed[id_]) for id_ in ids]


def begin_all(connection: Connection, begun: Sequence[tuple[Claim, str]]) -> list[bool]:
    """Marks letters as possibly with these providers from now on; tells for each whether it is still ours, and wanted."""
    asked = json.dumps(
        [
            {"id": str(claim.letter_id), "fence": claim.fence, "provider": provider}
            for claim, provider in begun
        ]
    )
    rows = {tuple(row) for row in connection.execute(statements.BEGIN_TRANSMISSION, {"asked": asked})}
    return [(claim.letter_id, claim.fence) in rows for claim, _ in begun]


def settle_all(connection: Connection, attempts: Sequence[Attempt], *, replica: str) -> list[Settled | None]:
    """Records what attempts came to and lets go of their letters; None for those that somebody else has claimed since."""
    for attempt in attempts:
        _note_earlier(connection, attempt, replica)
    asked = json.dumps([_came_to(attempt) for attempt in attempts])
    rows = {
        (row.id, row.fence): Settled(state=LetterState(row.state), at=row.at)
        for row in connection.execute(statements.SETTLE, {"asked": asked, "replica": replica})
    }
    return [rows.get((claim.letter_id, claim.fence)) for claim in map(_claim_of, attempts)]


def settle_and_suppress(
    connection: Connection, attempt: Attempt, said: NewSuppression, *, replica: str
) -> Settled | None:
    """Does the same for one attempt, and notes what the server said of letters that would follow."""
    _note_earlier(connection, attempt, replica)
    connection.execute(SWEEP)
    row = connection.execute(
        statements.SETTLE_AND_SUPPRESS,
        {
            "asked": json.dumps([_came_to(attempt)]),
            "replica": replica,
            "key": said.key,
            "scope": said.scope.value,
            "lifetime": said.lifetime,
            "needed": said.needed,
        },
    ).one_or_none()
    return None if row is None else Settled(state=LetterState(row.state), at=row.at)


def statuses(
    connection: Connection, letters: Iterable[tuple[UUID, bytes | None]]
) -> Mapping[UUID, LetterStatus | Exception]:
    """Tells where letters stand.

    Args:
        connection: in autocommit mode.
        letters: the id of each, and the digest its envelope should have if that matters.
    """
    digests = dict(letters)
    found: dict[UUID, LetterStatus | Exception] = {}
    for row in connection.execute(statements.STANDING, {"ids": [str(id_) for id_ in digests]}):
        digest = digests[row.id]
        if digest is not None and row.envelope_digest is not None and bytes(row.envelope_digest) != digest:
            found[row.id] = Unauthentic("replayed_id")
        else:
            found[row.id] = LetterStatus(
                state=LetterState(row.state),
                attempts=row.attempts,
                reason=row.last_reason,
                reply=row.last_reply,
                first_seen=row.first_seen_at,
                at=row.at,
            )
    # One erased between two statements is claimed or cancelled anew next time.
    return {id_: found.get(id_) or LedgerUnavailable("the letter vanished") for id_ in digests}


def _asked_for(wanted: Wanted) -> dict[str, str | None]:
    header, hashes = wanted.header, wanted.hashes
    return {
        "id": str(header.id),
        "letter": header.letter,
        "letter_class": header.letter_class,
        "envelope_digest": _bytea(wanted.digest),
        "expires_at": header.expires_at.isoformat(),
        "recipient_hash": None if hashes is None else _bytea(hashes.recipient),
        "domain_hash": None if hashes is None else _bytea(hashes.domain),
        "provider": wanted.provider,
    }


def _bytea(octets: bytes) -> str:
    return rf"\x{octets.hex()}"


def _claim_of(attempt: Attempt) -> Claim:
    if attempt.claim is None:
        raise ValueError("an attempt without a claim has nothing to record")
    return attempt.claim


def _came_to(attempt: Attempt) -> dict[str, Any]:
    claim, outcome, last = _claim_of(attempt), attempt.outcome, attempt.last
    earlier = attempt.transmissions[:-1]
    return {
        "id": str(claim.letter_id),
        "fence": claim.fence,
        "state": state_after(outcome),
        "ambiguous": int(last is not None and isinstance(last.verdict, Ambiguous)),
        "given_back": int(not attempt.counts),
        # Not where nobody was asked and nothing was decided.
        "noted": attempt.counts or last is not None,
        "refused": kind_of(without_another(last.verdict)) if last else None,
        # A copy of the message, as a broker gives it again after a restart, must not send it again at once.
        "delay_seconds": outcome.after.total_seconds() if last and isinstance(outcome, Ambiguous) else None,
        "bound_to": attempt.bound_to,
        "part": len(earlier),
        "started_at": claim.claimed_at.isoformat(),
        "outcome": outcome.name,
        "reason": reason_of(outcome),
        "phase": last.phase if last else None,
        "reply": last.reply if last else None,
        "duration_ms": max(0, attempt.duration_ms - sum(one.duration_ms for one in earlier)),
        "provider": last.provider if last else None,
    }


def _claim(row: Any) -> Claim:
    begun = row.state == LetterState.TRANSMITTING
    return Claim(
        letter_id=row.id,
        fence=row.fence,
        attempt=row.attempts,
        ambiguities=row.ambiguities,
        first_seen=row.first_seen_at,
        claimed_at=row.at,
        refusals=row.refusals,
        remaining=row.remaining,
        provider=None if begun else row.bound_to,
        begun_with=row.bound_to if begun else None,
    )


def _note_abandoned(connection: Connection, row: Any) -> None:
    ambiguous = row.claimed_from == LetterState.TRANSMITTING
    log.warning("claim_taken_over", letter_id=str(row.id), attempt=row.attempts, ambiguous=ambiguous)
    connection.execute(
        statements.ABANDONED,
        {
            "id": str(row.id),
            "fence": row.fence - 1,
            "number": row.attempts - 1,
            "claimed_from": row.claimed_from,
        },
    )


def _note_earlier(connection: Connection, attempt: Attempt, replica: str) -> None:
    """Notes the providers that were asked before the last one, a row each."""
    claim = _claim_of(attempt)
    for part, transmission in enumerate(attempt.transmissions[:-1]):
        verdict = transmission.verdict
        connection.execute(
            statements.EARLIER,
            {
                "id": str(claim.letter_id),
                "fence": claim.fence,
                "part": part,
                "started_at": claim.claimed_at,
                "replica": replica,
                "outcome": verdict.name,
                "reason": None if isinstance(verdict, Sent) else verdict.reason,
                "phase": transmission.phase,
                "reply": transmission.reply,
                "duration_ms": transmission.duration_ms,
                "provider": transmission.provider,
            },
        )
