"""Prompt caching in a whole stack, in virtual time: cache reads and their cost."""

import asyncio
from itertools import pairwise
from typing import Any

import pytest

from harness.stack.core.reply import Usage
from harness.stack.core.request import Message, Tool
from mock_providers import LedgerRow
from tests.lab.lab import Lab, play, target

SYSTEM = "You are the assistant of a support desk. " * 200
"""8,200 characters: 2,050 tokens."""
ANTHROPIC = {
    "prompt_cache": {"kind": "breakpoints", "min_tokens": 1024},
    "price": {
        "input": "3",
        "output": "15",
        "cached_input": "0.30",
        "cache_write": "3.75",
        "cache_write_1h": "6",
    },
}
OPENAI = {
    "prompt_cache": {"kind": "automatic"},
    "price": {"input": "2.50", "output": "10", "cached_input": "1.25"},
}
MODELS = {"anthropic": ANTHROPIC, "openai": OPENAI}
needs_prices_of_writes = pytest.mark.skipif(
    "cache_write_tokens" not in Usage.__dataclass_fields__, reason="cache writes have no price of their own"
)


def prompt(tokens: int) -> str:
    """A prompt that is answered in exactly so many tokens."""
    return f"Tell me something, in about {tokens} tokens."


async def say(lab: Lab, id: str, *turns: str, **asked: Any) -> str:
    """A conversation under the long system prompt; the turns are the user's and the assistant's in turn."""
    roles = ("user", "assistant")
    said = [Message(roles[nth % 2], text) for nth, text in enumerate(turns)]  # type: ignore[arg-type]
    call = lab.stack.call(id, (Message("system", SYSTEM), *said), lab.now(), **asked)
    async with await lab.stack.ask(call) as reply:
        return (await reply.text())[0]


async def talk(lab: Lab, turns: int, id: str = "c", gap_s: float = 30.0) -> None:
    """A session of so many turns, each after some thought."""
    turns_so_far: list[str] = []
    for nth in range(turns):
        turns_so_far.append(f"Turn {nth}: {prompt(300)}")
        turns_so_far.append(await say(lab, f"{id}{nth}", *turns_so_far))
        await asyncio.sleep(gap_s)


def read_and_written(rows: list[LedgerRow]) -> list[tuple[int, int]]:
    return [(row.cached_input_tokens, row.cache_write_tokens) for row in rows]


def assert_same_bill(lab: Lab) -> None:
    """Cached tokens and money as the providers have them, attempt by attempt."""
    ours = {
        attempt.attempt_id: (attempt.input_tokens, attempt.cached_input_tokens, attempt.cost_nusd)
        for attempt in lab.attempts
    }
    theirs = {row.attempt_id: (row.input_tokens, row.cached_input_tokens, row.cost_nusd) for row in lab.rows}
    assert ours == theirs


def on(*providers: str, **more: Any) -> dict[str, Any]:
    return {
        "models": MODELS,
        "target": [target(name) for name in providers],
        "prompt_cache": {},
        **more,
    }


def test_a_shared_system_prompt_is_written_once_and_read_by_all_later_calls() -> None:
    async def scene(lab: Lab) -> None:
        for nth in range(4):
            await say(lab, f"c{nth}", f"Question {nth}, {prompt(20)}")
            await asyncio.sleep(60.0)
        await lab.drain()
        system = 3 + 4 + len(SYSTEM) // 4
        assert read_and_written(lab.rows) == [(0, system), (system, 0), (system, 0), (system, 0)]

    play(scene, **on("anthropic"))


def test_without_the_table_nothing_is_marked() -> None:
    async def scene(lab: Lab) -> None:
        for nth in range(3):
            await say(lab, f"c{nth}", prompt(20))
        await lab.drain()
        assert read_and_written(lab.rows) == [(0, 0)] * 3

    play(scene, models=MODELS, target=[target("anthropic")])


def test_a_prefix_below_the_minimum_is_not_marked_and_costs_no_write() -> None:
    async def scene(lab: Lab) -> None:
        for nth in range(3):
            await lab.ask(f"c{nth}")
        await lab.drain()
        assert read_and_written(lab.rows) == [(0, 0)] * 3

    play(scene, **on("anthropic"))


def test_a_session_writes_only_what_each_turn_adds() -> None:
    async def scene(lab: Lab) -> None:
        for session in range(3):  # the first turns of sessions are marked once it is known that others follow
            await talk(lab, 6, f"s{session}-")
        await lab.drain()
        rows = [row for row in lab.rows if (row.attempt_id or "").startswith("s2-")]
        for before, row in pairwise(rows):
            assert row.cached_input_tokens == before.cached_input_tokens + before.cache_write_tokens
            assert row.cached_input_tokens + row.cache_write_tokens == row.input_tokens

    play(scene, **on("anthropic"))


