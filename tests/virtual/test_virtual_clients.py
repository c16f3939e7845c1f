"""Unmodified servers and clients in virtual time: uvicorn, httpx, aiohttp, the OpenAI and Anthropic SDKs."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import anthropic
import httpx
import openai
import pytest
from httpx_aiohttp import AiohttpTransport

from harness.virtual import LeakReport, VirtualLoop, run_virtual
from mock_providers import build_server

CHUNKS = 20
PACE_S = 0.05
FIRST_S = 0.3
PORT = 8000
URL = f"http://127.0.0.1:{PORT}"


def now() -> float:
    return asyncio.get_running_loop().time()


class App:
    """A small ASGI app whose replies take virtual time; it records how each request ended."""

    def __init__(self) -> None:
        self.requests: list[tuple[float, str]] = []
        self.connections: list[Any] = []
        self.hung_up_s: list[float] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        more = True
        while more:
            message: Any = await receive()
            body += message["body"]
            more = message["more_body"]
        self.requests.append((now(), scope["path"]))
        self.connections.append(scope["client"])
        await getattr(self, scope["path"].strip("/").replace("/", "_"))(body, receive, send)

    async def reply(self, send: Any, status: int, body: bytes, kind: bytes = b"application/json") -> None:
        headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def echo(self, body: bytes, _receive: Any, send: Any) -> None:
        await asyncio.sleep(FIRST_S)
        await self.reply(send, 200, body)

    async def hang(self, _body: bytes, receive: Any, _send: Any) -> None:
        await receive()
        self.hung_up_s.append(now())

    async def stream(self, _body: bytes, receive: Any, send: Any) -> None:
        await self._stream(receive, send, (f"data: {n}\n\n".encode() for n in range(CHUNKS)))

    async def unavailable_chat_completions(self, _body: bytes, _receive: Any, send: Any) -> None:
        if len(self.requests) <= 2:
            await self.reply(send, 503, b'{"error":{"message":"later"}}')
        else:
            await self.reply(send, 200, json.dumps(_completion()).encode())

    async def v1_chat_completions(self, _body: bytes, receive: Any, send: Any) -> None:
        events = [f"data: {json.dumps(_completion_chunk(str(n)))}\n\n".encode() for n in range(CHUNKS)]
        await self._stream(receive, send, [*events, b"data: [DONE]\n\n"])

    async def v1_messages(self, _body: bytes, receive: Any, send: Any) -> None:
        events = (f"event: {e['type']}\ndata: {json.dumps(e)}\n\n".encode() for e in _message_events())
        await self._stream(receive, send, events)

    async def _stream(self, receive: Any, send: Any, events: Any) -> None:
        gone = asyncio.ensure_future(receive())
        headers = [(b"content-type", b"text/event-stream")]
        await asyncio.sleep(FIRST_S)
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for event in events:
            await send({"type": "http.response.body", "body": event, "more_body": True})
            await asyncio.wait([gone], timeout=PACE_S)
            if gone.done():
                self.hung_up_s.append(now())
                return
        await send({"type": "http.response.body", "body": b""})
        gone.cancel()


def _completion() -> dict[str, Any]:
    message = {"role": "assistant", "content": "at last"}
    return {"id": "c", "object": "chat.completion", "created": 1, "model": "m",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}  # fmt: skip


def _completion_chunk(text: str) -> dict[str, Any]:
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
            "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]}  # fmt: skip


def _message_events() -> list[dict[str, Any]]:
    usage = {"input_tokens": 1, "output_tokens": 1}
    message: dict[str, Any] = {"id": "m", "type": "message", "role": "assistant", "model": "m", "content": [],
                               "stop_reason": None, "stop_sequence": None, "usage": usage}  # fmt: skip
    block = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    deltas = [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": str(n)}}
        for n in range(CHUNKS)
    ]
    return [{"type": "message_start", "message": message}, block, *deltas,
            {"type": "content_block_stop", "index": 0}, {"type": "message_stop"}]  # fmt: skip


@asynccontextmanager
async def serving(app: App) -> AsyncIterator[None]:
    """The app on uvicorn, started as in production."""
    server = build_server(app, port=PORT)
    await server.startup()
    try:
        yield
    finally:
        await server.shutdown()


def in_world(body: Callable[[], Awaitable[Any]], app: App | None = None) -> Any:
    """Run `body` while the app is served; returns its result and asserts an empty leak report."""
    left: list[LeakReport] = []

    async def main() -> Any:
        async with serving(app or App()):
            result = await body()
        await asyncio.sleep(60)  # idle keep-alive timers of closed clients
        return result

    result = run_virtual(main(), on_leak_report=left.append)
    assert left == [LeakReport()]
    return result


def httpx_client(transport: str, **options: Any) -> httpx.AsyncClient:
    made = AiohttpTransport() if transport == "httpx-aiohttp" else httpx.AsyncHTTPTransport()
    return httpx.AsyncClient(base_url=URL, transport=made, **options)


both_transports = pytest.mark.parametrize("transport", ["httpcore", "httpx-aiohttp"])


@both_transports
def test_httpx_streams_with_every_chunk_at_its_virtual_time(transport: str) -> None:
    async def body() -> list[tuple[float, bytes]]:
        async with httpx_client(transport) as client, client.stream("GET", "/stream") as response:
            return [(now(), chunk) async for chunk in response.aiter_raw()]

    began_s = FIRST_S
    assert in_world(body) == [
        (pytest.approx(began_s + n * PACE_S, abs=1e-9), f"data: {n}\n\n".encode()) for n in range(CHUNKS)
    ]


@both_transports
def test_httpx_keeps_connections_alive_and_moves_large_bodies(transport: str) -> None:
    app = App()
    payload = bytes(range(256)) * 4000

    async def body() -> None:
        async with httpx_client(transport) as client:
            for _ in range(3):
                assert (await client.post("/echo", content=payload)).content == payload

    in_world(body, app)
    assert len(app.requests) == 3
    assert app.connections[0] == app.connections[1] == app.connections[2]


@both_transports
def test_httpx_opens_a_new_connection_when_the_server_has_closed_the_idle_one(transport: str) -> None:
    app = App()

    async def body() -> None:
        async with httpx_client(transport, limits=httpx.Limits(keepalive_expiry=1000)) as client:
            await client.post("/echo", content=b"1")
            await asyncio.sleep(100)  # longer than the server keeps it
            await client.post("/echo", content=b"2")

    in_world(body, app)
    assert len(app.requests) == 2
    assert app.connections[0] != app.connections[1]


@both_transports
def test_httpx_timeouts_fire_in_virtual_time(transport: str) -> None:
    app = App()

    async def body() -> float:
        async with httpx_client(transport, timeout=20) as client:
            with pytest.raises(httpx.ReadTimeout):
                await client.get("/hang")
        return now()

    assert in_world(body, app) == pytest.approx(20, abs=1)  # aiohttp rounds up to whole seconds
    assert app.hung_up_s == [pytest.approx(20, abs=1)]


@both_transports
def test_httpx_connect_timeouts_fire_in_virtual_time(transport: str) -> None:
    async def body() -> float:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop.network.delay_s = {("127.0.0.1", 9): float("inf")}
        async with httpx_client(transport, timeout=4) as client:
            with pytest.raises(httpx.ConnectTimeout):
                await client.get("http://127.0.0.1:9/")
        return now()

    assert in_world(body) == 4


# httpx-aiohttp 0.2 says ConnectTimeout for every failure to connect, on real sockets too.
@pytest.mark.parametrize(
    ("transport", "error"), [("httpcore", httpx.ConnectError), ("httpx-aiohttp", httpx.ConnectTimeout)]
)
def test_httpx_reports_a_refused_connection_at_once(transport: str, error: type[Exception]) -> None:
    async def body() -> None:
        async with httpx_client(transport) as client:
            with pytest.raises(error, match=r"Connect call failed|All connection attempts failed"):
                await client.get("http://127.0.0.1:9/")
            with pytest.raises(error, match="Name or service not known"):
                await client.get("http://nowhere.example.com/")
            assert now() == 0.0

    in_world(body)


@both_transports
def test_the_server_sees_a_client_hang_up_at_once(transport: str) -> None:
    app = App()

    async def body() -> float:
        async with httpx_client(transport) as client, client.stream("GET", "/stream") as response:
            async for _ in response.aiter_raw():
                break
            await response.aclose()
            hung_up_s = now()
            await asyncio.sleep(1)
            return hung_up_s

    assert in_world(body, app) == pytest.approx(FIRST_S)
    assert app.hung_up_s == [pytest.approx(FIRST_S)]


def test_aiohttp_streams_and_times_out_and_is_refused() -> None:
    async def body() -> tuple[int, float]:
        async with aiohttp.ClientSession(URL) as session:
            async with session.get("/stream") as response:
                chunks = [chunk async for chunk in response.content.iter_any()]
            began_s = now()
            with pytest.raises(TimeoutError):
                await session.get("/hang", timeout=aiohttp.ClientTimeout(total=3))
            with pytest.raises(aiohttp.ClientConnectorError):
                async with aiohttp.ClientSession("http://localhost:9") as refused:
                    await refused.get("/")
            return len(chunks), now() - began_s

    assert in_world(body) == (CHUNKS, pytest.approx(3))


def test_the_openai_sdk_streams() -> None:
    async def body() -> tuple[str, float]:
        async with openai.AsyncOpenAI(api_key="k", base_url=URL + "/v1") as client:
            stream = await client.chat.completions.create(
                model="m", messages=[{"role": "user", "content": "hi"}], stream=True
            )
            first_s = now()
            text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
            return text, first_s

    assert in_world(body) == ("".join(str(n) for n in range(CHUNKS)), pytest.approx(FIRST_S))


def test_the_openai_sdk_sleeps_virtually_between_its_own_retries() -> None:
    app = App()

    async def body() -> str | None:
        async with openai.AsyncOpenAI(api_key="k", base_url=URL + "/unavailable") as client:
            reply = await client.chat.completions.create(model="m", messages=[])
            return reply.choices[0].message.content

    really_s = time.perf_counter()
    assert in_world(body, app) == "at last"
    assert time.perf_counter() - really_s < 30
    first, second, third = (at_s for at_s, _ in app.requests)
    assert 0.3 < second - first < 0.6  # its own backoff: 0.5 s, then 1 s, less up to a quarter
    assert 0.7 < third - second < 1.1


def test_the_openai_sdk_times_out_and_reports_refusal() -> None:
    async def body() -> float:
        options: dict[str, Any] = {"api_key": "k", "max_retries": 0, "timeout": 90.0}
        async with openai.AsyncOpenAI(base_url=URL, **options) as client:
            with pytest.raises(openai.APITimeoutError):
                await client.get("/hang", cast_to=object)
        async with openai.AsyncOpenAI(base_url="http://127.0.0.1:9", **options) as client:
            with pytest.raises(openai.APIConnectionError):
                await client.models.list()
        return now()

    assert in_world(body) == pytest.approx(90)


def test_the_anthropic_sdk_streams() -> None:
    async def body() -> tuple[str, float]:
        async with anthropic.AsyncAnthropic(api_key="k", base_url=URL) as client:
            stream = await client.messages.create(
                model="m", max_tokens=9, messages=[{"role": "user", "content": "hi"}], stream=True
            )
            first_s = now()
            text = "".join(
                [
                    event.delta.text
                    async for event in stream
                    if event.type == "content_block_delta" and event.delta.type == "text_delta"
                ]
            )
            return text, first_s

    assert in_world(body) == ("".join(str(n) for n in range(CHUNKS)), pytest.approx(FIRST_S))
