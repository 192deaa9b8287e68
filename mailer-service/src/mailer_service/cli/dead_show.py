"""One dead letter with everything but what is sealed, however hostile it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from mailer_service.cli.dead_actions import action_data, action_text
from mailer_service.cli.dead_list import each_data
from mailer_service.cli.letter_records import record_data, record_text
from mailer_service.cli.text import ago, harmless, harmless_bytes, json_line, stamp
from mailer_service.deadletters.decision import Action
from mailer_service.deadletters.info import LetterInfo
from mailer_service.history import LetterRecord

BODY_SHOWN = 2000
_VALUE_SHOWN = 200
_DEEPEST = 6
_MOST_ITEMS = 50
_SEALED = frozenset({"sealed", "signature"})


def show_data(info: LetterInfo, action: Action, record: LetterRecord | None, *, verb: str) -> dict[str, Any]:
    """Returns one dead letter for programs."""
    message = info.message
    return {
        **each_data(info),
        verb: action_data(action),
        "task": info.incoming.task if info.incoming else None,
        "arguments": _shown(info.incoming.args) if info.incoming else None,
        "body": None
        if info.incoming
        else harmless_bytes(message.body, size=message.size, at_most=BODY_SHOWN),
        "properties": _shown(message.properties),
        "headers": _shown(message.headers),
        "ledger": record_data(record) if record else None,
    }


def show_text(
    info: LetterInfo, action: Action, record: LetterRecord | None, *, verb: str, now: datetime
) -> Iterator[str]:
    """Yields the lines of one dead letter."""
    data = show_data(info, action, record, verb=verb)
    yield f"{info.id}  {harmless(info.letter or 'no letter', at_most=60)}, {info.letter_class}"
    derived = "  (derived: it carries no header that says it)" if info.derived else ""
    yield f"  reason      {harmless(info.reason)}{derived}"
    yield f"  last reply  {harmless(info.reply or 'none')}"
    if info.died_at is not None or info.created_at is None:
        yield f"  died        {stamp(info.died_at)}, {ago(info.died_at, now=now)}"
    yield f"  asked for   {stamp(info.created_at)}, {ago(info.created_at, now=now)}"
    yield f"  first seen  {stamp(info.first_seen)}"
    yield f"  attempts    {'see the ledger' if info.attempts is None else info.attempts}"
    yield f"  {verb:<11} {action_text(action)}"
    if data["arguments"] is not None:
        yield f"  task        {harmless(str(data['task']))}"
        single = len(data["arguments"]) == 1 and isinstance(data["arguments"][0], Mapping)
        yield from (
            _tree("argument", data["arguments"][0]) if single else _tree("arguments", data["arguments"])
        )
    else:
        yield f"  body        {data['body']}"
    yield from _tree("properties", data["properties"])
    yield from _tree("headers", data["headers"])
    if record is None:
        yield "  ledger      does not know it"
    else:
        yield "  ledger"
        yield from (f"    {line}" for line in record_text(record))


def _tree(name: str, value: Any) -> Iterator[str]:
    yield f"  {name}"
    leaves = value.items() if isinstance(value, Mapping) else enumerate(value)
    for key, leaf in leaves:
        if isinstance(leaf, Mapping):
            yield from (f"  {line}" for line in _tree(str(key), leaf))
        else:
            yield f"    {key}: {leaf if isinstance(leaf, str) else json_line(leaf)}"


def _shown(value: Any, depth: int = 0) -> Any:
    """Returns the value with what is sealed left out, long things clipped and every character visible."""
    shown: Any
    if value is None or isinstance(value, bool | int | float):
        shown = value
    elif isinstance(value, bytes | bytearray | memoryview):
        shown = harmless_bytes(bytes(value), size=len(value), at_most=_VALUE_SHOWN)
    elif isinstance(value, str) or not isinstance(value, Mapping | Sequence):
        shown = harmless(str(value), at_most=_VALUE_SHOWN)
    elif depth >= _DEEPEST:
        shown = "…"
    elif isinstance(value, Mapping):
        shown = {
            harmless(str(key), at_most=60): _left_out(item) if key in _SEALED else _shown(item, depth + 1)
            for key, item in list(value.items())[:_MOST_ITEMS]
        }
    else:
        shown = [_shown(item, depth + 1) for item in value[:_MOST_ITEMS]]
    return shown


def _left_out(value: Any) -> str:
    return f"(sealed, {len(value)} characters)" if isinstance(value, str) else "(sealed)"
