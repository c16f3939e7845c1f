"""Calls with different credentials never share an answer, unless the stack says that a tenant's calls do."""

import asyncio
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stack.caching.exact import cache_key
from harness.stack.core.call import Caller
from harness.stack.gateway.caller import caller_of, key_name
from tests.lab.lab import Lab, play
from tests.stack.calls import changed
from tests.stack.conftest import a_call

TABLES: list[dict[str, Any]] = [
    {"cache": {}},
    {"cache": {"single_flight": False}},
    {"semantic_cache": {"policy": "plain", "threshold": 0.5, "audit_share": 0.0}},
]
BODY = {"model": "any", "messages": [{"role": "user", "content": "Which city is the capital of Norway?"}]}
SHARED = ("exact", "coalesced", "semantic")
OTHER: list[tuple[dict[str, str], dict[str, str]]] = [
    ({"authorization": "Bearer A"}, {"authorization": "Bearer B"}),
    ({"authorization": "Bearer A"}, {}),
    ({"x-api-key": "A"}, {"x-api-key": "B"}),
    ({"api-key": "A"}, {"api-key": "B"}),
    ({"authorization": "Bearer A", "x-api-key": "1"}, {"authorization": "Bearer A", "x-api-key": "2"}),
]
"""Headers of two callers with different credentials."""


async def caches(lab: Lab, *callers: dict[str, str], together: bool = False) -> list[str]:
    """The cache's part in one question, asked by each caller in turn, or by all at once."""

    async def ask(headers: dict[str, str]) -> str:
        reply: httpx.Response = await lab.client.post(
            f"{lab.gateway}/v1/chat/completions", json=BODY, headers=headers
        )
        assert reply.status_code == 200
        return reply.headers["x-brownout-cache"]

    if together:
        return list(await asyncio.gather(*map(ask, callers)))
    return [await ask(headers) for headers in callers]


@pytest.mark.parametrize(("one", "other"), OTHER)
@pytest.mark.parametrize("table", TABLES)
def test_nobody_gets_the_answer_to_anothers_credential(
    table: dict[str, Any], one: dict[str, str], other: dict[str, str]
) -> None:
    """ "Bearer B" got the answer to "Bearer A", though the README said "per tenant"."""

    async def scene(lab: Lab) -> None:
        assert await caches(lab, one, other) == ["miss", "miss"]
        [again] = await caches(lab, one)
        assert again in SHARED

    play(scene, **table)


def test_calls_under_way_are_not_shared_across_credentials() -> None:
    async def scene(lab: Lab) -> None:
        a, b = {"authorization": "Bearer A"}, {"authorization": "Bearer B"}
        assert sorted(await caches(lab, a, b, a, together=True)) == ["coalesced", "miss", "miss"]

    play(scene, cache={})


@pytest.mark.parametrize("table", TABLES)
def test_a_tenants_credentials_share_answers_if_the_stack_says_so(table: dict[str, Any]) -> None:
    async def scene(lab: Lab) -> None:
        a, b = {"authorization": "Bearer A"}, {"authorization": "Bearer B"}
        first, second = await caches(lab, a, b)
        assert (first, second in SHARED) == ("miss", True)
        acme = {**b, "x-brownout-tenant": "acme"}
        assert await caches(lab, acme) == ["miss"]

    [(name, options)] = table.items()
    play(scene, **{name: {**options, "scope": "tenant"}})


NAME = st.text("ab:\n", max_size=3)
CALLER = st.builds(Caller, tenant=NAME, key=NAME, residency=NAME)


@given(one=CALLER, other=CALLER)
def test_only_equal_callers_share_a_key(one: Caller, other: Caller) -> None:
    a, b = changed(a_call(), caller=one), changed(a_call(), caller=other)
    assert (cache_key(a) == cache_key(b)) == (one == other)
    no_keys = [(each.tenant, each.residency) for each in (one, other)]
    assert (cache_key(a, "tenant") == cache_key(b, "tenant")) == (no_keys[0] == no_keys[1])


def test_a_credential_has_one_name_in_every_header() -> None:
    named = key_name("Bearer A")
    assert named.startswith("key-")
    assert [caller_of({name: "A"}).key for name in ("authorization", "x-api-key", "api-key")] == [named] * 3
    assert caller_of({"authorization": "bearer A", "x-api-key": "A"}).key == named
    assert caller_of({"authorization": "Bearer "}).key == caller_of({}).key == ""
