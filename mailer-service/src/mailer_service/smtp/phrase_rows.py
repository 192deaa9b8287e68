"""What a phrase means, whoever says it: the rows of the reply table that go by words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from mailer_service.delivery.outcome import Concern
from mailer_service.smtp import judgements as are
from mailer_service.smtp.judgements import dead, elsewhere, later, pause
from mailer_service.smtp.phrases import Phrase, Says
from mailer_service.smtp.reply_row import FROM_RCPT, MAIL, RCPT, ReplyRow

AWAY = elsewhere(later(are.MINUTE))
IF_WE_MAY = elsewhere(later(are.MINUTE, tries=are.WHILE_NOT_SET_UP))
"""Unless too often: one domain may be wrong about us."""

BY_WORDS: Mapping[Says, tuple[ReplyRow, ...]] = MappingProxyType(
    {
        Says.QUOTA: (ReplyRow(verdict=pause, concern=Concern.QUOTA, alarm=True),),
        Says.ACCOUNT: (ReplyRow(verdict=pause, concern=Concern.ACCOUNT, alarm=True, temporary=False),),
        Says.SET_UP: (
            ReplyRow(phases=MAIL, temporary=False, verdict=pause, concern=Concern.ACCOUNT, alarm=True),
            ReplyRow(temporary=False, verdict=IF_WE_MAY, concern=Concern.SET_UP, alarm=True),
            ReplyRow(temporary=True, verdict=AWAY, concern=Concern.SET_UP, alarm=True),
        ),
        Says.PROVIDER_BUSY: (ReplyRow(verdict=AWAY, concern=Concern.PROVIDER),),
        Says.RECIPIENT_BUSY: (
            ReplyRow(phases=FROM_RCPT, verdict=later(are.GREYLISTED), concern=Concern.RECIPIENT),
        ),
        Says.BUSY: (
            ReplyRow(phases=MAIL, verdict=AWAY, concern=Concern.PROVIDER),
            ReplyRow(verdict=later(are.GREYLISTED), concern=Concern.DOMAIN),
        ),
        Says.GREYLISTED: (ReplyRow(verdict=later(are.GREYLISTED, same_provider=True)),),
        Says.MOMENT: (
            ReplyRow(phases=MAIL, temporary=False, verdict=AWAY, concern=Concern.PROVIDER),
            ReplyRow(temporary=False, verdict=later(are.GREYLISTED, tries=are.WHILE_IT_MAY_PASS)),
        ),
        Says.REPUTATION: (
            ReplyRow(phases=MAIL, enhanced=("5.7.",), verdict=elsewhere(dead()), alarm=True),
            ReplyRow(phases=FROM_RCPT, temporary=False, verdict=elsewhere(dead()), alarm=True),
        ),
        Says.POLICY: (ReplyRow(phases=FROM_RCPT, temporary=False, verdict=elsewhere(dead())),),
        Says.TOO_LARGE: (ReplyRow(temporary=False, verdict=dead(), alarm=True),),
        Says.FULL: (
            ReplyRow(phases=FROM_RCPT, temporary=False, verdict=dead(suppress=are.FULL_MAILBOX)),
            ReplyRow(
                phases=FROM_RCPT,
                temporary=True,
                verdict=later(are.FULL, tries=are.WHILE_FULL, ends_dead=True),
            ),
        ),
        Says.NO_MAILBOX: (
            ReplyRow(phases=FROM_RCPT, temporary=False, verdict=dead(suppress=are.NO_MAILBOX)),
        ),
        Says.NO_MAILBOX_NOW: (
            ReplyRow(phases=RCPT, temporary=False, verdict=dead(suppress=are.NO_MAILBOX_NOW)),
        ),
        Says.NO_MAIL_IN_DOMAIN: (
            ReplyRow(phases=FROM_RCPT, temporary=False, verdict=dead(suppress=are.NO_MAIL_IN_DOMAIN)),
        ),
    }
)
"""What a phrase means, whoever says it."""


def rows_of(phrases: Iterable[Phrase]) -> tuple[ReplyRow, ...]:
    """Returns the rows of phrases, in their order."""
    return tuple(
        replace(row, phrase=phrase, enhanced=row.enhanced or phrase.beside)
        for phrase in phrases
        for row in BY_WORDS[phrase.says]
    )
