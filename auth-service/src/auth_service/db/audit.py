"""The audit: written in the transaction of what it tells of, so what was not done is not told, and what was done is."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Text, bindparam, delete, func, insert, select
from sqlalchemy.orm import Session

from auth_service.db.base import DECOY, table_of
from auth_service.db.tables import AuditEvent, Letter
from auth_service.domain.audit import AuditAction, AuditRecord, AuditResult

_EVENTS = table_of(AuditEvent)
_ADD = insert(_EVENTS)
_ADD_NOTHING = select(DECOY)
_LETTERS = table_of(Letter)
_OF_LETTERS = {
    "actor": bindparam("by", type_=Text()),
    "action": bindparam("done", type_=Text()),
    "target": _LETTERS.c.recipient_tag,
    "result": bindparam("how", type_=Text()),
    "detail": func.jsonb_build_object("letter", _LETTERS.c.id),
}
_ADD_OF_LETTERS = insert(_EVENTS).from_select(
    list(_OF_LETTERS),
    select(*(value.label(name) for name, value in _OF_LETTERS.items())).where(
        _LETTERS.c.id.in_(bindparam("letters", expanding=True))
    ),
)
_FORGET = delete(_EVENTS).where(_EVENTS.c.target == bindparam("mailbox"))
_FORGET_UNTIL = _FORGET.where(_EVENTS.c.at <= bindparam("until"))
_NEWEST = (
    select(*(_EVENTS.c[field.name] for field in fields(AuditRecord)))
    .where(_EVENTS.c.target.in_(bindparam("targets", expanding=True)))
    .order_by(_EVENTS.c.id.desc())
    .limit(bindparam("at_most"))
)


def record(
    session: Session,
    action: AuditAction,
    *,
    actor: str,
    target: UUID | str,
    result: AuditResult = AuditResult.DONE,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Writes down who did what to which account.

    Args:
        session: of the transaction that does it.
        action: what was done.
        actor: see `domain.audit`: an account, an operator, the system or a stranger.
        target: the account's id, or what stands for a mailbox without one (`KeyedHash.recipient_tag`).
        result: whether it was granted.
        detail: a few words more, under 2 kB; never an address, a secret or a text of the request.
    """
    session.execute(
        _ADD,
        {
            "actor": actor,
            "action": action.value,
            "target": str(target),
            "result": result.value,
            "detail": dict(detail or {}),
        },
    )


def record_nothing(session: Session) -> None:
    """Takes as long as `record`, where telling it would let anybody fill the audit."""
    session.execute(_ADD_NOTHING)


def record_of_letters(
    session: Session, action: AuditAction, letters: Collection[UUID], *, actor: str
) -> None:
    """Writes down who did what to each of these letters; the target is its mailbox."""
    if letters:
        values = {"by": actor, "done": action.value, "how": AuditResult.DONE.value, "letters": list(letters)}
        session.execute(_ADD_OF_LETTERS, values)


def forget_mailbox(session: Session, recipient_tag: str, *, until: datetime | None) -> None:
    """Forgets what was written down of a mailbox while it had no account, all of it or that until then."""
    if until is None:
        session.execute(_FORGET, {"mailbox": recipient_tag})
    else:
        session.execute(_FORGET_UNTIL, {"mailbox": recipient_tag, "until": until})


def newest_records(session: Session, targets: Collection[str], *, limit: int) -> Sequence[AuditRecord]:
    """Returns what was done to any of the targets, the newest last, at most so much."""
    rows = session.execute(_NEWEST, {"targets": list(targets), "at_most": limit}).mappings().all()
    return [AuditRecord(**{**row, "result": AuditResult(row["result"])}) for row in reversed(rows)]
