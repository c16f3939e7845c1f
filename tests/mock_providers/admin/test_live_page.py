"""The live page's headers, and the numbers that it shows."""

import base64
import hashlib
import re
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from mock_providers import MockApp, Profile, describe_faults
from mock_providers.admin.live_page import live_page
from mock_providers.admin.live_stats import live_stats, phase
from mock_providers.faults import parse_faults

ServeMock = Callable[..., Awaitable[tuple[MockApp, dict[str, str]]]]


async def ask(client: httpx.AsyncClient, url: str, model: str = "gpt-4o") -> None:
    await client.post(
        f"{url}/chat/completions",
        json={"model": model, "messages": [{"role": "user", "content": "Hi"}]},
        headers={"authorization": "Bearer k"},
    )


async def test_the_page_is_html_under_a_policy_that_allows_only_itself(serve_mock: ServeMock) -> None:
    _, urls = await serve_mock()
    async with httpx.AsyncClient() as client:
        reply = await client.get(urls["openai"].removesuffix("/v1") + "/_mock/")
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    policy = dict(part.split(" ", 1) for part in reply.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["connect-src"] == "'self'"
    for tag in ("script", "style"):
        (content,) = re.findall(f"<{tag}>(.*?)</{tag}>", reply.text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert policy[f"{tag}-src"] == f"'sha256-{digest}'"


def test_the_page_loads_nothing_and_writes_no_markup() -> None:
    html = live_page().body.decode()
    assert re.findall(r"https?://|@import|url\(|\ssrc=", html) == []
    assert re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|\son\w+=", html) == []


@pytest.mark.parametrize("path", ["/", "/_mock", "/_mock//"])
async def test_the_paths_beside_the_page_lead_to_it(serve_mock: ServeMock, path: str) -> None:
    _, urls = await serve_mock()
    async with httpx.AsyncClient(follow_redirects=True) as client:
        reply = await client.get(urls["admin"] + path)
    assert (reply.status_code, reply.url.path) == (200, "/_mock/")


async def test_the_numbers_are_the_ledgers_sums(serve_mock: ServeMock) -> None:
    app, urls = await serve_mock(seed=3)
    async with httpx.AsyncClient() as client:
        for model in ("gpt-4o", "gpt-4o", "gpt-4o-2024-08-06", "nobody-has-this"):
            await ask(client, urls["openai"], model)
        await ask(client, urls["together"], "llama-3-70b")
        await client.post(urls["admin"] + "/_mock/faults", json=[{"kind": "outage"}])
        await ask(client, urls["openai"])
        stats = (await client.get(urls["admin"] + "/_mock/stats")).json()
    rows = list(app.ledger.rows)
    totals = stats["totals"]
    assert stats["rows"] == totals["all"]["requests"] == 6
    assert totals["by_status"] == {"200": 4, "404": 1, "503": 1}
    assert totals["by_ended"] == {"complete": 4, "error": 2}
    assert totals["by_fault"] == {"": 5, "outage": 1}
    for of in totals["by_model"]:
        own = [row for row in rows if (row.provider, row.model) == (of["provider"], of["model"])]
        assert of["requests"] == len(own)
        for name in ("input_tokens", "cached_input_tokens", "output_tokens", "cost_nusd"):
            assert of[name] == sum(getattr(row, name) for row in own)
    assert sum(of["cost_nusd"] for of in totals["by_model"]) == totals["all"]["cost_nusd"] > 0
    assert [of["model"] for of in totals["by_model"]] == ["gpt-4o", "nobody-has-this", "llama-3-70b"]
    assert (stats["profile"]["name"], stats["seed"], stats["in_flight"]) == ("fast", 3, 0)
    assert {one["name"]: one["base_url"] for one in stats["providers"]} == {
        name: url for name, url in urls.items() if name != "admin"
    }


async def test_the_last_requests_come_newest_first(serve_mock: ServeMock) -> None:
    app, urls = await serve_mock()
    async with httpx.AsyncClient() as client:
        for nth in range(22):
            await ask(client, urls["openai"], f"model-{nth}" * 50)
        last = (await client.get(urls["admin"] + "/_mock/stats")).json()["last"]
    assert [row["model"] for row in last] == [(f"model-{nth}" * 50)[:200] for nth in range(21, 1, -1)]
    assert {row["status"] for row in last} == {404}
    assert len(app.ledger) == 22


async def test_looking_at_the_numbers_does_not_start_the_clock(serve_mock: ServeMock) -> None:
    app, urls = await serve_mock()
    async with httpx.AsyncClient() as client:
        assert (await client.get(urls["admin"] + "/_mock/stats")).json()["t_s"] is None
        assert app.run.started_at is None
        await client.post(urls["admin"] + "/_mock/start")
        assert 0.0 <= (await client.get(urls["admin"] + "/_mock/stats")).json()["t_s"] < 60.0


def test_faults_are_listed_with_their_phase(fast_profile: Callable[..., Profile]) -> None:
    window = {"kind": "hang", "from_s": 10, "to_s": 20}
    endless = {"kind": "outage", "from_s": 10}
    faults = parse_faults([window, endless], fast_profile())
    assert [[phase(fault, t_s) for t_s in (9.9, 10.0, 19.9, 20.0)] for fault in faults] == [
        ["upcoming", "active", "active", "past"],
        ["upcoming", "active", "active", "active"],
    ]
    listed: list[dict[str, Any]] = live_stats(MockApp(fast_profile(), faults=faults), 15.0, {})["faults"]
    assert [(one["phase"], one["kind"], one["from_s"]) for one in listed] == [
        ("active", "hang", 10.0),
        ("active", "outage", 10.0),
    ]


async def test_every_kind_of_fault_is_listed_with_its_own_options(serve_mock: ServeMock) -> None:
    _, urls = await serve_mock()
    async with httpx.AsyncClient() as client:
        kinds = (await client.get(urls["admin"] + "/_mock/kinds")).json()
    assert {kind: one["summary"] for kind, one in kinds.items()} == describe_faults()
    assert kinds["http_error"]["options"]["variant"] == "plain"
    for one in kinds.values():
        assert {"kind", "provider", "model", "from_s", "to_s", "probability"}.isdisjoint(one["options"])
