"""The admin API."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from mock_providers import MockApp

ServeMock = Callable[..., Awaitable[tuple[MockApp, dict[str, str]]]]
BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}


async def ask(client: httpx.AsyncClient, urls: dict[str, str], content: str = "Hi") -> httpx.Response:
    body = {**BODY, "messages": [{"role": "user", "content": content}]}
    return await client.post(
        urls["openai"] + "/chat/completions", json=body, headers={"authorization": "Bearer k"}
    )


async def test_every_port_has_the_admin_api(serve_mock: ServeMock) -> None:
    _, urls = await serve_mock(seed=9)
    async with httpx.AsyncClient() as client:
        for url in urls.values():
            health = (await client.get(url.removesuffix("/v1") + "/_mock/health")).json()
            assert (health["status"], health["profile"], health["seed"], health["in_flight"]) == (
                "ok",
                "fast",
                9,
                0,
            )


async def test_the_ledger_is_ndjson_of_ended_requests(serve_mock: ServeMock) -> None:
    _, urls = await serve_mock()
    async with httpx.AsyncClient() as client:
        assert (await client.get(urls["admin"] + "/_mock/ledger")).content == b""
        for _ in range(3):
            await ask(client, urls)
        ledger = await client.get(urls["admin"] + "/_mock/ledger")
        health = (await client.get(urls["admin"] + "/_mock/health")).json()
    rows = [json.loads(line) for line in ledger.text.splitlines()]
    assert ledger.headers["content-type"] == "application/x-ndjson"
    assert [row["status"] for row in rows] == [200, 200, 200]
    assert health["ledger_rows"] == 3


async def test_start_sets_the_origin_of_all_times(serve_mock: ServeMock) -> None:
    _, urls = await serve_mock()
    now = asyncio.get_running_loop().time()
    async with httpx.AsyncClient() as client:
        started = await client.post(urls["admin"] + "/_mock/start", json={"at_s": now - 1000.0})
        assert started.json() == {"at_s": now - 1000.0}
        await ask(client, urls)
        (row,) = (await client.get(urls["admin"] + "/_mock/ledger")).text.splitlines()
        assert 1000.0 <= json.loads(row)["received_s"] < 1060.0
        await client.post(urls["admin"] + "/_mock/start")
        assert (await client.get(urls["admin"] + "/_mock/health")).json()["t_s"] < 60.0


async def test_the_first_request_is_the_start_when_nobody_says_otherwise(serve_mock: ServeMock) -> None:
    app, urls = await serve_mock()
    async with httpx.AsyncClient() as client:
        await ask(client, urls)
    assert 0.0 <= app.ledger.rows[0].received_s < 5.0


async def test_faults_are_replaced_and_told(serve_mock: ServeMock) -> None:
    _, urls = await serve_mock()
    url = urls["admin"] + "/_mock/faults"
    async with httpx.AsyncClient() as client:
        assert (await client.get(url)).json() == []
        told = (await client.post(url, json=[{"kind": "outage", "model": "gpt-4o-2024-08-06"}])).json()
        assert told == [
            {
                "kind": "outage",
                "provider": None,
                "model": "gpt-4o",
                "from_s": 0.0,
                "to_s": None,
                "probability": 1.0,
            }
        ]
        assert (await ask(client, urls)).status_code == 503
        await client.put(url, json=[])
        assert (await ask(client, urls)).status_code == 200


async def test_reset_forgets_everything(serve_mock: ServeMock) -> None:
    app, urls = await serve_mock(seed=1)
    async with httpx.AsyncClient() as client:
        first = await ask(client, urls)
        await client.post(urls["admin"] + "/_mock/faults", json=[{"kind": "outage"}])
        reset = (await client.post(urls["admin"] + "/_mock/reset")).json()
        assert (reset["seed"], reset["ledger_rows"], reset["faults"]) == (1, 0, 0)
        again = await ask(client, urls)
        assert again.json()["choices"] == first.json()["choices"]
        assert again.json()["id"] == first.json()["id"]
        await client.post(urls["admin"] + "/_mock/reset", json={"seed": 2})
        assert (await ask(client, urls)).json()["choices"] != first.json()["choices"]
    assert app.run.seed == 2


async def test_the_profile_is_told(serve_mock: ServeMock) -> None:
    _, urls = await serve_mock()
    async with httpx.AsyncClient() as client:
        profile = (await client.get(urls["admin"] + "/_mock/profile")).json()
    price = profile["providers"]["openai"]["models"]["gpt-4o"]["price"]
    assert (price["input"], price["output"]) == (2500, 10_000)


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "part"),
    [
        ("POST", "faults", b"{", 400, "body: expected JSON"),
        ("POST", "faults", b'[{"kind":"outage","to":5}]', 400, "faults.0.to: unknown key"),
        ("PUT", "faults", b'{"kind":"outage"}', 400, "faults: expected a list"),
        ("POST", "start", b'{"at":5}', 400, "at: unknown key"),
        ("POST", "start", b'{"at_s":"now"}', 400, "at_s: "),
        ("POST", "reset", b'{"seed":1.5}', 400, "seed: "),
        ("POST", "reset", b"[]", 400, "valid dictionary"),
        ("DELETE", "faults", b"", 405, "expected GET or POST or PUT, got DELETE"),
        ("POST", "ledger", b"", 405, "expected GET"),
        ("GET", "leger", b"", 404, "one of health, start"),
    ],
)
async def test_bad_input_is_refused_in_one_line_and_changes_nothing(
    serve_mock: ServeMock, method: str, path: str, body: bytes, status: int, part: str
) -> None:
    app, urls = await serve_mock()
    async with httpx.AsyncClient() as client:
        reply = await client.request(method, f"{urls['admin']}/_mock/{path}", content=body)
    assert reply.status_code == status
    error: Any = reply.json()["error"]
    assert part in error
    assert "\n" not in error
    assert app.faults == ()


async def test_the_admin_port_has_nothing_else(serve_mock: ServeMock) -> None:
    _, urls = await serve_mock()
    async with httpx.AsyncClient() as client:
        assert (await client.post(urls["admin"] + "/v1/chat/completions", json=BODY)).status_code == 404
