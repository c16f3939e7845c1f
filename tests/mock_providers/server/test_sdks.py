"""The official SDKs, unmodified, over real sockets."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import anthropic
import openai
import pytest
from anthropic import AsyncAnthropic
from openai import AsyncOpenAI

from mock_providers import MockApp, Profile

ServeMock = Callable[..., Awaitable[tuple[MockApp, dict[str, str]]]]


def openai_sdk(urls: dict[str, str]) -> AsyncOpenAI:
    return AsyncOpenAI(base_url=urls["openai"], api_key="sk-test", max_retries=0)


def anthropic_sdk(urls: dict[str, str]) -> AsyncAnthropic:
    return AsyncAnthropic(base_url=urls["anthropic"], api_key="sk-ant", max_retries=0)


async def test_a_429_says_how_long_to_wait_and_then_admits_the_request(
    serve_mock: ServeMock, fast_profile: Callable[..., Profile]
) -> None:
    _, urls = await serve_mock(fast_profile(limits={"requests_per_min": 120, "burst_s": 0.5}))
    asked: Any = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1}
    async with openai_sdk(urls) as client:
        replies = await asyncio.gather(
            *(client.chat.completions.create(**asked) for _ in range(3)), return_exceptions=True
        )
        limited = [reply for reply in replies if isinstance(reply, openai.RateLimitError)]
        assert limited
        headers = limited[0].response.headers
        assert headers["retry-after"] == "1"
        assert 1 <= int(headers["retry-after-ms"]) <= 500
        assert headers["x-ratelimit-limit-requests"] == "120"
        await asyncio.sleep(int(headers["retry-after-ms"]) / 1000)
        assert (await client.chat.completions.create(**asked)).choices


async def test_a_hundred_streams_at_once_are_all_whole_and_all_billed(serve_mock: ServeMock) -> None:
    app, urls = await serve_mock()

    async def one(client: AsyncOpenAI, number: int) -> int:
        stream = await client.chat.completions.create(
            model="gpt-4o",
            messages=[{"role": "user", "content": f"{number}: in about 40 tokens"}],
            stream=True,
        )
        return sum([len(chunk.choices[0].delta.content or "") async for chunk in stream])

    async with openai_sdk(urls) as client:
        sizes = await asyncio.gather(*(one(client, number) for number in range(100)))
    assert all(157 <= size <= 160 for size in sizes)
    assert [row.ended for row in app.ledger.rows] == ["complete"] * 100
    assert sum(row.output_tokens for row in app.ledger.rows) == 4000
    assert app.in_flight == 0


async def test_the_ledger_equals_usage_times_price_exactly(serve_mock: ServeMock) -> None:
    app, urls = await serve_mock()
    expected = 0
    async with openai_sdk(urls) as client, anthropic_sdk(urls) as claude:
        for number in range(10):
            asked: Any = [{"role": "user", "content": "x" * (1 + number * 37)}]
            reply = await client.chat.completions.create(model="gpt-4o", messages=asked)
            assert reply.usage is not None
            expected += reply.usage.prompt_tokens * 2500 + reply.usage.completion_tokens * 10_000
            message = await claude.messages.create(model="claude-sonnet", max_tokens=200, messages=asked)
            expected += message.usage.input_tokens * 2500 + message.usage.output_tokens * 10_000
    assert sum(row.cost_nusd for row in app.ledger.rows) == expected


async def test_output_tokens_count_against_the_limit_once_they_were_sent(
    serve_mock: ServeMock, fast_profile: Callable[..., Profile]
) -> None:
    app, urls = await serve_mock(fast_profile(limits={"output_tokens_per_min": 60}))
    asked: Any = {"model": "claude-sonnet", "messages": [{"role": "user", "content": "in about 90 tokens"}]}
    async with anthropic_sdk(urls) as client:
        await client.messages.create(max_tokens=200, **asked)
        with pytest.raises(anthropic.RateLimitError) as raised:
            await client.messages.create(max_tokens=200, **asked)
    assert int(raised.value.response.headers["retry-after"]) in (30, 31)
    assert [row.output_tokens for row in app.ledger.rows] == [90, 0]
