"""Clients that disconnect, and a server that stops: one row each, billed for the tokens sent."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from mock_providers import MockApp, Profile, serve

ServeMock = Callable[..., Awaitable[tuple[MockApp, dict[str, str]]]]
Eventually = Callable[[Callable[[], bool]], Awaitable[None]]
SLOW: dict[str, Any] = {"pace": {"tokens_per_s": 100.0}, "ttft": {"kind": "constant", "value_s": 0.03}}
BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": "in about 900 tokens"}]}
KEY = {"authorization": "Bearer k"}


async def test_a_client_that_hangs_up_in_mid_stream_pays_for_what_was_sent(
    eventually: Eventually, serve_mock: ServeMock, fast_profile: Callable[..., Profile]
) -> None:
    app, urls = await serve_mock(fast_profile(**SLOW))
    received = 0
    async with (
        httpx.AsyncClient(headers=KEY) as client,
        client.stream(
            "POST", urls["openai"] + "/chat/completions", json={**BODY, "stream": True}
        ) as response,
    ):
        async for line in response.aiter_lines():
            received += line.count('"delta":{"content":"') - line.count('"role"')
            if received >= 3:
                break
    await eventually(lambda: not app.in_flight)
    (row,) = app.ledger.rows
    assert (row.ended, row.status) == ("client_closed", 200)
    assert 3 <= row.chunks_sent < row.chunks_planned
    assert 0 < row.output_tokens < row.planned_output_tokens
    assert row.cost_nusd == 2500 * row.input_tokens + 10_000 * row.output_tokens
    assert row.last_sent_s is not None


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_leaves_before_the_first_token_pays_for_its_prompt(
    eventually: Eventually, serve_mock: ServeMock, fast_profile: Callable[..., Profile], stream: bool
) -> None:
    app, urls = await serve_mock(fast_profile(ttft={"kind": "constant", "value_s": 60.0}))
    async with httpx.AsyncClient(headers=KEY, timeout=0.1) as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.post(urls["openai"] + "/chat/completions", json={**BODY, "stream": stream})
    await eventually(lambda: not app.in_flight)
    (row,) = app.ledger.rows
    assert (row.ended, row.status, row.output_tokens) == ("client_closed", 0, 0)
    assert row.cost_nusd == 2500 * row.input_tokens > 0


async def test_a_client_that_leaves_in_the_middle_of_its_request_gets_a_row(
    eventually: Eventually, serve_mock: ServeMock
) -> None:
    app, urls = await serve_mock()
    host, port = urls["openai"].removeprefix("http://").removesuffix("/v1").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(b'POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{"model"')
    await eventually(lambda: app.in_flight == 1)
    writer.close()
    await eventually(lambda: not app.in_flight)
    (row,) = app.ledger.rows
    assert (row.ended, row.status, row.cost_nusd, row.prompt_digest) == ("client_closed", 0, 0, "")


async def test_a_client_that_stops_reading_and_leaves_gets_a_row(
    eventually: Eventually, serve_mock: ServeMock, fast_profile: Callable[..., Profile]
) -> None:
    unpaced = fast_profile(
        pace={"tokens_per_s": float("inf"), "chunk_tokens": [1, 1]},
        max_output_tokens=200_000,
        context_window=300_000,
    )
    app, urls = await serve_mock(unpaced)
    body = {
        "model": "gpt-4o",
        "stream": True,
        "messages": [{"role": "user", "content": "in about 150000 tokens"}],
    }
    async with (
        httpx.AsyncClient(headers=KEY) as client,
        client.stream("POST", urls["openai"] + "/chat/completions", json=body) as response,
    ):
        lines = response.aiter_lines()  # kept: a dropped iterator closes the response
        await anext(lines)
        await asyncio.sleep(0.05)
        assert app.in_flight == 1
    await eventually(lambda: not app.in_flight)
    (row,) = app.ledger.rows
    assert row.ended == "client_closed"
    assert row.output_tokens < 150_000


async def test_a_server_that_stops_cuts_open_replies_and_records_them(
    eventually: Eventually,
    fast_profile: Callable[..., Profile],
) -> None:
    app, stop = MockApp(fast_profile(**SLOW)), asyncio.Event()
    urls: asyncio.Future[dict[str, str]] = asyncio.get_running_loop().create_future()
    server = asyncio.create_task(serve(app, on_ready=urls.set_result, stop=stop))
    url = (await urls)["openai"] + "/chat/completions"
    async with httpx.AsyncClient(headers=KEY) as client:
        asked = [client.post(url, json={**BODY, "stream": stream}) for stream in (True, False)]
        replies = asyncio.gather(*asked, return_exceptions=True)
        await eventually(lambda: app.in_flight == 2)
        stop.set()
        async with asyncio.timeout(5):
            await server
        assert all(isinstance(reply, httpx.TransportError) for reply in await replies)
    assert [row.ended for row in app.ledger.rows] == ["reset", "reset"]
    assert sorted(row.status for row in app.ledger.rows) == [0, 200]
    assert app.in_flight == 0


async def test_a_reply_that_ends_within_the_grace_is_whole(
    eventually: Eventually, fast_profile: Callable[..., Profile]
) -> None:
    app, stop = MockApp(fast_profile(ttft={"kind": "constant", "value_s": 0.1})), asyncio.Event()
    urls: asyncio.Future[dict[str, str]] = asyncio.get_running_loop().create_future()
    server = asyncio.create_task(serve(app, on_ready=urls.set_result, stop=stop))
    url = (await urls)["openai"] + "/chat/completions"
    async with httpx.AsyncClient(headers=KEY) as client:
        reply = asyncio.create_task(client.post(url, json={**BODY, "max_tokens": 5}))
        await eventually(lambda: app.in_flight == 1)
        stop.set()
        assert (await reply).status_code == 200
        await server
    assert [row.ended for row in app.ledger.rows] == ["complete"]


async def test_requests_in_flight_at_a_reset_do_not_reach_the_new_ledger(
    eventually: Eventually, serve_mock: ServeMock, fast_profile: Callable[..., Profile]
) -> None:
    app, urls = await serve_mock(fast_profile(ttft={"kind": "constant", "value_s": 0.1}))
    async with httpx.AsyncClient(headers=KEY) as client:
        reply = asyncio.create_task(client.post(urls["openai"] + "/chat/completions", json=BODY))
        await eventually(lambda: app.in_flight == 1)
        app.reset()
        assert app.in_flight == 0
        assert (await reply).status_code == 200
    assert len(app.ledger) == 0
