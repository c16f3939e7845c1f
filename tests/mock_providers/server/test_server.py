"""Ports, repeatability and robustness of the served providers."""

import asyncio
import dataclasses
import json
import socket
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mock_providers import BindError, LedgerRow, MockApp, PortInUse, Profile, listen, serve

ServeMock = Callable[..., Awaitable[tuple[MockApp, dict[str, str]]]]
Eventually = Callable[[Callable[[], bool]], Awaitable[None]]
HEADERS = {"authorization": "Bearer k", "anthropic-version": "2026-10-21"}
TIMES = ("received_s", "first_scheduled_s", "first_sent_s", "last_scheduled_s", "last_sent_s")


async def test_the_urls_are_the_sdks_base_urls(serve_mock: ServeMock) -> None:
    _, urls = await serve_mock()
    assert list(urls) == ["openai", "anthropic", "together", "admin"]
    assert [url.endswith("/v1") for url in urls.values()] == [True, False, True, False]
    assert len({url.removesuffix("/v1") for url in urls.values()}) == 4


async def test_a_port_in_use_is_reported_in_one_line_and_nothing_is_left_listening(
    fast_profile: Callable[..., Profile],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, socket.create_server(("127.0.0.1", 0)) as other:
        port, free = taken.getsockname()[1], other.getsockname()[1]
        other.close()
        with pytest.raises(PortInUse, match=rf"^127\.0\.0\.1:{port} \(anthropic\): already in use$"):
            await serve(
                MockApp(fast_profile()),
                ports={"openai": free, "anthropic": port},
                on_ready=lambda _: None,
                stop=asyncio.Event(),
            )
        with socket.socket() as again:
            again.bind(("127.0.0.1", free))


@pytest.mark.parametrize(("host", "port"), [("192.0.2.1", 0), ("127.0.0.1", 70_000)])
async def test_an_impossible_address_is_reported_in_one_line(
    fast_profile: Callable[..., Profile], host: str, port: int
) -> None:
    with pytest.raises(BindError, match=rf"^{host}:{port} \(openai\): ") as refused:
        await serve(
            MockApp(fast_profile()),
            host=host,
            ports={"openai": port},
            on_ready=lambda _: None,
            stop=asyncio.Event(),
        )
    assert "\n" not in str(refused.value)


async def test_a_port_for_an_unknown_provider_is_refused(fast_profile: Callable[..., Profile]) -> None:
    with pytest.raises(ValueError, match="expected one of openai, anthropic, together, admin"):
        await serve(
            MockApp(fast_profile()), ports={"opena1": 1}, on_ready=lambda _: None, stop=asyncio.Event()
        )


async def test_small_writes_are_not_held_back() -> None:
    accepted: asyncio.Future[asyncio.StreamWriter] = asyncio.get_running_loop().create_future()
    sock = listen("127.0.0.1", 0, "openai")
    server = await asyncio.start_server(lambda _, writer: accepted.set_result(writer), sock=sock)
    async with server:
        _, client = await asyncio.open_connection(*sock.getsockname())
        writer = await accepted
        no_delay = writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        for each in (client, writer):
            each.close()
            await each.wait_closed()
    assert no_delay


async def test_chunks_are_sent_when_they_are_due(
    serve_mock: ServeMock, fast_profile: Callable[..., Profile]
) -> None:
    app, urls = await serve_mock(fast_profile(pace={"tokens_per_s": 500.0}))
    async with httpx.AsyncClient(headers=HEADERS) as client:
        body = {
            "model": "gpt-4o",
            "stream": True,
            "messages": [{"role": "user", "content": "in about 100 tokens"}],
        }
        await client.post(urls["openai"] + "/chat/completions", json=body)
    (row,) = app.ledger.rows
    assert row.first_sent_s is not None
    assert row.first_scheduled_s is not None
    assert row.last_sent_s is not None
    assert row.last_scheduled_s is not None
    assert row.last_scheduled_s - row.first_scheduled_s > 0.1
    assert 0.0 <= row.first_sent_s - row.first_scheduled_s < 0.5
    assert 0.0 <= row.last_sent_s - row.last_scheduled_s < 0.5


def idle(app: MockApp) -> bool:
    return not app.in_flight


async def play(urls: dict[str, str]) -> None:
    """A fixed series of requests: good and bad, JSON and streams, one prompt twice."""
    async with httpx.AsyncClient(headers=HEADERS) as client:
        for text in ("a", "b", "a", "c in about 30 tokens"):
            for stream in (False, True):
                body = {"max_tokens": 100, "stream": stream, "messages": [{"role": "user", "content": text}]}
                await post(client, urls["openai"] + "/chat/completions", {"model": "gpt-4o", **body})
                await post(client, urls["anthropic"] + "/v1/messages", {"model": "claude-sonnet", **body})
                await post(client, urls["together"] + "/chat/completions", {"model": "nothing", **body})


async def post(client: httpx.AsyncClient, url: str, body: dict[str, Any]) -> None:
    try:
        await client.post(url, json=body)
    except httpx.TransportError:
        return


def without_times(row: LedgerRow) -> dict[str, Any]:
    return {key: value for key, value in dataclasses.asdict(row).items() if key not in TIMES}


async def test_the_same_seed_gives_the_same_ledger(eventually: Eventually, serve_mock: ServeMock) -> None:
    faults = [
        {"kind": "http_error", "probability": 0.3},
        {"kind": "reset", "after_chunks": 2, "probability": 0.3},
    ]
    ledgers = []
    for _ in range(2):
        app, urls = await serve_mock(seed=5)
        async with httpx.AsyncClient() as client:
            assert (await client.post(urls["admin"] + "/_mock/faults", json=faults)).status_code == 200
        await play(urls)
        await eventually(partial(idle, app))
        ledgers.append([without_times(row) for row in app.ledger.rows])
    assert len(ledgers[0]) == 24
    assert {row["ended"] for row in ledgers[0]} == {"complete", "error", "reset"}
    assert ledgers[0] == ledgers[1]


@pytest.mark.parametrize(
    ("provider", "method", "path", "status"),
    [
        ("openai", "GET", "/v1/chat/completions", 405),
        ("openai", "POST", "/v1/models", 405),
        ("openai", "POST", "/v1/edits", 404),
        ("openai", "GET", "/", 404),
        ("openai", "POST", "/v1/messages", 404),
        ("anthropic", "POST", "/v1/chat/completions", 404),
        ("anthropic", "DELETE", "/v1/messages", 405),
        ("anthropic", "GET", "/v1/models/claude-9", 404),
        ("together", "GET", "/v1/modelsx", 404),
    ],
)
async def test_what_does_not_exist_is_refused_in_the_providers_shape(
    serve_mock: ServeMock, provider: str, method: str, path: str, status: int
) -> None:
    app, urls = await serve_mock()
    async with httpx.AsyncClient(headers=HEADERS) as client:
        reply = await client.request(method, urls[provider].removesuffix("/v1") + path)
    assert reply.status_code == status
    error = reply.json()["error"]
    assert error["type"]
    assert error["message"]
    assert ("request-id" if provider == "anthropic" else "x-request-id") in reply.headers
    (row,) = app.ledger.rows
    assert (row.status, row.cost_nusd, row.ended) == (status, 0, "error")


async def test_models_need_a_key_too(serve_mock: ServeMock) -> None:
    _, urls = await serve_mock()
    async with httpx.AsyncClient() as client:
        assert (await client.get(urls["openai"] + "/models")).status_code == 401


async def test_only_listed_keys_are_accepted_when_the_profile_lists_keys(
    serve_mock: ServeMock, fast_profile: Callable[..., Profile]
) -> None:
    profile = fast_profile()
    locked = profile.providers["openai"].model_copy(update={"keys": ("k",)})
    app, urls = await serve_mock(
        profile.model_copy(update={"providers": {**profile.providers, "openai": locked}})
    )
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}
    async with httpx.AsyncClient() as client:
        url = urls["openai"] + "/chat/completions"
        good = await client.post(url, json=body, headers={"authorization": "Bearer k"})
        bad = await client.post(url, json=body, headers={"authorization": "Bearer sk-1234567890"})
    assert (good.status_code, bad.status_code) == (200, 401)
    assert "sk-***7890" in bad.json()["error"]["message"]
    assert [row.error for row in app.ledger.rows] == [None, "invalid_api_key"]


