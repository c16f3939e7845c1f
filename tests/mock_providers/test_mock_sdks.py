"""The official SDKs, unmodified, over real sockets."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import anthropic
import openai
import pytest
from anthropic import AsyncAnthropic
from openai import AsyncOpenAI

from mock_providers import Catalogue, MockApp, Profile

ServeMock = Callable[..., Awaitable[tuple[MockApp, dict[str, str]]]]
ASK = "Question: What is the easy number?\nAnswer in about 60 tokens."


def openai_sdk(urls: dict[str, str], provider: str = "openai", key: str = "sk-test") -> AsyncOpenAI:
    return AsyncOpenAI(base_url=urls[provider], api_key=key, max_retries=0)


def anthropic_sdk(urls: dict[str, str], **options: Any) -> AsyncAnthropic:
    return AsyncAnthropic(base_url=urls["anthropic"], api_key="sk-ant", max_retries=0, **options)


@pytest.mark.parametrize(("provider", "model"), [("openai", "gpt-4o"), ("together", "llama-3-70b")])
async def test_openai_chat_answers_with_usage(
    serve_mock: ServeMock, catalogue: Catalogue, provider: str, model: str
) -> None:
    app, urls = await serve_mock(answers=catalogue)
    async with openai_sdk(urls, provider) as client:
        reply = await client.chat.completions.create(
            model=model,
            messages=[{"role": "system", "content": "Be brief."}, {"role": "user", "content": ASK}],
            extra_headers={"x-client-request-id": "call-1/0"},
        )
    assert reply.choices[0].message.content is not None
    assert reply.choices[0].message.content.startswith("The answer is 1. ")
    assert (reply.choices[0].finish_reason, reply.model) == ("stop", model)
    assert reply.usage is not None
    assert reply.usage.completion_tokens == 60
    (row,) = app.ledger.rows
    assert (row.input_tokens, row.output_tokens) == (reply.usage.prompt_tokens, 60)
    assert (row.attempt_id, row.provider, row.answer, row.ended) == (
        "call-1/0",
        provider,
        "right",
        "complete",
    )


async def test_openai_stream_equals_the_chat_and_ends_with_usage(
    serve_mock: ServeMock, catalogue: Catalogue
) -> None:
    _, urls = await serve_mock(answers=catalogue)
    async with openai_sdk(urls) as client:
        stream = await client.chat.completions.create(
            model="gpt-4o",
            messages=[{"role": "user", "content": ASK}],
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = [chunk async for chunk in stream]
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks[:-1])
    assert text.startswith("The answer is 1. ")
    assert len(text) in range(4 * 60 - 3, 4 * 60 + 1)
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 60
    assert len({chunk.id for chunk in chunks}) == 1


async def test_anthropic_messages_answer_with_usage(serve_mock: ServeMock, catalogue: Catalogue) -> None:
    app, urls = await serve_mock(answers=catalogue)
    async with anthropic_sdk(urls) as client:
        reply = await client.messages.create(
            model="claude-sonnet",
            max_tokens=100,
            system="Be brief.",
            messages=[{"role": "user", "content": ASK}],
        )
    (block,) = reply.content
    assert block.type == "text"
    assert block.text.startswith("The answer is 1. ")
    assert (reply.stop_reason, reply.model) == ("end_turn", "claude-sonnet-4-5")
    (row,) = app.ledger.rows
    assert (row.input_tokens, row.output_tokens) == (reply.usage.input_tokens, reply.usage.output_tokens)
    assert (row.model, row.output_tokens) == ("claude-sonnet-4-5", 60)


async def test_anthropic_stream_accumulates_to_the_whole_message(
    serve_mock: ServeMock, catalogue: Catalogue
) -> None:
    _, urls = await serve_mock(answers=catalogue)
    async with (
        anthropic_sdk(urls) as client,
        client.messages.stream(
            model="claude-sonnet", max_tokens=100, messages=[{"role": "user", "content": ASK}]
        ) as stream,
    ):
        text = "".join([part async for part in stream.text_stream])
        final = await stream.get_final_message()
    assert text.startswith("The answer is 1. ")
    assert (final.stop_reason, final.usage.output_tokens) == ("end_turn", 60)
    assert final.content[0].type == "text"
    assert final.content[0].text == text


async def test_the_older_anthropic_headers_are_accepted(serve_mock: ServeMock) -> None:
    _, urls = await serve_mock()
    old = {"anthropic-version": "2023-06-01", "x-api-key": "sk-ant", "authorization": ""}
    async with anthropic_sdk(urls, default_headers=old) as client:
        reply = await client.messages.create(
            model="claude-sonnet",
            max_tokens=5,
            messages=[{"role": "user", "content": "Hi"}],
            extra_body={"temperature": 0.5},
        )
    assert reply.usage.output_tokens == 5


@pytest.mark.parametrize("stream", [False, True])
async def test_openai_replies_stop_at_max_tokens_and_at_stop_sequences(
    serve_mock: ServeMock, stream: bool
) -> None:
    _, urls = await serve_mock()

    async def ask(client: AsyncOpenAI, **options: Any) -> tuple[str, str]:
        reply: Any = await client.chat.completions.create(
            model="gpt-4o",
            messages=[{"role": "user", "content": "in about 50 tokens"}],
            stream=stream,
            **options,
        )
        if not stream:
            return reply.choices[0].message.content, reply.choices[0].finish_reason
        chunks = [chunk.choices[0] async for chunk in reply]
        return "".join(chunk.delta.content or "" for chunk in chunks), chunks[-1].finish_reason

    async with openai_sdk(urls) as client:
        text, finish = await ask(client, max_completion_tokens=7)
        assert (len(text), finish) == (28, "length")
        text, finish = await ask(client, stop=["e"])
        assert "e" not in text
        assert finish == "stop"


async def test_anthropic_replies_stop_at_max_tokens_and_at_stop_sequences(serve_mock: ServeMock) -> None:
    _, urls = await serve_mock()
    asked: Any = {"model": "claude-sonnet", "messages": [{"role": "user", "content": "in about 50 tokens"}]}
    async with anthropic_sdk(urls) as client:
        short = await client.messages.create(max_tokens=7, **asked)
        assert (short.stop_reason, short.usage.output_tokens) == ("max_tokens", 7)
        stopped = await client.messages.create(max_tokens=70, stop_sequences=["e"], **asked)
        assert (stopped.stop_reason, stopped.stop_sequence) == ("stop_sequence", "e")


OPENAI_ERRORS: list[tuple[Any, dict[str, Any], dict[str, Any], int]] = [
    (openai.NotFoundError, {"model": "gpt-9"}, {}, 404),
    (openai.BadRequestError, {"max_tokens": 0}, {}, 400),
    (openai.BadRequestError, {"max_tokens": 1001}, {}, 400),
    (openai.BadRequestError, {"messages": [{"role": "user", "content": "x" * 8000}]}, {}, 400),
    (openai.AuthenticationError, {"extra_headers": {"authorization": "Basic x"}}, {}, 401),
    (openai.RateLimitError, {}, {"limits": {"requests_per_min": 60, "tokens_per_min": 1}}, 429),
]


@pytest.mark.parametrize(("error", "asked", "model", "status"), OPENAI_ERRORS)
@pytest.mark.parametrize("stream", [False, True])
async def test_openai_errors_become_the_sdks_classes(
    serve_mock: ServeMock,
    fast_profile: Callable[..., Profile],
    error: type[openai.APIStatusError],
    asked: dict[str, Any],
    model: dict[str, Any],
    status: int,
    stream: bool,
) -> None:
    app, urls = await serve_mock(fast_profile(**model))
    async with openai_sdk(urls) as client:
        messages = [{"role": "user", "content": "Hi"}]
        with pytest.raises(error) as raised:
            await client.chat.completions.create(
                **{"model": "gpt-4o", "messages": messages, "stream": stream, **asked}
            )
    assert raised.value.status_code == status
    assert raised.value.request_id is not None
    (row,) = app.ledger.rows
    assert (row.status, row.ended, row.cost_nusd, row.request_id) == (
        status,
        "error",
        0,
        raised.value.request_id,
    )


@pytest.mark.parametrize(
    ("error", "asked", "kind"),
    [
        (anthropic.NotFoundError, {"model": "claude-9"}, "not_found_error"),
        (anthropic.BadRequestError, {"max_tokens": 0}, "invalid_request_error"),
        (anthropic.BadRequestError, {"extra_body": {"temperature": 1}}, "invalid_request_error"),
        (
            anthropic.AuthenticationError,
            {"extra_headers": {"authorization": "Basic x"}},
            "authentication_error",
        ),
    ],
)
async def test_anthropic_errors_become_the_sdks_classes(
    serve_mock: ServeMock, error: type[anthropic.APIStatusError], asked: dict[str, Any], kind: str
) -> None:
    app, urls = await serve_mock()
    async with anthropic_sdk(urls) as client:
        messages = [{"role": "user", "content": "Hi"}]
        with pytest.raises(error) as raised:
            await client.messages.create(
                **{"model": "claude-sonnet", "max_tokens": 5, "messages": messages, **asked}
            )
    body: Any = raised.value.body
    assert (body["error"]["type"], body["request_id"]) == (kind, app.ledger.rows[0].request_id)
    assert app.ledger.rows[0].error == kind


async def test_a_429_tells_when_to_come_back_and_the_promise_is_kept(
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


async def test_models_are_listed_to_both_sdks(serve_mock: ServeMock) -> None:
    _, urls = await serve_mock()
    async with openai_sdk(urls) as client, anthropic_sdk(urls) as claude:
        assert [model.id async for model in client.models.list()] == ["gpt-4o"]
        assert (await client.models.retrieve("gpt-4o-2024-08-06")).id == "gpt-4o"
        assert [model.id async for model in claude.models.list()] == ["claude-sonnet-4-5"]
        with pytest.raises(openai.NotFoundError):
            await client.models.retrieve("gpt-9")


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
