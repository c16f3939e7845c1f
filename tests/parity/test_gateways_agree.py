"""Replies through the gateway, raw and through the official SDK, are the same under both engines."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
import openai
from openai import AsyncOpenAI

from harness.load.plan import PlannedCall
from harness.load.reading import ObservedReply
from harness.load.workload.prompt import Prompt
from harness.stack.assembly.stack import Stack
from harness.stack.core.facts import CallFacts
from harness.stack.gateway.app import Gateway
from harness.stack.upstream.transport import make_client
from harness.subjects.over_http import ask_gateway
from harness.world.serving import serve
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
from tests.parity.stacks import attempts_of, build_stack, chain_from, expected_attempts, facts_without_moments
from tests.parity.worlds import Row, fast_profile, in_both, providers, settled_rows

QUESTION = "What is there to say?"


@dataclass(frozen=True, slots=True)
class Observation:
    """The compared facts of a case; `answers` are the client's results."""

    answers: list[Any]
    facts: list[Row]
    attempts: list[Any]
    ledger: list[Row]


@asynccontextmanager
async def served_stack(stack: Stack) -> AsyncIterator[str]:
    async with serve(Gateway(stack)) as origin:
        yield f"{origin}/v1"
    await stack.aclose()


def planned_call(n: int, *, stream: bool) -> PlannedCall:
    return PlannedCall(
        n=n,
        call_id=f"c{n}",
        at_s=0.0,
        tenant="tenant-1",
        question_id="q",
        difficulty="easy",
        prompt=Prompt("Be brief.", QUESTION, 24),
        expected="",
        max_tokens=200,
        stream=stream,
    )


async def through_the_driver(client: httpx.AsyncClient, url: str, n: int, stream: bool) -> Any:
    """The load generator's result, without the times of the chunks."""
    seen = ObservedReply()
    await ask_gateway(client, url)(planned_call(n, stream=stream), seen)
    told = (seen.status, seen.error_kind, seen.rejected, seen.finish_reason, seen.output_tokens)
    return told, tuple(seen.pieces), len(seen.chunk_s)


async def through_the_sdk(sdk: AsyncOpenAI, n: int, stream: bool) -> Any:
    """The text pieces from the SDK, and the class of the error it raised."""
    call = planned_call(n, stream=stream)
    messages: Any = [{"role": role, "content": content} for role, content in call.messages]
    headers = {"x-brownout-call-id": call.call_id}
    pieces: list[str] = []
    try:
        reply: Any = await sdk.chat.completions.create(
            model="gpt-4o", messages=messages, max_tokens=200, stream=stream, extra_headers=headers
        )
        if not stream:
            return reply.choices[0].message.content, reply.choices[0].finish_reason, reply.usage.to_dict()
        async for chunk in reply:
            pieces.append(chunk.choices[0].delta.content or "")  # noqa: PERF401  # kept when it breaks
    except openai.APIError as error:
        return type(error).__name__, getattr(error, "status_code", None), error.code, tuple(pieces)
    return tuple(pieces)


@asynccontextmanager
async def client_of(url: str, *, sdk: bool) -> AsyncIterator[Callable[[int, bool], Awaitable[Any]]]:
    """A client for the n-th call, streamed or not."""
    if sdk:
        async with AsyncOpenAI(base_url=url, api_key="any") as official:
            yield partial(through_the_sdk, official)
    else:
        async with make_client(5.0) as client:
            yield partial(through_the_driver, client, url)


async def observe(case: Case, chain: tuple[str, ...], stream: bool, *, sdk: bool) -> Observation:
    async with providers(fast_profile(**limits(case)), faults_at(case, chain[0])) as (app, endpoints):
        emitted: list[CallFacts] = []
        async with (
            served_stack(build_stack(endpoints, chain, emitted)) as url,
            client_of(url, sdk=sdk) as ask,
        ):
            answers = [await ask(n, stream) for n in range(case.calls)]
        return Observation(
            answers,
            [facts_without_moments(facts) for facts in emitted],
            [attempts_of(facts) for facts in emitted],
            await settled_rows(app),
        )


def agreed(case: Case, chain: tuple[str, ...], stream: bool, *, sdk: bool) -> Observation:
    """The observation, asserted equal under both engines."""
    on_sockets, in_memory = in_both(lambda: observe(case, chain, stream, sdk=sdk))
    assert in_memory == on_sockets
    return in_memory


STATUS_SEEN = {"bad_request": 400}
"""Of the kinds that no fallback heals, what the gateway answers before the first token."""


@every_provider
@every_case
@both_modes
def test_a_client_of_the_gateway_gets_the_same_replies(case: Case, provider: str, stream: bool) -> None:
    chain = chain_from(provider)
    seen = agreed(case, chain, stream, sdk=False)
    assert seen.attempts[-1] == expected_attempts(case, chain, stream=stream)
    (status, error_kind, rejected, finish_reason, output_tokens), pieces, chunks = seen.answers[-1]
    assert not rejected
    if breaks_after_commit(case, stream=stream):
        assert (status, error_kind, finish_reason) == (200, "connection", None)
        assert len(pieces) == chunks == cut_chunks(case, stream=stream)
    elif case.kind in STATUS_SEEN:
        assert (status, error_kind, pieces) == (STATUS_SEEN[case.kind], case.kind, ())
    else:
        assert (status, error_kind, finish_reason, output_tokens) == (200, None, "stop", 24)
        assert chunks == (seen.ledger[-1]["chunks_planned"] if stream else 1)


@every_case
@both_modes
def test_the_official_sdk_through_the_gateway_gives_the_same_results(case: Case, stream: bool) -> None:
    seen = agreed(case, chain_from("openai"), stream, sdk=True)
    # One call each, whatever the SDK's own retries would like: the gateway has done them.
    assert [facts["call_id"] for facts in seen.facts] == [f"c{n}" for n in range(case.calls)]
    last = seen.answers[-1]
    if breaks_after_commit(case, stream=stream):
        assert last[:3] == ("APIError", None, "connection")
    elif case.kind == "bad_request":
        assert last == ("BadRequestError", 400, "bad_request", ())
    elif stream:
        assert 92 < len("".join(last)) <= 96
    else:
        text, reason, usage = last
        assert (92 < len(text) <= 96, reason, usage["completion_tokens"]) == (True, "stop", 24)