async def test_a_body_that_is_too_large_is_refused_in_the_providers_shape(serve_mock: ServeMock) -> None:
    app, urls = await serve_mock()
    async with httpx.AsyncClient(headers=HEADERS) as client:
        reply = await client.post(urls["anthropic"] + "/v1/messages", content=b" " * (33 * 1024 * 1024))
    assert reply.status_code == 413
    assert reply.json()["error"]["type"] == "request_too_large"
    assert app.ledger.rows[0].status == 413


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
FIELDS = st.sampled_from(
    [
        "model",
        "messages",
        "max_tokens",
        "stream",
        "stop",
        "n",
        "system",
        "stream_options",
        "stop_sequences",
        "tools",
    ]
)
BODIES = st.binary(max_size=50) | st.dictionaries(FIELDS, JSONS, max_size=4).map(
    lambda wrong: json.dumps(
        {"model": "gpt-4o", "max_tokens": 5, "messages": [{"role": "user", "content": "Hi"}], **wrong}
    ).encode()
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=BODIES)
def test_no_body_makes_the_providers_fail(fast_profile: Callable[..., Profile], body: bytes) -> None:
    async def ask() -> None:
        app = MockApp(fast_profile())
        for name, path in (("openai", "/v1/chat/completions"), ("anthropic", "/v1/messages")):
            transport = httpx.ASGITransport(app.provider(name))
            async with httpx.AsyncClient(transport=transport, headers=HEADERS) as client:
                reply = await client.post("http://mock" + path, content=body)
                assert reply.status_code in (200, 400, 404)
        assert len(app.ledger) == 2

    asyncio.run(ask())
