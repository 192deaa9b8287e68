"""Letters to test with."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

from mail_contract.letters import LETTERS, LetterName
from mail_contract.messages import EnvelopeHeader
from mailer_service.delivery.transport import OutgoingLetter
from mailer_service.render.renderer import Renderer
from mailer_service.render.rendering import Rendering
from mailer_service.smtp.address import Mailbox
from mailer_service.smtp.message import Sender

LINK = "http://127.0.0.1:8000/verify#token=Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6"
CODE = "48215937"
CONTEXTS = {
    LetterName.VERIFY_ADDRESS: {"link": LINK, "code": CODE},
    LetterName.ACCOUNT_EXISTS: {"home": "http://127.0.0.1:8000"},
}
CREATED = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
SENDER = Sender(mailbox=Mailbox.parse("no-reply@postern.example"), name="Postern")
RENDERER = Renderer(product_name="Postern")


def header(
    letter: LetterName = LetterName.VERIFY_ADDRESS, *, locale: str = "en", letter_id: UUID | None = None
) -> EnvelopeHeader:
    definition = LETTERS[letter]
    return EnvelopeHeader(
        id=letter_id or uuid4(),
        letter=letter,
        letter_class=definition.letter_class,
        priority=definition.priority,
        created_at=CREATED,
        expires_at=CREATED + definition.lifetime,
        locale=locale,
        recipient_tag="tag",
    )


def outgoing(
    recipient: str = "an@example.org",
    *,
    locale: str = "en",
    rendering: Rendering | None = None,
    letter_id: UUID | None = None,
) -> OutgoingLetter:
    clear = header(locale=locale, letter_id=letter_id)
    words = rendering or RENDERER.render(clear, CONTEXTS[clear.letter])
    return OutgoingLetter(header=clear, recipient=recipient, rendering=words)
