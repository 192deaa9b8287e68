"""Letters committed straight into the outbox, sealed and signed as a flow does it: thousands in a second."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Self
from uuid import UUID

from mail_contract.keys import PublicSealingKeys, SigningKey
from mail_contract.letters import LETTERS, LetterClass, LetterName
from mail_contract.messages import Contents, Envelope, EnvelopeHeader
from mail_contract.sealing import Sealer
from support.outbox import Outbox
from support.outgoing import CONTEXTS

LINK = "http://127.0.0.1:8000/verify#token="
_URL_SAFE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """Auth-service's pen.

    Attributes:
        outbox: in its database.
        sealer: with its keys.
        chance: of ids and secrets.
    """

    outbox: Outbox
    sealer: Sealer
    chance: Random

    @classmethod
    def at(cls, database_url: str, *, keys: Path, chance: Random) -> Self:
        """With the keys that `make_keys` wrote."""
        sealer = Sealer(
            sealing_keys=PublicSealingKeys.from_json((keys / "sealing.public.json").read_text("utf-8")),
            signing_key=SigningKey.from_json((keys / "signing.private.json").read_text("utf-8")),
        )
        return cls(outbox=Outbox.at(database_url), sealer=sealer, chance=chance)

    def commit(
        self, people: Sequence[str], letter_class: LetterClass, *, lifetime: timedelta
    ) -> dict[UUID, str]:
        """Commit a letter to each of these people in one transaction; give back recipients by letter."""
        now = self.outbox.now()
        sealed = {
            recipient: self.seal(recipient, letter_class, now=now, lifetime=lifetime) for recipient in people
        }
        self.outbox.put(list(sealed.values()))
        return {envelope.header.id: recipient for recipient, envelope in sealed.items()}

    def seal(
        self, recipient: str, letter_class: LetterClass, *, now: datetime, lifetime: timedelta
    ) -> Envelope:
        """An envelope that nothing tells from one of the API; `now` is the database's time."""
        is_bulk = letter_class is LetterClass.BULK
        definition = LETTERS[LetterName.TERMS_CHANGED if is_bulk else LetterName.VERIFY_ADDRESS]
        header = EnvelopeHeader(
            id=UUID(int=self.chance.getrandbits(128), version=4),
            letter=definition.name,
            letter_class=letter_class,
            priority=definition.priority,
            created_at=now,
            expires_at=now + lifetime,
            locale=self.chance.choice(("en", "vi")),
            recipient_tag=f"{self.chance.getrandbits(128):032x}",
        )
        token = "".join(self.chance.choices(_URL_SAFE, k=43))
        secrets = {"link": LINK + token, "code": f"{self.chance.randrange(10**8):08d}"}
        context = CONTEXTS[LetterName.TERMS_CHANGED] if is_bulk else secrets
        return self.sealer.seal(header, Contents(recipient=recipient, context=context))
