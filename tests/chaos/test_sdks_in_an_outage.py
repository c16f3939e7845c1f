"""The official SDKs, unmodified, through hours of outage: their own timeouts and backoff in virtual time.

Their behaviour is measured, not assumed: SDK defaults of 2 retries and 600 s, backoff min(0.5 * 2^n, 8) s
times 0.75 to 1, provider hints obeyed, nothing retried once a stream has begun.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import anthropic
import httpx2
import openai
import pytest
from anthropic import AsyncAnthropic
from openai import AsyncOpenAI

from harness.virtual import LeakReport, run_virtual
from harness.world.serving import serve
from mock_providers import LedgerRow, MockApp, Profile, parse_faults
from tests.lab.lab import REFUSAL_S, TTFT_S
from tests.lab.providers import MODELS, profile_of

HOUR_S = 3600.0
ASKED: dict[str, Any] = {
    "messages": [{"role": "user", "content": "Say something, in about 60 tokens."}],
    "max_tokens": 100,
}
CLAUDE = "claude-sonnet"
"""An alias: the SDK warns of dated models near their end of life."""
RETRIES = 2
BACKOFF_S = (0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0)
"""Longest delay before each retry; the shortest is three quarters of it."""


@pytest.fixture(autouse=True)
def _same_jitter_every_time() -> Iterator[None]:
    """The SDKs draw their jitter from the global generator."""
    before = random.getstate()
    random.seed(7)
    yield
    random.setstate(before)


def steady_profile(**of_every_model: Any) -> Profile:
    """Constant latencies, so that all variation comes from the SDK."""
    return profile_of(
        {
            "ttft": {"kind": "constant", "value_s": TTFT_S},
            "pace": {"tokens_per_s": 60.0, "reply_sigma": 0.0, "chunk_sigma": 0.0},
            **of_every_model,
        },
        names=["openai", "anthropic"],
        models={"anthropic": {"aliases": [CLAUDE]}},
        error_latency_s=REFUSAL_S,
    )


@dataclass(slots=True)
class Answer:
    """The outcome of one call through an SDK."""

    began_s: float
    pieces: list[str] = field(default_factory=list)
    error: Exception | None = None
    ended_s: float = 0.0

    @property
    def took_s(self) -> float:
        return self.ended_s - self.began_s

    @property
    def whole(self) -> bool:
        return self.error is None and 236 < len("".join(self.pieces)) <= 240


class OpenAISdk:
    """The plain openai client."""

    provider = "openai"
    overloaded = openai.InternalServerError
    overloaded_status = 503
    connection = openai.APIConnectionError
    timeout = openai.APITimeoutError
    rate_limited = openai.RateLimitError
    in_mid_stream: type[Exception] = openai.APIConnectionError

    def __init__(self, origin: str, **options: Any) -> None:
        self.client = AsyncOpenAI(base_url=f"{origin}/v1", api_key="k", **options)

    async def stream(self, pieces: list[str]) -> None:
        chunks: Any = await self.client.chat.completions.create(model=MODELS["openai"], stream=True, **ASKED)
        async for chunk in chunks:
            if chunk.choices:
                pieces.append(chunk.choices[0].delta.content or "")  # noqa: PERF401  # kept when it breaks

    async def whole(self, pieces: list[str]) -> None:
        reply: Any = await self.client.chat.completions.create(model=MODELS["openai"], **ASKED)
        pieces.append(reply.choices[0].message.content)


class AnthropicSdk:
    """The plain anthropic client."""

    provider = "anthropic"
    overloaded = anthropic.OverloadedError
    overloaded_status = 529
    connection = anthropic.APIConnectionError
    timeout = anthropic.APITimeoutError
    rate_limited = anthropic.RateLimitError
    in_mid_stream: type[Exception] = httpx2.TransportError  # it leaks its transport's own

    def __init__(self, origin: str, **options: Any) -> None:
        self.client = AsyncAnthropic(base_url=origin, api_key="k", **options)

    async def stream(self, pieces: list[str]) -> None:
        async with self.client.messages.stream(model=CLAUDE, **ASKED) as stream:
            async for text in stream.text_stream:
                pieces.append(text)  # noqa: PERF401  # kept when it breaks

    async def whole(self, pieces: list[str]) -> None:
        reply: Any = await self.client.messages.create(model=CLAUDE, **ASKED)
        pieces.append(reply.content[0].text)


Sdk = OpenAISdk | AnthropicSdk
Ask = Callable[[], Awaitable[Answer]]
both_sdks = pytest.mark.parametrize("sdk", [OpenAISdk, AnthropicSdk], ids=["openai", "anthropic"])
both_modes = pytest.mark.parametrize("mode", ["stream", "whole"])


@asynccontextmanager
async def asking(app: MockApp, sdk: type[Sdk], mode: str, **options: Any) -> AsyncIterator[Ask]:
    """A call through the SDK to its provider; t = 0 is now."""
    async with serve(app.provider(sdk.provider), cut=app.hang_up) as origin:
        made = sdk(origin, **options)
        app.start()
        loop = asyncio.get_running_loop()

        async def ask() -> Answer:
            answer = Answer(loop.time())
            try:
                await getattr(made, mode)(answer.pieces)
            except (openai.OpenAIError, anthropic.AnthropicError, httpx2.TransportError) as error:
                answer.error = error
            answer.ended_s = loop.time()
            return answer

        yield ask
        await made.client.close()


def in_world(
    sdk: type[Sdk],
    body: Callable[[Ask], Awaitable[Any]],
    *faults: dict[str, Any],
    mode: str = "stream",
    profile: Profile | None = None,
    **options: Any,
) -> tuple[Any, list[LedgerRow]]:
    """Run `body` in virtual time; returns its result and the ledger. No leaks, and little real time."""
    made = profile or steady_profile()
    app = MockApp(made, seed=5, faults=parse_faults(list(faults), made))
    left: list[LeakReport] = []

    async def main() -> Any:
        async with asking(app, sdk, mode, **options) as ask:
            result = await body(ask)
        await asyncio.sleep(100)
        return result

    really_s = time.perf_counter()
    result = run_virtual(main(), on_leak_report=left.append)
    assert time.perf_counter() - really_s < 30
    assert left == [LeakReport()]
    return result, list(app.ledger.rows)


async def once(ask: Ask) -> Answer:
    return await ask()


def assert_backoff(rows: list[LedgerRow], each_takes_s: float) -> None:
    """The gap between two requests is the first one's duration plus the SDK's jittered backoff."""
    assert len(rows) > 1
    for most_s, (one, next_one) in zip(BACKOFF_S, pairwise(rows), strict=False):
        slept_s = next_one.received_s - one.received_s - each_takes_s
        assert 0.75 * most_s - 1e-6 <= slept_s <= most_s + 1e-6


@both_sdks
@both_modes
def test_answers_before_and_after_six_hours_of_outage_and_the_sdks_own_error_during_it(
    sdk: type[Sdk], mode: str
) -> None:
    async def body(ask: Ask) -> list[Answer]:
        answers = []
        for _ in range(8 * 6):
            answers.append(await ask())
            await asyncio.sleep(600 - answers[-1].took_s)
        return answers

    outage = {"kind": "outage", "from_s": HOUR_S, "to_s": 7 * HOUR_S}
    answers, rows = in_world(sdk, body, outage, mode=mode)
    before, during, after = answers[:6], answers[6:42], answers[42:]
    assert all(answer.whole for answer in (*before, *after))
    assert [type(answer.error) for answer in during] == [sdk.overloaded] * 36
    assert {answer.error.status_code for answer in during} == {sdk.overloaded_status}
    assert len(rows) == 6 + 36 * (1 + RETRIES) + 6
    refused = [row for row in rows if row.fault == "outage"]
    for first in range(0, len(refused), 1 + RETRIES):
        assert_backoff(refused[first : first + 1 + RETRIES], REFUSAL_S)
    least_s, most_s = (share * sum(BACKOFF_S[:RETRIES]) + 3 * REFUSAL_S for share in (0.75, 1.0))
    assert all(least_s - 1e-6 <= answer.took_s <= most_s + 1e-6 for answer in during)
    assert len({round(answer.took_s, 6) for answer in during}) > 30  # the jitter is drawn anew each time


@both_sdks
@both_modes
def test_a_retry_succeeds_once_the_outage_has_ended(sdk: type[Sdk], mode: str) -> None:
    answer, rows = in_world(sdk, once, {"kind": "outage", "to_s": 0.3}, mode=mode)
    assert answer.whole
    assert [row.ended for row in rows] == ["error", "complete"]
    assert_backoff(rows, REFUSAL_S)


@both_sdks
def test_the_backoff_doubles_up_to_eight_seconds(sdk: type[Sdk]) -> None:
    answer, rows = in_world(sdk, once, {"kind": "outage"}, max_retries=len(BACKOFF_S))
    assert isinstance(answer.error, sdk.overloaded)
    assert len(rows) == 1 + len(BACKOFF_S)
    assert_backoff(rows, REFUSAL_S)


@both_sdks
@both_modes
def test_a_hint_is_obeyed_instead_of_the_backoff(sdk: type[Sdk], mode: str) -> None:
    limits = {"requests_per_min": 3, "burst_s": 20.0}  # one, and the next 20 s later

    async def body(ask: Ask) -> tuple[Answer, Answer]:
        return await ask(), await ask()

    (first, second), rows = in_world(sdk, body, mode=mode, profile=steady_profile(limits=limits))
    assert first.whole
    assert second.whole
    assert [row.status for row in rows] == [200, 429, 200]
    hinted_s = rows[2].received_s - rows[1].received_s - REFUSAL_S
    until_free_s = 20.0 - (rows[1].received_s - rows[0].received_s)
    assert until_free_s <= hinted_s <= until_free_s + 1.0  # hints are rounded up


@both_sdks
@both_modes
def test_a_hang_before_the_headers_is_waited_for_ten_minutes_three_times(sdk: type[Sdk], mode: str) -> None:
    answer, rows = in_world(sdk, once, {"kind": "hang", "hold_s": 2 * HOUR_S}, mode=mode)
    assert type(answer.error) is sdk.timeout
    assert [row.ended for row in rows] == ["client_closed"] * (1 + RETRIES)
    assert_backoff(rows, 600.0)
    assert 1800 + 1.125 <= answer.took_s <= 1800 + 1.5 + 1e-6


CLOSED = {"kind": "hang", "hold_s": 1.0}
RESET = {"kind": "reset"}


@both_sdks
@pytest.mark.parametrize(
    ("mode", "fault"),
    [("stream", CLOSED), ("whole", CLOSED), ("whole", RESET)],
    ids=["stream closed", "whole closed", "whole reset"],
)
def test_a_connection_that_ends_before_the_headers_is_tried_three_times(
    sdk: type[Sdk], mode: str, fault: dict[str, Any]
) -> None:
    answer, rows = in_world(sdk, once, fault, mode=mode)
    assert type(answer.error) is sdk.connection
    assert len(rows) == 1 + RETRIES
    assert {row.status for row in rows} == {0}


@both_sdks
@pytest.mark.parametrize("after", [0, 1, 7])
def test_a_reset_in_mid_stream_is_an_error_that_nothing_retries(sdk: type[Sdk], after: int) -> None:
    answer, rows = in_world(sdk, once, {"kind": "reset", "after_chunks": after})
    assert isinstance(answer.error, sdk.in_mid_stream)
    assert not isinstance(answer.error, openai.APIStatusError | anthropic.APIError)
    assert len([piece for piece in answer.pieces if piece]) == after
    (row,) = rows
    assert (row.ended, row.chunks_sent, row.output_tokens > 0) == ("reset", after, after > 0)


@both_sdks
def test_a_slow_drip_never_times_out(sdk: type[Sdk]) -> None:
    """At five minutes a token the read timeout of ten never fires: every read restarts it, hours pass."""
    drip = {"kind": "brownout", "slowdown": 60.0 * 120}
    answer, (row,) = in_world(sdk, once, drip)
    assert answer.whole
    assert row.ended == "complete"
    assert answer.took_s > 1.5 * HOUR_S
