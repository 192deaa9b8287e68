"""Letters to test with."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID, uuid4

from mail_contract.letters import LetterName
from mail_contract.messages import EnvelopeHeader
from mailer_service.address import Mailbox
from mailer_service.letters.brand import Brand
from mailer_service.letters.compose import Message, Sender, compose
from mailer_service.letters.examples import EXAMPLES, example_header
from mailer_service.letters.renderer import Renderer, Rendering

CONTEXTS = {name: context.model_dump() for name, context in EXAMPLES.items()}
LINK = CONTEXTS[LetterName.VERIFY_ADDRESS]["link"]
CODE = CONTEXTS[LetterName.VERIFY_ADDRESS]["code"]
HEADERS = (
    "Date",
    "From",
    "To",
    "Message-ID",
    "Subject",
    "MIME-Version",
    "Content-Type",
    "Content-Language",
    "Auto-Submitted",
    "X-Auto-Response-Suppress",
    "X-Postern-Letter",
)
"""Of every letter, in this order."""
SENDER = Sender(mailbox=Mailbox.parse("no-reply@postern.example"), name="Postern")
RENDERER = Renderer(Brand(name="Postern"))


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingLetter:
    """What a letter is composed of."""

    header: EnvelopeHeader
    recipient: str
    rendering: Rendering


def composed(letter: OutgoingLetter, sender: Sender = SENDER) -> Message:
    return compose(letter.header, letter.rendering, recipient=letter.recipient, sender=sender)


def header(
    letter: LetterName = LetterName.VERIFY_ADDRESS, *, locale: str = "en", letter_id: UUID | None = None
) -> EnvelopeHeader:
    return example_header(letter, locale=locale, letter_id=letter_id or uuid4())


def outgoing(
    recipient: str = "an@example.org",
    *,
    letter: LetterName = LetterName.VERIFY_ADDRESS,
    locale: str = "en",
    rendering: Rendering | None = None,
    letter_id: UUID | None = None,
) -> OutgoingLetter:
    clear = header(letter, locale=locale, letter_id=letter_id)
    words = rendering or RENDERER.render(clear, CONTEXTS[clear.letter])
    return OutgoingLetter(header=clear, recipient=recipient, rendering=words)


def every_letter(sender: Sender, *, at: datetime | None = None) -> dict[str, bytes]:
    """Each letter in each language as sent, by names such as `verify_address.en`."""
    written = {}
    for letter in LetterName:
        for language in RENDERER.languages(letter):
            found = outgoing(letter=letter, locale=language)
            if at is not None:
                found = replace(found, header=found.header.model_copy(update={"created_at": at}))
            written[f"{letter}.{language}"] = composed(found, sender).octets
    return written
