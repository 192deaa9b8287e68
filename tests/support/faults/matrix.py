"""The matrix: what may break, row by row, and what is expected; the rows' numbers are their names."""

from collections.abc import Mapping
from types import MappingProxyType

import pytest

ROWS: Mapping[int, tuple[str, str]] = MappingProxyType(
    {
        1: (
            "kill -9 API before COMMIT / after COMMIT, before the reply",
            "nothing / one account, the retry says 202",
        ),
        2: ("SIGSTOP API 60 s", "its callers time out, it recovers"),
        3: (
            "kill -9 relay before publish / after confirm, before settling",
            "sent once: the ledger drops the copy",
        ),
        4: ("SIGSTOP relay holding rows; two relays", "another takes over; one logical send"),
        5: (
            "kill -9 PostgreSQL under load; SIGSTOP 30 s; disk full; connections exhausted",
            "no acknowledged loss; 503 within the deadline",
        ),
        6: ("connection reset during COMMIT", "outcome re-read, not guessed"),
        7: (
            "kill -9 broker while publishing, consuming and waiting (20 times)",
            "consumers resume without a restart",
        ),
        8: ("SIGSTOP broker 2 min; connection silently cut", "noticed within 3 heartbeats"),
        9: ("memory alarm, disk alarm", "API fine, relay bounded, nothing falsely settled"),
        10: ("broker away 10 min", "outbox grows, then drains in order of class"),
        11: ("reset after publish, before its confirm", "published again, sent once"),
        12: (
            "binding or exchange deleted; queue full (reject-publish); rights revoked",
            "row kept, alarm, no hot loop",
        ),
        13: ("dead-letter target unavailable", "the source keeps the message"),
        14: (
            "three-node cluster, one node killed, then a partition (network namespaces)",
            "majority serves, no loss",
        ),
        15: (
            "kill -9 mailer before DATA / after the dot / after 250 / after the ledger commit / after the report",
            "exact send counts at each point",
        ),
        16: (
            "SIGTERM under load; rolling replacement; scale 1→4→1 under load",
            "finished or requeued, none lost, none twice",
        ),
        17: ("mailer frozen beyond its lease, then thawed", "the lease fences it"),
        18: (
            "a letter that kills its worker every time",
            "delivery limit, then dead letter; others flow",
        ),
        19: (
            "bad JSON, bad UTF-8, unknown task, wrong arity, unknown version, bad signature, unknown key, 1–140 MiB body",  # noqa: RUF001
            "dead-lettered or refused, never acked away; worker alive",
        ),
        20: ("ledger database away", "no SMTP at all, nothing lost"),
        21: ("each row of the reply table, scripted", "classified as written"),
        22: (
            "SMTP: refuses, resets before DATA, resets after the dot, 250 delayed 5 min, 1 byte/s, silent banner, 1 MB line, early 221, garbage",
            "bounded, retried, ambiguous counted",
        ),
        23: ("STARTTLS stripped; bad certificate; text injected after 220", "no AUTH, no DATA"),
        24: ("535 for an hour; 50 % 421 flapping", "consumption pauses; zero dead; no storm"),
        25: ("clock +25 h, −1 h", "the database's time rules"),  # noqa: RUF001 - a minus sign
        26: (
            "backup of a database restored beside newer queues",
            "unknown ids to dead letters; nothing resurrected",
        ),
        27: (
            "100,000 bulk letters queued, then urgent ones",
            "urgent p99 time to inbox within its bound; bulk still moves",
        ),
        28: (
            "a queue purged, or the broker's disk lost, with letters in every queue",
            "every letter not confirmed by its expiry is noticed, reported and renewed while that makes sense; doctor says so at once",
        ),
        29: (
            "200 connections that send nothing, headers or a body a byte a second",
            "the API answers others",
        ),
        30: (
            "bombing, guessing, look-alikes, hijacking, 10,000 requests",
            "exactly the promised letters; nothing learnt",
        ),
    }
)


def row(number: int, fault: str, *, quick: bool = False) -> pytest.MarkDecorator:
    """Mark a test as a scenario of a row.

    Args:
        number: of the row.
        fault: which of the row's faults this is.
        quick: whether it is among those run with QUICK=1.
    """
    assert number in ROWS, f"the matrix has no row {number}"
    return pytest.mark.row(number, fault, quick=quick)
