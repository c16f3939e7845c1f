"""Each fault as a client observes it over real sockets, and as the ledger records it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import anthropic
import httpx
import openai
import pytest
from anthropic import AsyncAnthropic
from openai import AsyncOpenAI

from mock_providers import MockApp, Profile
from mock_providers.faults.base import FaultBase
from mock_providers.faults.brownout import Brownout
from mock_providers.faults.hang import Hang
from mock_providers.faults.http_error import HttpError
from mock_providers.faults.outage import Outage
from mock_providers.faults.reset import Reset

ServeMock = Callable[..., Awaitable[tuple[MockApp, dict[str, str]]]]
Eventually = Callable[[Callable[[], bool]], Awaitable[None]]
BODY: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "in about 60 tokens"}]}


async def ask_openai(urls: dict[str, str], *, stream: bool, timeout_s: float = 30.0) -> str:
    async with AsyncOpenAI(base_url=urls["openai"], api_key="k", max_retries=0, timeout=timeout_s) as client:
        reply: Any = await client.chat.completions.create(**{**BODY, "stream": stream})
        if stream:
            return "".join([chunk.choices[0].delta.content or "" async for chunk in reply])
        return str(reply.choices[0].message.content)


async def ask_anthropic(urls: dict[str, str]) -> None:
    async with AsyncAnthropic(base_url=urls["anthropic"], api_key="k", max_retries=0) as client:
        await client.messages.create(
            model="claude-sonnet", max_tokens=5, messages=[{"role": "user", "content": "Hi"}]
        )


@pytest.mark.parametrize("stream", [False, True])
async def test_an_outage_is_an_overload_error(serve_mock: ServeMock, stream: bool) -> None:
    app, urls = await serve_mock(faults=[Outage()])
    with pytest.raises(openai.InternalServerError) as raised:
        await ask_openai(urls, stream=stream)
    assert raised.value.status_code == 503
    with pytest.raises(anthropic.OverloadedError):
        await ask_anthropic(urls)
    assert [(row.status, row.fault, row.cost_nusd) for row in app.ledger.rows] == [
        (503, "outage", 0),
        (529, "outage", 0),
    ]


async def test_an_http_error_has_its_status(serve_mock: ServeMock) -> None:
    app, urls = await serve_mock(faults=[HttpError(status=502, provider="openai")])
    with pytest.raises(openai.InternalServerError) as raised:
        await ask_openai(urls, stream=False)
    assert raised.value.status_code == 502
    await ask_anthropic(urls)
    assert [row.fault for row in app.ledger.rows] == ["http_error", None]


async def test_a_fault_schedule_runs_from_the_start(serve_mock: ServeMock) -> None:
    app, urls = await serve_mock(faults=[Outage(from_s=100.0, to_s=200.0)])
    now = asyncio.get_running_loop().time()
    app.start(now)
    await ask_openai(urls, stream=False)
    app.start(now - 150.0)
    with pytest.raises(openai.InternalServerError):
        await ask_openai(urls, stream=False)
    app.start(now - 250.0)
    await ask_openai(urls, stream=False)
    assert [int(row.received_s // 100) for row in app.ledger.rows] == [0, 1, 2]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_brownout_is_a_late_but_whole_reply(serve_mock: ServeMock, stream: bool) -> None:
    app, urls = await serve_mock(faults=[Brownout(extra_s=0.15)])
    loop = asyncio.get_running_loop()
    began = loop.time()
    text = await ask_openai(urls, stream=stream)
    assert loop.time() - began >= 0.15
    assert 237 <= len(text) <= 240
    (row,) = app.ledger.rows
    assert (row.fault, row.ended, row.status) == ("brownout", "complete", 200)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_hang_outlasts_the_client(
    eventually: Eventually, serve_mock: ServeMock, stream: bool
) -> None:
    app, urls = await serve_mock(faults=[Hang()])
    with pytest.raises(openai.APITimeoutError):
        await ask_openai(urls, stream=stream, timeout_s=0.1)
    await eventually(lambda: not app.in_flight)
    (row,) = app.ledger.rows
    assert (row.status, row.fault, row.ended, row.cost_nusd) == (0, "hang", "client_closed", 0)


async def test_a_hang_that_ends_closes_the_connection_without_a_reply(
    eventually: Eventually, serve_mock: ServeMock
) -> None:
    app, urls = await serve_mock(faults=[Hang(hold_s=0.05)])
    async with httpx.AsyncClient(headers={"authorization": "Bearer k"}) as client:
        with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
            await client.post(urls["openai"] + "/chat/completions", json=BODY)
    await eventually(lambda: not app.in_flight)
    (row,) = app.ledger.rows
    assert (row.status, row.ended, row.cost_nusd) == (0, "hung", 0)


async def test_a_reset_breaks_the_stream_after_its_chunks_and_bills_them(
    eventually: Eventually, serve_mock: ServeMock
) -> None:
    app, urls = await serve_mock(faults=[Reset(after_chunks=3)])
    received: list[str] = []
    async with AsyncOpenAI(base_url=urls["openai"], api_key="k", max_retries=0) as client:
        stream: Any = await client.chat.completions.create(**{**BODY, "stream": True})
        with pytest.raises(openai.APIConnectionError):
            await collect(stream, received)
    await eventually(lambda: not app.in_flight)
    (row,) = app.ledger.rows
    assert len("".join(received)) == 4 * row.output_tokens
    assert (row.chunks_sent, row.status, row.ended, row.fault) == (3, 200, "reset", "reset")
    assert row.cost_nusd == 2500 * row.input_tokens + 10_000 * row.output_tokens > 0


async def test_a_reset_is_a_real_rst(eventually: Eventually, serve_mock: ServeMock) -> None:
    app, urls = await serve_mock(faults=[Reset(after_chunks=2)])
    host, port = urls["openai"].removeprefix("http://").removesuffix("/v1").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    body = b'{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"Hi, in about 60 tokens"}]}'
    writer.write(
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer k\r\n"
        b"content-length: %d\r\n\r\n%s" % (len(body), body)
    )
    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.close()
    await eventually(lambda: not app.in_flight)
    assert app.ledger.rows[0].ended == "reset"


async def test_a_reset_json_reply_never_comes(eventually: Eventually, serve_mock: ServeMock) -> None:
    app, urls = await serve_mock(faults=[Reset()])
    with pytest.raises(openai.APIConnectionError):
        await ask_openai(urls, stream=False)
    await eventually(lambda: not app.in_flight)
    (row,) = app.ledger.rows
    assert (row.status, row.ended, row.chunks_sent, row.output_tokens) == (0, "reset", 0, 0)
    assert row.cost_nusd == 2500 * row.input_tokens


@pytest.mark.parametrize("fault", [Reset(after_chunks=2), Hang(hold_s=0.01)])
@pytest.mark.parametrize("stream", [False, True])
async def test_a_server_without_the_extensions_gets_an_exception_and_the_ledger_its_row(
    fast_profile: Callable[..., Profile], fault: FaultBase, stream: bool
) -> None:
    app = MockApp(fast_profile(), faults=[fault])
    transport = httpx.ASGITransport(app.provider("openai"))
    async with httpx.AsyncClient(transport=transport, headers={"authorization": "Bearer k"}) as client:
        with pytest.raises(ConnectionResetError):
            await client.post("http://mock/v1/chat/completions", json={**BODY, "stream": stream})
    (row,) = app.ledger.rows
    assert row.ended == ("reset" if fault.kind == "reset" else "hung")


async def collect(stream: Any, received: list[str]) -> None:
    """Keep what arrives before the stream breaks."""
    async for chunk in stream:
        received.append(chunk.choices[0].delta.content or "")  # noqa: PERF401 - a comprehension would lose it
