"""Mailboxes: flows about one wait for each other, and some want no letters of registration."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final, cast

from sqlalchemy import Text, bindparam, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from auth_service.constant_time import in_constant_time
from auth_service.db.base import constant, table_of
from auth_service.db.tables import RefusedMailbox
from auth_service.domain.registration import REFUSAL_PERIOD

IN_HAND_SECONDS: Final = 0.02
"""Several times what a flow does meanwhile, whatever it finds: with sixteen threads at once, who wait for each other's turn at the
interpreter, 10 ms were sometimes too short, and that told an unconfirmed address from others (AUC 0.56 of 500 bursts)."""

_REFUSED = table_of(RefusedMailbox)
# 64 bits of the tag: two mailboxes that share them wait for each other once in a while, nothing worse.
_LOCK = select(
    func.now(), func.pg_advisory_xact_lock(func.hashtextextended(bindparam("tag", type_=Text()), constant(0)))
)
_IS_REFUSED = select(_REFUSED.c.until).where(
    _REFUSED.c.recipient_tag == bindparam("tag"), _REFUSED.c.until > func.now()
)
_NEW = insert(_REFUSED).values(recipient_tag=bindparam("tag"), until=func.now() + REFUSAL_PERIOD)
_REFUSE = _NEW.on_conflict_do_update(
    index_elements=[_REFUSED.c.recipient_tag],
    set_={"refused_at": func.now(), "until": _NEW.excluded.until},
)
_LIFT = delete(_REFUSED).where(_REFUSED.c.recipient_tag == bindparam("tag"))


def lock_mailbox(session: Session, recipient_tag: str) -> datetime:
    """Makes flows about one mailbox queue up until the end of the transaction; returns the database's time.

    Also where the mailbox has no account: there is no row to lock, yet the flow must do the same. What was committed
    while it waited is seen by the next statement, not by this one.
    """
    now, _ = session.execute(_LOCK, {"tag": recipient_tag}).one()
    return cast("datetime", now)


def lock_mailboxes(session: Session, recipient_tags: Collection[str]) -> datetime:
    """Does the same with several, always in the same order, so that two who do so never wait for each other."""
    return max(lock_mailbox(session, tag) for tag in sorted(recipient_tags))


@contextmanager
def mailbox_in_hand(session: Session, recipient_tag: str) -> Iterator[datetime]:
    """Locks the mailbox, and has it as long whatever is known of it; yields the database's time.

    Of sixteen requests at once the last one waits for fifteen others: that adds up a difference nobody sees in one.
    """
    now = lock_mailbox(session, recipient_tag)
    with in_constant_time(IN_HAND_SECONDS):
        yield now


def is_refused(session: Session, recipient_tag: str) -> bool:
    """Says whether the mailbox gets no letters of registration at present."""
    return session.scalar(_IS_REFUSED, {"tag": recipient_tag}) is not None


def refuse_mailbox(session: Session, recipient_tag: str) -> None:
    """Lets the mailbox have no letters of registration for `REFUSAL_PERIOD` from now on."""
    session.execute(_REFUSE, {"tag": recipient_tag})


def lift_refusal(session: Session, recipient_tag: str) -> bool:
    """Lets the mailbox have letters of registration again; says whether it had refused them."""
    return session.execute(_LIFT.returning(_REFUSED.c.until), {"tag": recipient_tag}).first() is not None
