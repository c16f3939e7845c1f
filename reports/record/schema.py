"""The columns of a run's three tables. Raw facts are recorded once; everything else is derived.

Columns ending in `_s` are seconds since the subject's t = 0 (the start of its arrival plan and of the fault
schedule); `_nusd` are integer nano-dollars. A column that may be null is optional for a writer.
"""

import pyarrow as pa

from .kinds import ATTEMPT_KINDS, ATTEMPT_OUTCOMES, CACHE_STATES, CALL_OUTCOMES

SCHEMA_VERSION = 2
"""Version 2: every planned call has a row, also those that did not end, and the manifest holds their number;
`upgrade` reads older runs."""

_TYPES = {
    "str": pa.string(),
    "int": pa.int64(),
    "float": pa.float64(),
    "bool": pa.bool_(),
    "floats": pa.list_(pa.float64()),
}


def _schema(text: str) -> pa.Schema:
    """A schema from lines of `name type`; a `?` after the type lets the column be null."""
    fields = []
    for name, kind in (line.split() for line in text.strip().splitlines()):
        fields.append(pa.field(name, _TYPES[kind.rstrip("?")], nullable=kind.endswith("?")))
    return pa.schema(fields)


CALLS = _schema("""
    subject str
    call_id str
    n int
    tenant str
    question_id str?
    difficulty str?
    stream bool
    planned_s float
    started_s float?
    first_s float?
    end_s float?
    outcome str
    error_kind str?
    exception str?
    status int?
    input_tokens int
    output_tokens int
    chunk_s floats
    finish_reason str?
    provider str?
    model str?
    cache str
    cached_from str?
    cache_similarity float?
    cache_nearest str?
    cache_same_tokens bool?
    attempts int?
    cost_nusd int?
    answer_right bool?
    route_policy str?
    route_tier str?
    route_rank int?
    route_score float?
    route_why str?
    escalated bool?
    held_s float?
    session str?
""")

ATTEMPTS = _schema("""
    subject str
    call_id str
    attempt_id str
    n int
    kind str
    provider str
    model str
    started_s float
    first_s float?
    end_s float
    outcome str
    error_kind str?
    status int?
    retry_after_s float?
    limiter_wait_s float
    backoff_s float
    input_tokens int
    cached_input_tokens int
    output_tokens int
    usage_known bool
    cost_nusd int
    sign_s float?
    reasoning_tokens int?
""")

LEDGER = _schema("""
    subject str
    attempt_id str?
    request_id str
    provider str
    model str
    endpoint str
    key_id str
    region str
    stream bool
    batch_id str?
    received_s float
    queued_s float?
    status int
    error str?
    fault str?
    ended str
    input_tokens int
    cached_input_tokens int
    cache_write_tokens int?
    output_tokens int
    planned_output_tokens int
    cost_nusd int
    first_scheduled_s float?
    first_sent_s float?
    last_scheduled_s float?
    last_sent_s float?
    chunks_planned int
    chunks_sent int
    answer str?
    prompt_digest str
""")

ADDED = {
    "calls": (
        "exception",
        "cached_from",
        "cache_similarity",
        "cache_nearest",
        "cache_same_tokens",
        "route_policy",
        "route_tier",
        "route_rank",
        "route_score",
        "route_why",
        "escalated",
        "held_s",
        "session",
    ),
    "attempts": ("sign_s", "reasoning_tokens"),
}
"""Columns that were added later. One that is null throughout counts as absent, so that older records can be
read and keep their SHA-256."""

# Values a column may take; a typo in one would silently fall out of every count.
VOCABULARY: dict[str, dict[str, tuple[str, ...]]] = {
    "calls": {"outcome": CALL_OUTCOMES, "cache": CACHE_STATES},
    "attempts": {"outcome": ATTEMPT_OUTCOMES, "kind": ATTEMPT_KINDS},
    "ledger": {},
}
# What identifies a row; two rows with one identity would be counted twice in every join.
IDENTITY: dict[str, tuple[str, ...]] = {
    "calls": ("subject", "call_id"),
    "attempts": ("subject", "attempt_id"),
    "ledger": (),
}
SCHEMAS = {"calls": CALLS, "attempts": ATTEMPTS, "ledger": LEDGER}
