"""The vocabulary of a run record: outcomes, attempt kinds, cache states and error kinds, with their labels.

One entry here is all that a new kind needs: the schema, the counts and the page read these tables.
"""

OUTCOME_LABELS = {
    "success": "answered",
    "empty": "empty reply",
    "filtered": "filtered by the provider",
    "failed": "failed",
    "rejected": "rejected by the subject",
    "client_error": "the client's own error",
    "cut": "cut by the harness's drain",
    "unfinished": "under way when the run stopped",
    "unstarted": "not started, the run stopped before",
    "dropped": "dropped by the load generator",
    "generator_error": "failed in the load generator",
    "lost": "lost with its process",
}
"""Outcomes of a planned call, and how they are shown. Every planned call has exactly one of them:

- ended, `ENDED`: the subject or the user's client decided how. Rates of calls are of these.
- under way, `UNDER_WAY`: sent, and ended by the harness; how it would have ended is not known.
- never sent, `UNSENT`: the subject had no part in it.
- broken, `BROKEN`: the measurement failed; a run with one of them is INVALID.
"""
CALL_OUTCOMES = tuple(OUTCOME_LABELS)
ENDED = ("success", "empty", "filtered", "failed", "rejected", "client_error")
UNDER_WAY = ("cut", "unfinished")
UNSENT = ("unstarted", "dropped")
BROKEN = ("generator_error", "lost")
ATTEMPT_OUTCOMES = ("success", "failed", "abandoned", "rejected")

ATTEMPT_LABELS = {
    "primary": "primary",
    "retry": "retry",
    "fallback": "fallback",
    "hedge": "hedge",
    "continue": "continuation",
    "audit": "cache audit",
    "embedding": "embedding",
    "summary": "summary",
    "escalate": "escalation",
    "judge": "judge",
}
"""Attempt kinds, in the order in which figures stack them, and how they are shown."""
ATTEMPT_KINDS = tuple(ATTEMPT_LABELS)
AUXILIARY_KINDS = ("embedding", "summary", "judge")
"""Requests that serve a call without being an attempt to answer it."""

CACHE_STATES = ("off", "miss", "exact", "stale", "semantic", "coalesced", "bypass")
CACHE_HITS = ("exact", "stale", "semantic")
"""Answered from the subject's own cache."""
ANSWERED_WITHOUT_ATTEMPT = (*CACHE_HITS, "coalesced")
"""Answered without an attempt of the call's own: a coalesced call shares the reply of one in flight."""

ERROR_LABELS = {
    "client_error": "the client's own error",
    "connect": "could not connect",
    "timeout_connect": "timeout: connecting",
    "timeout_first_token": "timeout: first token",
    "timeout_whole": "timeout: whole reply",
    "timeout_inter_chunk": "timeout: between contents",
    "timeout_total": "timeout: total",
    "connection": "connection broken",
    "truncated": "stream truncated",
    "malformed": "malformed reply",
    "in_band": "error inside the stream",
    "rate_limited": "rate limited (429)",
    "quota_exhausted": "quota exhausted (429)",
    "conflict": "conflict (409, 425)",
    "server_error": "server error (5xx)",
    "overloaded": "overloaded (503, 529)",
    "auth": "authentication",
    "bad_request": "bad request",
    "context_length": "context too long",
    "too_large": "request too large",
    "unsupported": "unsupported by the target",
    "not_found": "model or endpoint gone",
    "content_filter": "prompt filtered",
    "all_providers_failed": "all providers failed",
    "rejected_limiter": "refused: own rate limit",
    "rejected_deadline": "refused: deadline",
    "rejected_unsuitable": "refused: no suitable target",
    "rejected_breaker": "refused: breaker open",
    "rejected_throttled": "refused: load shed",
    "rejected_budget": "refused: budget",
    "batch_failed": "failed batch",
    "batch_expired": "expired in a batch",
    "batch_cancelled": "cancelled in a batch",
}
"""Error kinds of calls and attempts, and how they are shown."""
ERROR_KINDS = tuple(ERROR_LABELS)
