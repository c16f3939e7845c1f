"""The exact cache: same request, same tenant, complete answers only."""

import asyncio
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stack.caching.exact import CacheOptions, ExactCache, cache_key
from harness.stack.caching.store import EntryStore, Found
from harness.stack.core.cache_hints import CacheHints
from harness.stack.core.call import Call
from harness.stack.core.errors import ProviderError
from harness.stack.core.reply import Delta, Finish, ToolCall
from harness.stack.core.request import Message, Tool
from harness.stack.core.target import Target
from tests.stack.calls import PARTS, changed

OPENAI = Target("openai", "openai", "gpt-4o")
DECIDES = {
    "tenant": "other",
    "model": "other",
    "messages": (Message("user", "other"),),
    "max_tokens": 7,
    "temperature": 0.5,
    "top_p": 0.5,
    "stop": ("other",),
    "prefill": "other",
    "tools": (Tool("other"),),
    "tool_choice": "required",
    "parallel_tool_calls": False,
    "json_schema": {},
    "json_strict": True,
    "json_name": "other",
    "json_description": "other",
    "parameters": {"seed": 1},
    "residency": "eu",
    "key": "of-another-caller",
}


@pytest.mark.parametrize("name", DECIDES)
def test_whatever_decides_an_answer_is_in_the_key(name: str, call: Callable[..., Call]) -> None:
    other: Any = {name: DECIDES[name]}
    assert cache_key(call()) != cache_key(changed(call(), **other))


TURNS = [
    Message("assistant", "", (ToolCall("c1", "look", "{}"),)),
    Message("assistant", "", (ToolCall("c1", "look", '{"at": 1}'),)),
    Message("assistant", "", (ToolCall("c1", "listen", "{}"),)),
    Message("assistant", ""),
    Message("tool", "", tool_call_id="c1"),
    Message("tool", "", tool_call_id="c2"),
]
TOOLS = [
    Tool("look"),
    Tool("look", "at it"),
    Tool("look", parameters={"type": "object"}),
    Tool("look", strict=True),
]


def test_tools_their_calls_and_their_results_are_in_the_key(call: Callable[..., Call]) -> None:
    """Regression named after semantic-router#3423: system prompt and tools ignored in the key."""
    asked = [changed(call(), messages=(turn,)) for turn in TURNS]
    asked += [changed(call(), tools=(tool,)) for tool in TOOLS]
    asked += [changed(call(), json_schema=schema) for schema in ({}, {"type": "object"})]
    assert len({cache_key(each) for each in asked}) == len(asked)


def test_the_key_holds_nothing_that_does_not_decide_the_answer(call: Callable[..., Call]) -> None:
    others: dict[str, Any] = {
        "id": "c2",
        "deadline_s": 1.0,
        "target": None,
        "stream": False,
        "backoff_s": 1.0,
        "priority": "batch",
        "force": True,
        "hint": "hard",
        "order": (OPENAI,),
        "may_escalate": True,
        "cache": "refresh",
        "counter": len,
        "only": ("openai",),
        "reservation": None,
        "key_name": "b",
        "cache_hints": CacheHints(key="k"),
        "on_sign": print,
        "fresh_connection": True,
    }
    others |= {"kind": "retry", "facts": call("c2").facts}
    own = {field.name for field in fields(Call)} - set(PARTS.values())
    assert set(others) | set(DECIDES) == own | set(PARTS)
    assert cache_key(call()) == cache_key(changed(call(), **others))


def test_moving_a_word_between_messages_changes_the_key(call: Callable[..., Call]) -> None:
    one = changed(call(), messages=(Message("user", "ab"), Message("user", "c")))
    two = changed(call(), messages=(Message("user", "a"), Message("user", "bc")))
    assert cache_key(one) != cache_key(two)


async def test_a_repeat_is_replayed_event_by_event_without_asking(
    call: Callable[..., Call], scripted: Any
) -> None:
    cache, inner = ExactCache(CacheOptions()), scripted(("a", "b", "c"))
    first = [event async for event in await cache(call(), inner)]
    again = call("c2")
    assert [event async for event in await cache(again, inner)] == first
    assert [type(event) for event in first] == [Delta, Delta, Delta, Finish]
    assert (len(inner.calls), again.facts.cache) == (1, "exact")


async def test_another_tenants_answer_is_never_served(call: Callable[..., Call], scripted: Any) -> None:
    cache, inner = ExactCache(CacheOptions()), scripted(("mine",), ("yours",))
    await (await cache(changed(call(), tenant="a"), inner)).text()
    assert (await (await cache(changed(call(), tenant="b"), inner)).text())[0] == "yours"


@pytest.mark.parametrize(
    ("temperature", "use"), [(None, "exact"), (0.7, "exact"), (0.7000001, "bypass"), (0.0, "exact")]
)
async def test_calls_up_to_the_maximal_temperature_are_cached(
    temperature: float | None, use: str, call: Callable[..., Call], scripted: Any
) -> None:
    cache, inner = ExactCache(CacheOptions(max_temperature=0.7)), scripted(("one",), ("two",))
    for id in ("c1", "c2"):
        last = changed(call(id), temperature=temperature)
        await (await cache(last, inner)).text()
    assert last.facts.cache == use
    assert len(inner.calls) == (1 if use == "exact" else 2)


async def test_failures_and_abandoned_answers_are_not_stored(
    call: Callable[..., Call], scripted: Any
) -> None:
    cache = ExactCache(CacheOptions())
    inner = scripted(ProviderError("overloaded", ""), ("half", "way"), ("whole",))
    with pytest.raises(ProviderError):
        await cache(call(), inner)
    reply = await cache(call(), inner)
    await anext(reply)
    await reply.aclose()
    assert (await (await cache(call(), inner)).text())[0] == "whole"


async def test_an_answer_expires_after_its_ttl(call: Callable[..., Call], scripted: Any) -> None:
    cache, inner = ExactCache(CacheOptions(ttl_s=0.02)), scripted(("old",), ("new",))
    await (await cache(call(), inner)).text()
    await asyncio.sleep(0.03)
    assert (await (await cache(call(), inner)).text())[0] == "new"


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 9)), max_size=60), st.integers(1, 5))
def test_the_store_is_a_bounded_least_recently_used_map(
    steps: list[tuple[bool, int]], max_entries: int
) -> None:
    store = EntryStore(ttl_s=1000, stale_s=0, max_entries=max_entries, max_chars=1000)
    model: dict[bytes, tuple[Delta, ...]] = {}
    for now, (write, n) in enumerate(steps):
        key, value = bytes([n]), (Delta(str(now)),)
        if write:
            model.pop(key, None)
            model[key] = value
            if len(model) > max_entries:
                del model[next(iter(model))]
            store.put(key, value, now)
        else:
            assert store.get(key, now) == (Found(model[key], False, "") if key in model else None)
            if key in model:
                model[key] = model.pop(key)
        assert len(store) == len(model) <= max_entries


def test_expired_entries_that_are_never_read_again_are_freed() -> None:
    """Regression named after litellm#12685: memory grows."""
    store = EntryStore(ttl_s=10, stale_s=0, max_entries=1_000_000, max_chars=1_000_000)
    for now in range(1000):
        store.put(now.to_bytes(4), (Delta("x"),), float(now))
        assert len(store) <= 10
