"""② Whether a campaign is going on, looked up now and then, and said once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import structlog
from sqlalchemy.orm import Session

from auth_service.db import limits
from auth_service.db.campaigns import count_registrations
from auth_service.domain.campaign import CALM, Alert, Suspicion
from auth_service.domain.limit import parse_limit
from auth_service.security.secrets import KeyedHash

LOOK_SECONDS: Final = 5.0
"""How long a process goes by what it saw: the count takes milliseconds where thousands register."""

_ALARMS: Final = parse_limit("1/hour")
_log = structlog.get_logger(__name__)


@dataclass(slots=True, kw_only=True)
class CampaignWatch:
    """What the registrations of a while ago ask for.

    Attributes:
        suspicion: what is taken for a campaign; None to take nothing for one.
        keyed_hash: makes the key under which alarms are counted, so that all processes together raise one an hour.
        clock: seconds, monotonic.
    """

    suspicion: Suspicion | None
    keyed_hash: KeyedHash
    clock: Callable[[], float] = time.monotonic
    _seen: Alert = CALM
    _next_look: float = float("-inf")
    _quiet_until: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def look(self, session: Session) -> Alert:
        """Returns what is asked for now, or was some seconds ago."""
        if self.suspicion is None:
            return CALM
        with self._lock:
            if self.clock() < self._next_look:
                return self._seen
            # Whoever comes while the database is asked goes by what was seen last.
            self._next_look = self.clock() + LOOK_SECONDS
        seen = count_registrations(session, self.suspicion.period)
        self._seen = Alert(
            prove=self.suspicion.is_raised_by(seen.everybody), hold=self.suspicion.is_raised_by(seen.proved)
        )
        return self._seen

    def alarm(self, session: Session, event: str, **words: str) -> None:
        """Logs an error of that name, but once an hour, whichever process sees it first.

        To be called for each request of a campaign: so the row all of them share is asked for now and then only.
        """
        with self._lock:
            now = self.clock()
            if now < self._quiet_until.get(event, now):
                return
            self._quiet_until[event] = now + LOOK_SECONDS
        key = self.keyed_hash.limit_key("alarm", event)
        if limits.admit(session, key, _ALARMS, lazily=True).admitted:
            _log.error(event, **words)
