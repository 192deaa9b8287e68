"""A replica's copy of what operators hold, and for how long a letter waits for it."""

from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from mail_contract.letters import LetterClass
from mailer_service.db.holds import HoldKind
from mailer_service.delivery.outcome import Pause
from mailer_service.errors import LedgerUnavailable
from mailer_service.providers.holds import Hold, Holds, HoldStore
from mailer_service.suppression.recipient_hashes import RecipientHashes

AN = RecipientHashes(recipient=b"r" * 32, domain=b"d" * 32)


class Table:
    """Holds, or a database that does not answer."""

    def __init__(self, *holds: Hold) -> None:
        self.holds = list(holds)
        self.away = False

    def look(self) -> list[Hold]:
        if self.away:
            raise LedgerUnavailable
        return self.holds


def hold(kind: HoldKind, target: str, *, seconds: float | None = None) -> Hold:
    return Hold(
        kind=kind,
        target=target,
        reason="a test",
        actor="linh",
        since=datetime.now(UTC),
        expires_at=None,
        seconds=seconds,
    )


def holds(*entries: Hold) -> Holds:
    known = Holds(cast("HoldStore", Table(*entries)))
    known.look()
    return known


def test_only_what_is_held_waits() -> None:
    known = holds(hold(HoldKind.CLASS, "bulk"), hold(HoldKind.DOMAIN, ("d" * 32).encode().hex()))
    other = RecipientHashes(recipient=AN.recipient, domain=b"x" * 32)
    assert known.on(LetterClass.BULK, None) is not None
    assert known.on(LetterClass.URGENT, AN) is not None
    assert known.on(LetterClass.URGENT, other) is None
    assert known.on(LetterClass.URGENT, None) is None
    assert not known.holds_provider("smtp.example:25")
    assert (known.count(HoldKind.CLASS), known.count(HoldKind.PROVIDER)) == (1, 0)


@pytest.mark.parametrize(
    ("left", "after"),
    [
        (None, timedelta(minutes=30)),
        (90_000.0, timedelta(minutes=30)),
        (400.0, timedelta(seconds=400)),
        (1.0, timedelta(seconds=10)),
    ],
)
def test_a_letter_waits_until_the_hold_expires_and_half_an_hour_at_most(
    left: float | None, after: timedelta
) -> None:
    known = holds(hold(HoldKind.CLASS, "urgent", seconds=left))
    assert known.on(LetterClass.URGENT, AN) == Pause(reason="held", after=after)


def test_while_the_database_is_away_what_was_known_holds() -> None:
    table = Table(hold(HoldKind.PROVIDER, "smtp.example:25"))
    known = Holds(cast("HoldStore", table))
    known.look()
    table.away = True
    with pytest.raises(LedgerUnavailable):
        known.look()
    assert known.holds_provider("smtp.example:25")
