"""A stack gives the same events, errors and facts under both engines."""

from dataclasses import dataclass
from typing import Any

import pytest

from harness.stack.assembly.stack import Stack
from harness.stack.core.call import Caller
from harness.stack.core.errors import AllProvidersFailed, ProviderError, StackError
from harness.stack.core.facts import CallFacts
from harness.stack.core.reply import Delta, Finish
from tests.parity.cases import (
    Case,
    both_modes,
    breaks_after_commit,
    cut_chunks,
    every_case,
    every_provider,
    faults_at,
    limits,
)
from tests.parity.stacks import (
    ASKED,
    MESSAGES,
    attempts_of,
    build_stack,
    chain_from,
    expected_attempts,
    facts_without_moments,
)
from tests.parity.worlds import Row, fast_profile, in_both, providers, settled_rows


@dataclass(frozen=True, slots=True)
class Answer:
    """The caller's view of one call: events, and the error that ended it (kind, status, phase), if any."""

    events: tuple[Any, ...]
    error: tuple[Any, ...] | None


@dataclass(frozen=True, slots=True)
class Observation:
    """The compared facts of a case."""

    answers: list[Answer]
    facts: list[Row]
    attempts: list[Any]
    ledger: list[Row]


TENANT = Caller(tenant="tenant")


async def ask(stack: Stack, id: str, now: float, stream: bool) -> Answer:
    events: list[Any] = []
    try:
        async with await stack.ask(stack.call(id, MESSAGES, now, TENANT, stream=stream, **ASKED)) as reply:
            async for event in reply:
                events.append((type(event).__name__, repr(event)))  # noqa: PERF401  # kept when it breaks
    except StackError as error:
        return Answer(tuple(events), error_facts(error))
    return Answer(tuple(events), None)


def error_facts(error: StackError) -> tuple[Any, ...]:
    """An error without its message, which may name a port or a wait."""
    if isinstance(error, AllProvidersFailed):
        return error.kind, *((name, *error_facts(failure)) for name, failure in error.failures)
    if isinstance(error, ProviderError):
        return error.kind, error.status, error.phase, error.retryable, error.retry_after_s is not None
    return (error.kind,)


async def observe(
    case: Case, chain: tuple[str, ...], stream: bool, *, retry: bool = True, timeout_s: float = 10.0
) -> Observation:
    async with providers(fast_profile(**limits(case)), faults_at(case, chain[0])) as (app, endpoints):
        emitted: list[CallFacts] = []
        stack = build_stack(endpoints, chain, emitted, retry=retry, timeout_s=timeout_s)
        now = app.instant().now
        answers = [await ask(stack, f"c{n}", now, stream) for n in range(case.calls)]
        rows = await settled_rows(app)
        await stack.aclose()
    return Observation(
        answers, [facts_without_moments(facts) for facts in emitted], [attempts_of(f) for f in emitted], rows
    )


def agreed(*args: Any, **options: Any) -> Observation:
    """The observation, asserted equal under both engines."""
    on_sockets, in_memory = in_both(lambda: observe(*args, **options))
    assert in_memory == on_sockets
    return in_memory


@every_provider
@every_case
@both_modes
def test_a_stack_of_one_target_gives_the_same_events_and_facts(
    case: Case, provider: str, stream: bool
) -> None:
    seen = agreed(case, (provider,), stream, retry=False)
    assert len(seen.facts) == len(seen.answers) == case.calls
    last, error = seen.answers[-1], seen.answers[-1].error
    if case.kind is None:
        assert error is None
        assert [name for name, _ in last.events][-1] == Finish.__name__
    else:
        assert error is not None
        status = None if case.kind == "connection" else case.status_from(provider)
        phase = "after" if breaks_after_commit(case, stream=stream) else "before"
        assert error[:3] == (case.kind, status, phase)
        deltas = [name for name, _ in last.events]
        assert deltas == [Delta.__name__] * (cut_chunks(case, stream=stream) or 0)


@every_provider
@every_case
@both_modes
def test_retries_and_fallbacks_make_the_same_attempts(case: Case, provider: str, stream: bool) -> None:
    chain = chain_from(provider)
    seen = agreed(case, chain, stream)
    assert seen.attempts[-1] == expected_attempts(case, chain, stream=stream)
    fails = case.kind == "bad_request" or breaks_after_commit(case, stream=stream)
    assert seen.facts[-1]["outcome"] == ("failed" if fails else "success")
    assert seen.facts[-1]["error_kind"] == (case.kind if fails else None)
    requests = [row["attempt_id"] for row in seen.ledger]
    made = [f"c{call}/{n}" for call, facts in enumerate(seen.attempts) for n in range(1, len(facts) + 1)]
    assert sorted(requests) == sorted(made)


HANG = Case("hang", {"kind": "hang", "hold_s": 600.0}, "timeout_first_token", 0)


@every_provider
@both_modes
def test_a_hang_ends_in_a_timeout_and_the_provider_records_the_hang_up(provider: str, stream: bool) -> None:
    chain = chain_from(provider)
    # Long for a reply of milliseconds, so that a busy machine does not lose the fallback's too.
    seen = agreed(HANG, chain, stream, timeout_s=0.25)
    kind = "timeout_first_token" if stream else "timeout_whole"
    tries = [("primary", provider, "failed", kind, None)]
    if stream:
        tries.append(("retry", provider, "failed", kind, None))
    assert seen.attempts == [[*tries, ("fallback", chain[1], "success", None, 200)]]
    ends = [(row["provider"], row["ended"]) for row in seen.ledger]
    assert sorted(ends) == sorted([(provider, "client_closed")] * len(tries) + [(chain[1], "complete")])


@pytest.mark.parametrize("down", ["outage", "hang"])
@both_modes
def test_when_all_providers_are_down_the_same_failures_are_named(down: str, stream: bool) -> None:
    async def body() -> tuple[Answer, Row, int]:
        fault = {"kind": down} | ({"hold_s": 0.02} if down == "hang" else {})
        async with providers(fast_profile(), [fault]) as (app, endpoints):
            emitted: list[CallFacts] = []
            stack = build_stack(endpoints, chain_from("openai"), emitted)
            answer = await ask(stack, "c0", app.instant().now, stream)
            await stack.aclose()
            return answer, facts_without_moments(emitted[0]), len(await settled_rows(app))

    on_sockets, in_memory = in_both(body)
    assert in_memory == on_sockets
    answer, facts, requests = in_memory
    assert answer.error is not None
    kind = "overloaded" if down == "outage" else "connection"
    assert [failure[:2] for failure in answer.error[1:]] == [
        ("openai", kind),
        ("anthropic", kind),
        ("together", kind),
    ]
    assert (answer.error[0], facts["error_kind"], requests) == ("all_providers_failed",) * 2 + (6,)


def test_a_port_without_listener_is_a_connect_error() -> None:
    async def body() -> tuple[Answer, Row]:
        async with providers(fast_profile()) as (app, endpoints):
            emitted: list[CallFacts] = []
        # The providers are gone again, their ports are free.
        stack = build_stack(endpoints, ("openai",), emitted)
        answer = await ask(stack, "c0", app.instant().now, True)
        await stack.aclose()
        return answer, facts_without_moments(emitted[0])

    on_sockets, in_memory = in_both(body)
    assert in_memory == on_sockets
    answer, facts = in_memory
    assert answer.error is not None
    assert (answer.error[0], [a["error_kind"] for a in facts["attempts"]]) == ("connect", ["connect"] * 2)
