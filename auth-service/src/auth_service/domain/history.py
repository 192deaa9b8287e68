"""What is known of a person's letters, and one timeline of it, from request to click."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from auth_service.domain.delivery import DeliveryState
from auth_service.domain.registration import EndedFor


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRecord:
    """The account of an address."""

    id: UUID
    locale: str
    created_at: datetime
    verified_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationRecord:
    """A registration: pending until it ended."""

    id: UUID
    locale: str
    device: str
    client_id: str | None
    created_at: datetime
    ended_at: datetime | None
    ended_for: EndedFor | None
    confirmed_with: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRecord:
    """A link and a code, without either."""

    created_at: datetime
    expires_at: datetime
    used_at: datetime | None
    voided_at: datetime | None
    code_tries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRecord:
    """A step in a letter's life; `reported` if it is the mailer's word, by the mailer's clock."""

    letter_id: UUID
    at: datetime
    state: DeliveryState
    detail: str | None
    reported: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRecord:
    """A message the broker has not confirmed yet."""

    letter_id: UUID
    kind: str
    created_at: datetime
    available_at: datetime
    attempts: int
    last_error: str | None
    held_for: str | None
    held_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterRecord:
    """A letter; with neither account nor registration it was a decoy, or they are gone."""

    id: UUID
    letter: str
    letter_class: str
    state: DeliveryState
    account_id: UUID | None
    registration_id: UUID | None
    receipt_tells: bool
    created_at: datetime
    expires_at: datetime
    withdrawn_at: datetime | None
    withdrawn_for: str | None
    renewal_of: UUID | None
    renewal: int
    renewal_due: bool
    announcement: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Everything that was found; each list in the order of time."""

    account: AccountRecord | None
    registrations: Sequence[RegistrationRecord]
    letters: Sequence[LetterRecord]
    events: Sequence[EventRecord]
    outbox: Sequence[OutboxRecord]
    tokens: Sequence[TokenRecord]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to tell."""
        return self.account is None and not self.registrations and not self.letters


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One line of the timeline."""

    at: datetime
    name: str
    letter_id: UUID | None
    details: Mapping[str, str | int]


def timeline(history: History) -> Sequence[Happening]:
    """Returns what happened, oldest first; what happened at one moment, in the order of cause and effect."""
    happenings = [
        *(one for registration in history.registrations for one in _of_registration(registration)),
        *(happening for letter in history.letters for happening in _of_letter(letter)),
        *(_of_event(event) for event in history.events if event.state is not DeliveryState.ACCEPTED),
        *(happening for token in history.tokens for happening in _of_token(token, history.letters)),
        *(_of_outbox(row) for row in history.outbox),
    ]
    return sorted(happenings, key=lambda happening: happening.at)


def _of_registration(registration: RegistrationRecord) -> Iterator[Happening]:
    details: dict[str, str | int] = {"registration": str(registration.id)[:8]}
    made = details | {"device": registration.device} if registration.device else details
    yield Happening(at=registration.created_at, name="registered", letter_id=None, details=made)
    match registration.ended_for:
        case EndedFor.CONFIRMED:
            name, details = "confirmed", details | {"with": registration.confirmed_with or ""}
        case EndedFor.OVERTAKEN | EndedFor.REFUSED | EndedFor.TAKEN:
            name = registration.ended_for.value
        case None:
            return
    if registration.ended_at is not None:
        yield Happening(at=registration.ended_at, name=name, letter_id=None, details=details)


def _of_letter(letter: LetterRecord) -> Iterator[Happening]:
    details: dict[str, str | int] = {"letter": letter.letter, "class": letter.letter_class}
    if letter.announcement is not None:
        name, details = "announced", details | {"announcement": letter.announcement}
    elif letter.renewal:
        name, details = "renewed", details | {"renewal": letter.renewal, "of": str(letter.renewal_of)}
    else:
        name = "requested"
    yield Happening(at=letter.created_at, name=name, letter_id=letter.id, details=details)
    if letter.withdrawn_at is not None:
        because: dict[str, str | int] = {"because": letter.withdrawn_for} if letter.withdrawn_for else {}
        yield Happening(at=letter.withdrawn_at, name="withdrawn", letter_id=letter.id, details=because)


def _of_event(event: EventRecord) -> Happening:
    if event.state is DeliveryState.QUEUED:
        return Happening(at=event.at, name="published", letter_id=event.letter_id, details={})
    details: dict[str, str | int] = {"state": event.state.value}
    if event.detail:
        details["reason"] = event.detail
    name = "reported" if event.reported else "never_left"
    return Happening(at=event.at, name=name, letter_id=event.letter_id, details=details)


def _of_token(token: TokenRecord, letters: Sequence[LetterRecord]) -> Iterator[Happening]:
    # Written in one transaction, so at one moment.
    of_letter = next((letter.id for letter in letters if letter.created_at == token.created_at), None)
    tries: dict[str, str | int] = {"wrong_codes": token.code_tries} if token.code_tries else {}
    if token.used_at is not None:
        yield Happening(at=token.used_at, name="used", letter_id=of_letter, details=tries)
    elif token.voided_at is not None and token.voided_at != token.created_at:
        yield Happening(at=token.voided_at, name="link_replaced", letter_id=of_letter, details=tries)


def _of_outbox(row: OutboxRecord) -> Happening:
    details: dict[str, str | int] = {"kind": row.kind, "attempts": row.attempts}
    if row.last_error:
        details["last_error"] = row.last_error
    if row.held_for and row.held_until:
        details |= {"held_for": row.held_for, "held_until": row.held_until.isoformat(timespec="seconds")}
    return Happening(at=row.created_at, name="in_outbox", letter_id=row.letter_id, details=details)
