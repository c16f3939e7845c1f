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


async def test_the_first_request_is_the_start_when_start_was_not_called(serve_mock: ServeMock) -> None:
    app, urls = await serve_mock()
    async with httpx.AsyncClient() as client:
        await ask(client, urls)
    assert 0.0 <= app.ledger.rows[0].received_s < 5.0


async def test_faults_are_replaced_and_listed(serve_mock: ServeMock) -> None:
    _, urls = await serve_mock()
    url = urls["admin"] + "/_mock/faults"
    async with httpx.AsyncClient() as client:
        assert (await client.get(url)).json() == []
        listed = (await client.post(url, json=[{"kind": "outage", "model": "gpt-4o-2024-08-06"}])).json()
        assert [{key: value for key, value in listed[0].items() if value is not None}] == [
            {"kind": "outage", "model": "gpt-4o", "from_s": 0.0, "every": 1, "probability": 1.0}
        ]
        assert (await ask(client, urls)).status_code == 503
        await client.put(url, json=[])
        assert (await ask(client, urls)).status_code == 200


async def test_reset_clears_everything(serve_mock: ServeMock) -> None:
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


async def test_the_profile_is_served(serve_mock: ServeMock) -> None:
    _, urls = await serve_mock()
    async with httpx.AsyncClient() as client:
        profile = (await client.get(urls["admin"] + "/_mock/profile")).json()
    price = profile["providers"]["openai"]["models"]["gpt-4o"]["price"]
    assert (price["input"], price["output"]) == ("2.5", "10")


async def test_a_fault_is_added_from_now_beside_the_others(serve_mock: ServeMock) -> None:
    _, urls = await serve_mock()
    url = urls["admin"] + "/_mock/faults"
    now = asyncio.get_running_loop().time()
    async with httpx.AsyncClient() as client:
        await client.post(urls["admin"] + "/_mock/start", json={"at_s": now - 500.0})
        await client.post(url, json=[{"kind": "hang", "from_s": 9000}])
        endless = (await client.post(url + "/add", json={"kind": "outage", "for_s": None})).json()
        listed = (
            await client.post(url + "/add", json={"kind": "http_error", "status": 529, "for_s": 60})
        ).json()
        assert [fault["kind"] for fault in listed] == ["hang", "outage", "http_error"]
        assert listed[:2] == endless
        assert 500.0 <= listed[1]["from_s"] <= listed[2]["from_s"] < 560.0
        assert (listed[1]["to_s"], listed[2]["to_s"]) == (None, listed[2]["from_s"] + 60.0)
        assert (await ask(client, urls)).status_code == 503
        own_window = (await client.post(url + "/add", json={"kind": "reset", "from_s": 1, "to_s": 2})).json()
        assert (own_window[3]["from_s"], own_window[3]["to_s"]) == (1.0, 2.0)


async def test_a_fault_is_removed_by_its_value(serve_mock: ServeMock) -> None:
    _, urls = await serve_mock()
    url = urls["admin"] + "/_mock/faults"
    outage, hang = {"kind": "outage"}, {"kind": "hang", "provider": "openai", "from_s": 9000}
    async with httpx.AsyncClient() as client:
        listed = (await client.post(url, json=[outage, hang, outage])).json()
        assert (await client.post(url + "/remove", json=listed[2])).json() == [listed[1], listed[0]]
        assert (await client.post(url + "/remove", json=hang)).json() == [listed[0]]
        missing = await client.post(url + "/remove", json=hang)
        assert missing.status_code == 400
        assert missing.json()["error"].startswith("body: expected one of the scheduled faults")


async def test_a_poller_reads_the_ledger_from_where_it_stopped(serve_mock: ServeMock) -> None:
    _, urls = await serve_mock()
    url = urls["admin"] + "/_mock/ledger"
    async with httpx.AsyncClient() as client:
        for _ in range(3):
            await ask(client, urls)
        whole = await client.get(url)
        assert whole.headers["x-ledger-rows"] == "3"
        lines = whole.content.splitlines(keepends=True)
        for since in (0, 1, 3, 99):
            assert (await client.get(url, params={"since": since})).content == b"".join(lines[since:])


async def test_a_follower_gets_new_rows_until_a_reset(serve_mock: ServeMock) -> None:
    app, urls = await serve_mock()
    numbers: list[str] = []
    async with httpx.AsyncClient() as client, httpx.AsyncClient() as follower, asyncio.timeout(20):
        await ask(client, urls)
        url = urls["admin"] + "/_mock/ledger?since=1&follow=true"
        async with follower.stream("GET", url) as following:
            for nth in range(2):
                await ask(client, urls, f"question {nth}")
            lines = following.aiter_lines()
            numbers += [json.loads(await anext(lines))["request_id"] for _ in range(2)]
            expected = [row.request_id for row in app.ledger.rows[1:]]
            await client.post(urls["admin"] + "/_mock/reset")
            assert [line async for line in lines] == []
    assert numbers == expected


async def test_a_follower_that_leaves_ends_its_request(serve_mock: ServeMock) -> None:
    app, urls = await serve_mock()
    async with httpx.AsyncClient() as client, asyncio.timeout(20):
        async with client.stream("GET", urls["admin"] + "/_mock/ledger?follow=true"):
            pass
        assert (await ask(client, urls)).status_code == 200
    assert len(app.ledger) == 1


@pytest.mark.parametrize(
    "path", ["", "health", "health/", "stats", "kinds", "faults", "profile", "ledger", "ledger/?follow=true"]
)
async def test_every_get_has_a_head(serve_mock: ServeMock, path: str) -> None:
    _, urls = await serve_mock()
    async with httpx.AsyncClient() as client, asyncio.timeout(20):
        head = await client.head(f"{urls['admin']}/_mock/{path}")
        assert (head.status_code, head.content) == (200, b"")
        get = await client.get(f"{urls['admin']}/_mock/{path.removesuffix('?follow=true')}")
        assert (get.status_code, get.headers["content-type"]) == (200, head.headers["content-type"])


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
        ("GET", "faults/add/more", b"", 404, "one of health, start"),
        ("POST", "", b"", 404, "one of health, start"),
        ("GET", "ledger?since=-1", b"", 400, "since: "),
        ("GET", "ledger?since=now", b"", 400, "since: "),
        ("GET", "ledger?since=", b"", 400, "since: "),
        ("GET", "ledger?sins=1", b"", 400, "sins: unknown key"),
        ("GET", "ledger?follow=perhaps", b"", 400, "follow: "),
        ("GET", "faults/add", b"", 405, "expected POST, got GET"),
        ("POST", "faults/add", b"[]", 400, "body: expected a fault"),
        ("POST", "faults/add", b'{"kind":"flood"}', 400, "kind: expected one of outage"),
        ("POST", "faults/add", b'{"kind":"outage","for_s":0}', 400, "for_s: "),
        ("POST", "faults/add", b'{"kind":"outage","for_s":"soon"}', 400, "for_s: "),
        (
            "POST",
            "faults/add",
            b'{"kind":"outage","for_s":5,"to_s":9}',
            400,
            "for_s: expected without from_s",
        ),
        ("POST", "faults/add", b'{"kind":"outage","provider":"x"}', 400, "provider: expected one of openai"),
        ("POST", "faults/remove", b'"outage"', 400, "body: expected a fault"),
        ("POST", "faults/remove", b'{"kind":"outage"}', 400, "body: expected one of the scheduled faults"),
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
