"""The two tables of kinds: what can go wrong with a call, and why an attempt is made. One row per kind.

Every part that decides by kind (retry, fallback, breaker, limiter, load shedding, billing, the gateway's
status) reads a column here. The run record lists the same names; a test compares the two.
"""

from typing import Literal, NamedTuple

BreakerCount = Literal["fault", "key", "none"]


class ErrorKind(NamedTuple):
    """One kind of failure.

    - `meaning`: for people
    - `status`: HTTP status of the gateway's answer when a call fails so
    - `retryable`: the same target may succeed on a second try
    - `next_target`: the next target of the chain is asked; False if the request or its deadline is at fault,
      wherever it is sent
    - `of_request`: the request is at fault, unless another target has accepted it
    - `breaker`: "fault" counts against the target, "key" against our API key, "none" not at all
    - `overload`: adaptive concurrency lowers its limit
    - `shed`: load shedding counts it as a refusal by the provider
    - `may_be_billed`: the provider may have worked, and bill, without reporting usage
    """

    meaning: str
    status: int = 502
    retryable: bool = True
    next_target: bool = True
    of_request: bool = False
    breaker: BreakerCount = "fault"
    overload: bool = False
    shed: bool = False
    may_be_billed: bool = False


def _refused(meaning: str, status: int, *, next_target: bool = True) -> ErrorKind:
    """A refusal of our own: nothing was sent."""
    return ErrorKind(meaning, status, retryable=False, next_target=next_target, breaker="none")


ERROR_KINDS: dict[str, ErrorKind] = {
    "connect": ErrorKind("nobody listens, or the name does not resolve", shed=True),
    "timeout_connect": ErrorKind("no connection in time", 504, shed=True),
    "timeout_first_token": ErrorKind(
        "no first token in time", 504, overload=True, shed=True, may_be_billed=True
    ),
    "timeout_whole": ErrorKind(
        "no whole reply in time", 504, retryable=False, breaker="none", may_be_billed=True
    ),
    "timeout_inter_chunk": ErrorKind("the stream fell silent", 504, may_be_billed=True),
    "timeout_total": ErrorKind(
        "the call's deadline passed",
        504,
        retryable=False,
        next_target=False,
        breaker="none",
        shed=True,
        may_be_billed=True,
    ),
    "connection": ErrorKind("the connection broke", may_be_billed=True),
    "truncated": ErrorKind("the stream ended without its terminal event", may_be_billed=True),
    "malformed": ErrorKind("a chunk or a body that violates the protocol", may_be_billed=True),
    "in_band": ErrorKind("an error event on HTTP 200", may_be_billed=True),
    "rate_limited": ErrorKind("a rate limit of the provider", 429, breaker="none", overload=True, shed=True),
    "quota_exhausted": ErrorKind(
        "a spent quota or credit: waiting does not help", 429, retryable=False, breaker="key"
    ),
    "conflict": ErrorKind("HTTP 409 or 425: the same request may succeed soon", 503, breaker="none"),
    "server_error": ErrorKind("HTTP 5xx", shed=True),
    "overloaded": ErrorKind("HTTP 503 or 529", 503, overload=True, shed=True),
    "auth": ErrorKind("the API key was refused", retryable=False, breaker="key"),
    "bad_request": ErrorKind(
        "the request is invalid", 400, retryable=False, next_target=False, of_request=True, breaker="none"
    ),
    "context_length": ErrorKind(
        "the prompt is longer than the model's context", 400, retryable=False, breaker="none"
    ),
    "too_large": ErrorKind(
        "the request is larger than this target takes", 413, retryable=False, breaker="none"
    ),
    "unsupported": ErrorKind(
        "this target lacks something that the request needs", 400, retryable=False, breaker="none"
    ),
    "not_found": ErrorKind("this target has no such model or endpoint", retryable=False),
    "content_filter": ErrorKind(
        "the provider's filter refused the prompt",
        400,
        retryable=False,
        next_target=False,
        of_request=True,
        breaker="none",
    ),
    "batch_failed": ErrorKind("the batch failed as a whole", breaker="none"),
    "batch_expired": ErrorKind("the batch's time ran out before the item was answered", breaker="none"),
    "batch_cancelled": ErrorKind("the batch was cancelled", retryable=False, breaker="none"),
    "all_providers_failed": ErrorKind("every target of the chain failed", 503, breaker="none"),
    "rejected_limiter": _refused("our rate limit: the wait would be too long", 429),
    "rejected_deadline": _refused("the deadline passed before anything was sent", 504, next_target=False),
    "rejected_unsuitable": _refused("no target can serve such a call", 400),
    "rejected_breaker": _refused("the target's breaker is open", 503),
    "rejected_throttled": _refused("load shed: the provider refuses most of it", 503),
    "rejected_budget": _refused("too little is left of a budget", 429),
}


AttemptKind = Literal[
    "primary", "retry", "fallback", "hedge", "continue", "audit", "embedding", "summary", "escalate", "judge"
]


class AttemptRole(NamedTuple):
    """Why an attempt is made.

    - `meaning`: for people
    - `auxiliary`: it serves the stack itself; its reply is not the caller's
    - `opens`: it begins a chain of targets, so that the attempt at the next target is a "fallback"
    """

    meaning: str
    auxiliary: bool = False
    opens: bool = False


ATTEMPT_KINDS: dict[AttemptKind, AttemptRole] = {
    "primary": AttemptRole("the first attempt of a call", opens=True),
    "retry": AttemptRole("the same target again"),
    "fallback": AttemptRole("the next target of the chain"),
    "hedge": AttemptRole("a second attempt while the first one is late"),
    "continue": AttemptRole("another target goes on from a partial answer"),
    "audit": AttemptRole("checks an answer of the semantic cache"),
    "embedding": AttemptRole("embeds the question for the semantic cache", auxiliary=True),
    "summary": AttemptRole("summarises the conversation's history", auxiliary=True),
    "escalate": AttemptRole("a larger tier after a smaller one", opens=True),
    "judge": AttemptRole("judges the answer of a smaller tier", auxiliary=True),
}
"""Every kind of attempt, in the order of figures and legends."""