def test_prefixes_used_once_an_hour_are_not_written_to_the_cache() -> None:
    async def scene(lab: Lab) -> None:
        for nth in range(20):
            await say(lab, f"c{nth}", prompt(20))
            await asyncio.sleep(7_200.0)
        assert [written for _, written in read_and_written(lab.rows)][12:] == [0] * 8

    play(scene, **on("anthropic"))


def test_calls_that_come_every_ten_minutes_are_written_to_stay_an_hour() -> None:
    async def scene(lab: Lab) -> None:
        for nth in range(12):
            await say(lab, f"c{nth}", prompt(20))
            await asyncio.sleep(600.0)
        await lab.drain()
        assert all(row.cached_input_tokens > 2_000 for row in lab.rows[6:])

    play(scene, **on("anthropic"))


def test_tools_come_first_and_are_cached_with_the_system_prompt() -> None:
    tools = (Tool("look_up", "Looks something up. " * 30, {"type": "object", "properties": {}}),)

    async def scene(lab: Lab) -> None:
        for nth in range(3):
            await say(lab, f"c{nth}", f"Hello {nth}, {prompt(20)}", tools=tools)
            await asyncio.sleep(20.0)
        await lab.drain()
        assert all(read > 2_150 for read, _ in read_and_written(lab.rows)[1:])

    play(scene, **on("anthropic"))


def test_marks_change_the_bill_and_not_the_reply() -> None:
    said: list[list[str]] = []

    def scene_of(out: list[str]) -> Any:
        async def scene(lab: Lab) -> None:
            out.extend([await say(lab, f"c{nth}", f"Question {nth}: tell me something") for nth in range(3)])

        return scene

    for table in on("anthropic"), {"models": MODELS, "target": [target("anthropic")]}:
        said.append([])
        play(scene_of(said[-1]), **table)
    assert said[0] == said[1]


@needs_prices_of_writes
def test_what_anthropic_bills_for_reads_and_writes_is_what_the_stack_says() -> None:
    async def scene(lab: Lab) -> None:
        for session in range(3):
            await talk(lab, 5, f"s{session}-")
        await lab.drain()
        assert any(row.cached_input_tokens for row in lab.rows)
        assert any(row.cache_write_tokens for row in lab.rows)
        assert_same_bill(lab)

    play(scene, **on("anthropic"))


def test_what_openai_bills_for_reads_is_what_the_stack_says() -> None:
    async def scene(lab: Lab) -> None:
        await talk(lab, 6)
        await lab.drain()
        assert lab.rows[0].cached_input_tokens == 0
        assert all(row.cached_input_tokens >= 1_920 for row in lab.rows[1:])
        assert_same_bill(lab)

    play(scene, **on("openai"))


OUTAGE = {"kind": "outage", "provider": "openai", "from_s": 100, "to_s": 200}


def test_a_session_that_has_moved_stays_where_its_prefix_is_while_others_keep_the_order() -> None:
    async def scene(lab: Lab) -> None:
        await talk(lab, 10, "s")
        await say(lab, "n", f"Another session, {prompt(20)}")
        await lab.drain()
        asked = [row.provider for row in lab.rows if row.status == 200]
        assert asked == ["openai"] * 3 + ["anthropic"] * 7 + ["openai"]

    play(scene, faults=[OUTAGE], **on("openai", "anthropic"))


def test_without_sticking_a_session_goes_back_and_pays_for_its_history_again() -> None:
    async def scene(lab: Lab) -> None:
        await talk(lab, 10, "s")
        await lab.drain()
        asked = [row.provider for row in lab.rows if row.status == 200]
        assert asked == ["openai"] * 3 + ["anthropic"] * 3 + ["openai"] * 4

    play(scene, faults=[OUTAGE], **on("openai", "anthropic", prompt_cache={"stick": "none"}))


def test_a_home_that_fails_is_passed_over() -> None:
    async def scene(lab: Lab) -> None:
        await talk(lab, 10, "s")
        await lab.drain()
        assert [row.provider for row in lab.rows if row.status == 200][-3:] == ["openai"] * 3
        assert len([facts for facts in lab.facts if facts.outcome == "success"]) == 10

    later = {"kind": "outage", "provider": "anthropic", "from_s": 210, "to_s": 2000}
    play(scene, faults=[OUTAGE, later], **on("openai", "anthropic"))
