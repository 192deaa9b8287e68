"""The tasks there are, and which of them a queue takes: a name on another queue is a stranger's, not a call."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from mail_contract.topology import AUTH_MAINTENANCE, AUTH_REPORTS, CLASS_QUEUES, MAILER_CANCELLATIONS

DELIVER_LETTER = "mailer.deliver_letter"
CANCEL_LETTER = "mailer.cancel_letter"
RECORD_REPORT = "auth.record_report"

PURGE_REGISTRATIONS = "auth.purge_registrations"
PURGE_REFUSALS = "auth.purge_refusals"
PURGE_TOKENS = "auth.purge_tokens"
PURGE_LETTERS = "auth.purge_letters"
PURGE_LIMITS = "auth.purge_limits"
PURGE_SESSIONS = "auth.purge_sessions"
PURGE_REFRESH_TOKENS = "auth.purge_refresh_tokens"
PURGE_CODES = "auth.purge_codes"
PURGE_EMAIL_CHANGES = "auth.purge_email_changes"
PURGE_AUDIT = "auth.purge_audit"
END_HOLDS = "auth.end_holds"
REMIND_REGISTRATIONS = "auth.remind_registrations"
RENEW_LETTERS = "auth.renew_letters"
END_LOST_LETTERS = "auth.end_lost_letters"

SCHEDULED_TASKS = frozenset(
    {
        PURGE_REGISTRATIONS,
        PURGE_REFUSALS,
        PURGE_TOKENS,
        PURGE_LETTERS,
        PURGE_LIMITS,
        PURGE_SESSIONS,
        PURGE_REFRESH_TOKENS,
        PURGE_CODES,
        PURGE_EMAIL_CHANGES,
        PURGE_AUDIT,
        END_HOLDS,
        REMIND_REGISTRATIONS,
        RENEW_LETTERS,
        END_LOST_LETTERS,
    }
)
"""What beat asks auth-service for."""

TASKS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        **dict.fromkeys(CLASS_QUEUES.values(), frozenset({DELIVER_LETTER})),
        MAILER_CANCELLATIONS: frozenset({CANCEL_LETTER}),
        AUTH_REPORTS: frozenset({RECORD_REPORT}),
        AUTH_MAINTENANCE: SCHEDULED_TASKS,
    }
)
"""The names that each consumed queue takes. Whoever may write to one exchange may not name what another queue is for."""
