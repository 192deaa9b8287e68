"""The ledger's statements. Each is one step that either happens whole or not at all; each is guarded by what it expects.

Those that every letter needs take any number of letters at once, as a JSON list of rows `asked`.
"""

from __future__ import annotations

from sqlalchemy import text

from mailer_service.db.suppression_statements import HOLDS, SAY

CLAIM = text(
    f"""
    INSERT INTO letters AS known
           (id, letter, letter_class, envelope_digest, expires_at,
            state, holder, holder_key, lease_until, bound_to, fence, attempts)
    SELECT id, letter, letter_class, envelope_digest, expires_at,
           state,
           CASE WHEN taken THEN :holder END,
           CASE WHEN taken THEN CAST(:holder_key AS bigint) END,
           CASE WHEN taken THEN now() + :lease END,
           CASE WHEN taken THEN provider END,
           1, CAST(taken AS integer)
    FROM (
        SELECT *, state IN ('claimed', 'transmitting') AS taken
        FROM (
            SELECT *, CASE WHEN expires_at <= now() THEN 'expired'
                           WHEN {HOLDS} THEN 'suppressed'
                           WHEN provider IS NULL THEN 'claimed'
                           ELSE 'transmitting' END AS state
            FROM json_to_recordset(CAST(:asked AS json))
                 AS asked (id uuid, letter text, letter_class text, envelope_digest bytea,
                           expires_at timestamptz, recipient_hash bytea, domain_hash bytea, provider text)
        ) AS judged
        ORDER BY id
    ) AS found
    ON CONFLICT (id) DO UPDATE SET
        state        = CASE
                           WHEN known.cancellation IS NOT NULL THEN 'cancelled'
                           WHEN known.bound_to IS NOT NULL AND excluded.state = 'transmitting' THEN 'claimed'
                           WHEN excluded.state IN ('expired', 'suppressed')
                                AND (known.ambiguities > 0 OR known.state = 'transmitting') THEN 'unconfirmed'
                           ELSE excluded.state
                       END,
        holder       = CASE WHEN known.cancellation IS NULL THEN excluded.holder END,
        holder_key   = CASE WHEN known.cancellation IS NULL THEN excluded.holder_key END,
        lease_until  = CASE WHEN known.cancellation IS NULL THEN excluded.lease_until END,
        bound_to     = COALESCE(known.bound_to, CASE WHEN known.cancellation IS NULL THEN excluded.bound_to END),
        attempts     = known.attempts + CASE WHEN known.cancellation IS NULL THEN excluded.attempts ELSE 0 END,
        ambiguities  = known.ambiguities + CAST(known.state = 'transmitting' AS integer),
        claimed_from = known.state,
        fence        = known.fence + 1,
        updated_at   = now()
    WHERE known.envelope_digest = excluded.envelope_digest
      AND CASE
              WHEN known.state = 'waiting' THEN known.next_at IS NULL OR known.next_at <= now()
              WHEN known.state NOT IN ('claimed', 'transmitting') THEN false
              WHEN known.lease_until <= now() THEN true
              ELSE pg_try_advisory_xact_lock_shared(known.holder_key)
          END
    RETURNING id, state, fence, attempts, ambiguities, refusals, claimed_from, first_seen_at, holder, bound_to,
              now() AS at, expires_at - now() AS remaining
    """  # noqa: S608 - of two constants
)
"""Takes letters in hand, those that are free: new, waiting and due, or left by a holder whose lease is over or whose lock is gone.

Where a provider is named and nothing binds the letter to one, its transmission has begun with that: one step, and one
round trip, fewer. A bound letter is only claimed, and whoever has the claim asks for the rest once it knows the provider.

A lock that is gone can be had by any number of replicas at once, shared, while a holder that lives has it alone. In the
order of their ids, so that two replicas that ask for the same letters do not wait for each other.
"""

ABANDONED = text(
    """
    INSERT INTO attempts (letter_id, fence, number, started_at, outcome, reason, duration_ms, replica)
    VALUES (CAST(:id AS uuid), :fence, :number, now(), 'abandoned', :claimed_from, 0, 'unknown')
    ON CONFLICT DO NOTHING
    """
)
"""Notes that an attempt ended without a word, because its replica died or froze."""

STANDING = text(
    """
    SELECT id, state, envelope_digest, attempts, last_reason, last_reply, first_seen_at, now() AS at
    FROM letters WHERE id = ANY(CAST(:ids AS uuid[]))
    """
)

