"""What a redrive decides for letters the ledger knows or not, and what is to be done before it sends them."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

import pytest

from mail_contract.keys import (
    PublicSealingKeys,
    SigningKey,
    VerifyingKeys,
    generate_sealing_keys,
    generate_signing_keys,
)
from mail_contract.messages import Contents, Envelope
from mail_contract.sealing import Sealer
from mail_contract.tasks import DELIVER_LETTER
from mailer_service.db.tables import LetterState
from mailer_service.deadletters.decision import Decision, Keep, SendAgain
from mailer_service.deadletters.info import LetterInfo, read
from mailer_service.deadletters.message import QueuedMessage
from mailer_service.deadletters.verbs import redrive
from mailer_service.delivery.dead_ledger import DeadLedger, DeadLetterStatus, Letters
from support.outgoing import header

SIGNING = generate_signing_keys()
KEYS = VerifyingKeys.from_json(SIGNING[1])
SEALER = Sealer(
    sealing_keys=PublicSealingKeys.from_json(generate_sealing_keys()[1]),
    signing_key=SigningKey.from_json(SIGNING[0]),
)
CONTENTS = Contents(recipient="an@example.org", context={})
RECIPIENT = "0123456789abcdef"


class Ledger:
    """Letters that are dead, as far as they are known; and suppressions."""

    def __init__(self, *, knows: bool, suppressed: Mapping[str, str] | None = None) -> None:
        self.revived: list[UUID] = []
        self._knows = knows
        self._suppressed = suppressed or {}

    def look(self, letters: Letters) -> Mapping[UUID, DeadLetterStatus]:
        return self._all(letters, LetterState.DEAD) if self._knows else {}

    def revive(self, letters: Letters, *, copies: bool) -> Mapping[UUID, DeadLetterStatus]:
        assert not copies
        self.revived += letters
        return self._all(letters, LetterState.WAITING) if self._knows else {}

    def suppressed(self, tags: Sequence[str]) -> Mapping[str, str]:
        return {tag: why for tag, why in self._suppressed.items() if tag in tags}

    def _all(self, letters: Letters, state: LetterState) -> Mapping[UUID, DeadLetterStatus]:
        return {
            letter_id: DeadLetterStatus(
                state=state,
                ours=True,
                in_hand=False,
                withdrawn=False,
                late=False,
                early=False,
                attempts=1,
                at=datetime.now(UTC),
            )
            for letter_id in letters
        }


def dead(reason: str = "5.7.1", *, signed: bool = False) -> LetterInfo:
    """A letter, unless it is signed with a signature that nobody made."""
    envelope = (
        SEALER.seal(header(), CONTENTS)
        if signed
        else Envelope(
            header=header(), sealing_key_id="seal", signing_key_id="sign", sealed="c", signature="d"
        )
    )
    headers: dict[str, Any] = {
        "task": DELIVER_LETTER,
        "id": str(envelope.header.id),
        "x-postern-reason": reason,
        "x-postern-recipient": RECIPIENT,
    }
    body = json.dumps([[envelope.model_dump(mode="json")], {}, {}]).encode()
    return read(
        QueuedMessage(
            tag=1,
            body=body,
            size=len(body),
            fingerprint="f",
            properties={"content_type": "application/json"},
            headers=headers,
        )
    )


def decided(info: LetterInfo, ledger: Ledger, *, dry_run: bool = True, keys: bool = True) -> Decision:
    (decision,) = redrive([info], cast("DeadLedger", ledger), keys=KEYS if keys else None, dry_run=dry_run)
    return decision


def test_a_signature_is_checked_where_the_ledger_does_not_vouch_for_it() -> None:
    assert isinstance(decided(dead(), Ledger(knows=True)).action, SendAgain)
    assert decided(dead(), Ledger(knows=False)).action == Keep(reason="unknown_key")


@pytest.mark.parametrize("dry_run", [True, False])
@pytest.mark.parametrize("knows", [True, False])
def test_to_a_recipient_who_gets_none_it_stays_and_the_suppression_is_named(
    dry_run: bool, knows: bool
) -> None:
    ledger = Ledger(knows=knows, suppressed={RECIPIENT: "5.1.1"})
    decision = decided(dead(), ledger, dry_run=dry_run, keys=False)
    assert decision.action == Keep(reason="suppressed")
    assert decision.first == ("suppressed", "5.1.1")
    assert ledger.revived == []


def test_a_dry_run_lets_nothing_go() -> None:
    ledger = Ledger(knows=True)
    decided(dead(), ledger)
    assert ledger.revived == []
    decided(dead(), ledger, dry_run=False)
    assert len(ledger.revived) == 1


def test_what_died_of_a_key_that_a_mailer_lacked_names_the_key() -> None:
    decision = decided(dead("unknown_key", signed=True), Ledger(knows=True))
    assert isinstance(decision.action, SendAgain)
    assert decision.first is not None
    assert decision.first[0] == "unknown_key"
    assert "sealed with" in decision.first[1]
