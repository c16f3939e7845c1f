"""Clients may join paths to a base URL in any way; browsers of named origins may call."""

from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stack.gateway.http.paths import canonical
from tests.lab.lab import Lab, play

PATHS = (
    "/v1/chat/completions",
    "/v1/responses",
    "/v1/models",
    "/v1/models/meta-llama/Llama-3-70b",
    "/health",
)
ORIGIN = "https://app.example"


@given(
    path=st.sampled_from(PATHS),
    prefix=st.sampled_from(["", "/", "/v1", "/v1/v1", "/openai/v1", "/api", "//v1"]),
    slash=st.sampled_from(["", "/", "//"]),
)
def test_prefixes_and_slashes_do_not_matter(path: str, prefix: str, slash: str) -> None:
    assert canonical(f"{prefix}{path}{slash}") == path
    bare = path.removeprefix("/v1")
    assert canonical(f"{prefix}{bare}{slash}") == path


async def get(lab: Lab, method: str, path: str, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with httpx.AsyncClient() as client:
        return await client.request(method, f"{lab.gateway}{path}", headers=named)


def test_one_model_is_told_and_an_unknown_one_is_a_404() -> None:
    async def scene(lab: Lab) -> None:
        listed = (await get(lab, "GET", "/v1/models")).json()["data"]
        names = [model["id"] for model in listed]
        assert len(names) == len(set(names)) > 0
        for model in listed:
            assert (await get(lab, "GET", f"/models/{model['id']}")).json() == model
        unknown = await get(lab, "GET", "/v1/models/none")
        assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "model_not_found")

    play(scene)


@pytest.mark.parametrize("origins", [[], [ORIGIN], ["*"]])
def test_pages_of_named_origins_may_call(origins: list[str]) -> None:
    async def scene(lab: Lab) -> None:
        allowed = ("*" if "*" in origins else ORIGIN) if origins else None
        asked = await get(
            lab, "OPTIONS", "/v1/chat/completions", origin=ORIGIN, access_control_request_method="POST"
        )
        assert (asked.status_code == 204) == bool(origins)
        for reply in (asked, await get(lab, "GET", "/v1/models", origin=ORIGIN)):
            assert reply.headers.get("access-control-allow-origin") == allowed
        foreign = await get(lab, "GET", "/v1/models", origin="https://other.example")
        assert ("access-control-allow-origin" in foreign.headers) == ("*" in origins)

    play(scene, gateway={"allow_origins": origins})


def test_facts_come_as_a_comment_only_when_asked_for_and_the_id_in_a_header() -> None:
    async def scene(lab: Lab) -> None:
        body: Any = {"model": "any", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
        async with httpx.AsyncClient(base_url=lab.gateway) as client:
            for facts in ({}, {"x-brownout-facts": "comment"}):
                reply = await client.post("/v1/chat/completions", json=body, headers=facts)
                assert (": brownout {" in reply.text) == bool(facts)
                assert reply.headers["x-request-id"] == reply.headers["x-brownout-call-id"]

    play(scene)


def test_a_cached_answer_names_the_model_asked_for() -> None:
    async def scene(lab: Lab) -> None:
        body: Any = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}], "temperature": 0}
        async with httpx.AsyncClient(base_url=lab.gateway) as client:
            replies = [await client.post("/v1/chat/completions", json=body) for _ in range(2)]
        assert [reply.headers["x-brownout-cache"] for reply in replies] == ["miss", "exact"]
        assert replies[1].json()["model"] == "gpt-4o"

    play(scene, cache={})
