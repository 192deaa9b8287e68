"""`mailer-service dkim-records`: what to publish before letters are signed."""

from __future__ import annotations

import json

from mailer_service.sender_settings import DkimSettings
from mailer_service.smtp.dkim_keys import DkimKeys, zone_line


def run(settings: DkimSettings) -> str:
    """Returns one TXT record a key: lines of a zone file."""
    return "\n".join(zone_line(name, text) for name, text in _records(settings))


def as_json(settings: DkimSettings) -> str:
    """Returns the same as a list of names and texts."""
    return json.dumps([{"name": name, "type": "TXT", "text": text} for name, text in _records(settings)])


def _records(settings: DkimSettings) -> list[tuple[str, str]]:
    keys = DkimKeys.from_json(settings.dkim_keys.get_secret_value()).keys
    return [(f"{key.selector}._domainkey.{settings.signing_domain}", key.record()) for key in keys]