BEGIN_TRANSMISSION = text(
    """
    UPDATE letters SET state = 'transmitting', bound_to = asked.provider, updated_at = now()
    FROM json_to_recordset(CAST(:asked AS json)) AS asked (id uuid, fence integer, provider text)
    WHERE letters.id = asked.id AND letters.fence = asked.fence
      AND state IN ('claimed', 'transmitting') AND lease_until > now() AND cancellation IS NULL
    RETURNING letters.id, letters.fence
    """
)
"""The last question before a server is spoken to, where the claim was not it: is the letter still mine, and still wanted?
Left like this, the letter may be with that provider, so nobody else is given it."""

_SETTLE = """
    WITH settled AS (
        UPDATE letters SET
            state       = CASE
                              WHEN asked.state = 'waiting' AND cancellation IS NOT NULL THEN 'cancelled'
                              WHEN asked.state IN ('dead', 'unconfirmed') AND cancellation = 'account_deleted'
                                  THEN 'cancelled'
                              ELSE asked.state
                          END,
            holder      = NULL,
            holder_key  = NULL,
            lease_until = NULL,
            attempts    = attempts - given_back,
            ambiguities = ambiguities + asked.ambiguous,
            refusals    = CASE
                              WHEN asked.refused IS NULL THEN refusals
                              ELSE refusals || jsonb_build_object(
                                  asked.refused, COALESCE(CAST(refusals ->> asked.refused AS integer), 0) + 1
                              )
                          END,
            next_at     = now() + make_interval(secs => asked.delay_seconds),
            bound_to    = asked.bound_to,
            last_reason = reason,
            last_reply  = reply,
            updated_at  = now()
        FROM json_to_recordset(CAST(:asked AS json))
             AS asked (id uuid, fence integer, state text, ambiguous integer, given_back integer, noted boolean,
                       refused text, delay_seconds float8, bound_to text, part integer, started_at timestamptz, outcome text, reason text, phase text,
                       reply text, duration_ms integer, provider text)
        WHERE letters.id = asked.id AND letters.fence = asked.fence AND letters.state IN ('claimed', 'transmitting')
        RETURNING letters.id, letters.fence, letters.state, attempts + given_back AS number, now() AS at,
                  noted, part, started_at, outcome, reason, phase, reply, duration_ms, provider
    ), attempted AS (
        INSERT INTO attempts
               (letter_id, fence, part, number, started_at,
                outcome, reason, phase, reply, duration_ms, provider, replica)
        SELECT id, fence, part, number, started_at,
               outcome, reason, phase, reply, duration_ms, provider, :replica
        FROM settled WHERE noted
    ){more}
    SELECT id, fence, state, at FROM settled
"""

SETTLE = text(_SETTLE.format(more=""))
"""Records outcomes of attempts; nothing happens to a letter that somebody else has claimed since."""

SETTLE_AND_SUPPRESS = text(_SETTLE.format(more=f", said AS ({SAY})"))
"""The same, and what the server said of letters that would follow."""

EXTEND = text(
    """
    UPDATE letters SET lease_until = now() + :lease, updated_at = now()
    WHERE id = CAST(:id AS uuid) AND fence = :fence AND state = 'transmitting'
    """
)
"""Keeps a letter in hand whose final dot has left, for as long as its server may take to answer; also where the lease was
over already, as long as nobody else has claimed it."""

EARLIER = text(
    """
    INSERT INTO attempts
           (letter_id, fence, part, number, started_at,
            outcome, reason, phase, reply, duration_ms, provider, replica)
    SELECT id, fence, :part, attempts, :started_at,
           :outcome, :reason, :phase, :reply, :duration_ms, :provider, :replica
    FROM letters WHERE id = CAST(:id AS uuid) AND fence = :fence AND state IN ('claimed', 'transmitting')
    ON CONFLICT DO NOTHING
    """
)
"""Notes what a provider said before another one was asked; noting it twice is noting it once."""

CANCEL = text(
    """
    INSERT INTO letters AS known (id, state, cancellation) VALUES (CAST(:id AS uuid), 'cancelled', :reason)
    ON CONFLICT (id) DO UPDATE SET
        cancellation  = excluded.cancellation,
        recipient_tag = NULL,
        state         = CASE
                            WHEN known.state = 'waiting' THEN 'cancelled'
                            WHEN known.state IN ('dead', 'unconfirmed', 'expired', 'suppressed')
                                 AND excluded.cancellation = 'account_deleted' THEN 'cancelled'
                            ELSE known.state
                        END,
        updated_at    = now()
    WHERE CASE
              WHEN excluded.cancellation = 'account_deleted'
                  THEN known.cancellation IS DISTINCT FROM excluded.cancellation
              ELSE known.cancellation IS NULL
                   AND known.state IN ('waiting', 'claimed', 'transmitting', 'dead', 'unconfirmed', 'suppressed')
          END
    """
)
"""Withdraws a letter: at once if it is not in hand, else as soon as its attempt ends without acceptance.

One of a deleted account has no other end from then on, unless it was sent: it is never a dead letter that somebody could send again.
"""
