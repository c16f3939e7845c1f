"""Stacks for the cases: how they are built, which of their facts are compared, and what is expected."""

from collections.abc import Mapping
from typing import Any

from harness.stack.assembly.layers import build
from harness.stack.assembly.options import StackOptions
from harness.stack.assembly.stack import Stack
from harness.stack.core.facts import AttemptFacts, CallFacts
from harness.stack.core.request import Message
from harness.stack.upstream.endpoint import Endpoint
from tests.lab.providers import MODELS
from tests.parity.cases import MOST_HINT_S, NEVER_RETRIED, Case, breaks_after_commit
from tests.parity.raw_client import MAX_TOKENS, PROMPT
from tests.parity.worlds import PROVIDERS, Row

BACKOFF_S = 0.004
MESSAGES = (Message("system", "Be brief."), Message("user", PROMPT))
ASKED: dict[str, Any] = {"model": "gpt-4o", "max_tokens": MAX_TOKENS}

Attempt = tuple[str, str, str, str | None, int | None]
"""(kind, provider, outcome, error kind, status)"""


def chain_from(provider: str) -> tuple[str, ...]:
    """All providers, `first` in front."""
    first = PROVIDERS.index(provider)
    return PROVIDERS[first:] + PROVIDERS[:first]


def build_stack(
    endpoints: Mapping[str, Endpoint],
    chain: tuple[str, ...],
    emitted: list[CallFacts],
    *,
    timeout_s: float = 10.0,
    retry: bool = True,
) -> Stack:
    """A stack over these providers, in this order, with two attempts at each.

    A reply that is not streamed may take little longer than `timeout_s`: real seconds pass while one hangs.
    """
    options: dict[str, Any] = {
        "deadlines": {"whole_tokens_per_s": 10.0 * MAX_TOKENS},
        "target": [{"provider": name, "model": MODELS[name], "timeout_s": timeout_s} for name in chain],
    }
    if retry:
        options["retry"] = {
            "attempts": 2,
            "base_s": BACKOFF_S,
            "cap_s": BACKOFF_S,
            "max_retry_after_s": MOST_HINT_S,
        }
    return build(StackOptions.model_validate(options), endpoints, sink=emitted.append, seed=5)


def facts_without_moments(facts: CallFacts) -> Row:
    """A call's facts with its attempts, without clock readings.

    A backoff is drawn from the seed and stays; a wait from the provider's hint is a clock reading.
    """
    row = facts.as_row()
    for moment in ("started_s", "first_s", "end_s"):
        row[moment] = row[moment] is not None
    row["attempts"] = [_attempt(attempt) for attempt in facts.attempts]
    return row


def _attempt(attempt: AttemptFacts) -> Row:
    values = {name: getattr(attempt, name) for name in AttemptFacts.__slots__}
    for moment in ("started_s", "sign_s", "first_s", "end_s", "retry_after_s", "limiter_wait_s"):
        values[moment] = values[moment] is not None
    if values["backoff_s"] > BACKOFF_S:
        values["backoff_s"] = "as asked"
    return values


def attempts_of(facts: CallFacts) -> list[Attempt]:
    """The columns of a call's attempts that expectations cover."""
    return [(a.kind, a.provider, a.outcome or "open", a.error_kind, a.status) for a in facts.attempts]


def expected_attempts(case: Case, chain: tuple[str, ...], *, stream: bool) -> list[Attempt]:
    """The attempts of a retrying stack in the last call of a case at `chain[0]`; the others are healthy."""
    first, *others = chain
    if case.kind is None:
        return [("primary", first, "success", None, 200)]
    status = case.status_from(first) if case.kind != "connection" else None
    failed = ("failed", case.kind, status)
    attempts: list[Attempt] = [("primary", first, *failed)]
    if case.limited and first != "anthropic":
        return [*attempts, ("retry", first, "success", None, 200)]
    if case.kind not in NEVER_RETRIED and not case.limited and not breaks_after_commit(case, stream=stream):
        attempts.append(("retry", first, *failed))
    if others and case.kind != "bad_request" and not breaks_after_commit(case, stream=stream):
        attempts.append(("fallback", others[0], "success", None, 200))
    return attempts
