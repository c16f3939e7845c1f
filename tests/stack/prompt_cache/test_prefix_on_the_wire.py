"""Each turn's request body begins with that of the turn before, in both protocols."""

import asyncio
import itertools
from collections.abc import Awaitable
from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from harness.stack.core.call import Call
from harness.stack.core.facts import CallFacts
from harness.stack.core.reply import Delta, Finish, Reply, ToolCall, replay
from harness.stack.core.request import Message, Tool
from harness.stack.core.target import Target
from harness.stack.prompt.layer import Prompt, PromptOptions
from harness.stack.prompt_cache.layer import PromptCacheOptions, PromptCaching
from harness.stack.wire.anthropic.request import messages_body
from harness.stack.wire.openai.request import chat_body
from tests.stack.calls import make_call

TARGETS = {
    "openai": Target("openai", "openai", "gpt-4o"),
    "anthropic": Target("anthropic", "anthropic", "claude-sonnet-4-5"),
}
SYSTEM = "Be kind to the customer, always.\n\nBe kind to the customer, always.\n\nGreet by name first. "
TEXTS = st.text(alphabet="abc \n", min_size=1, max_size=12).map(lambda text: f"x{text}" * 300)


@st.composite
def sessions(draw: st.DrawFn) -> list[tuple[Message, ...]]:
    """The prompts of a session's turns; some turns call a tool in between."""
    messages: tuple[Message, ...] = (Message("system", SYSTEM * draw(st.integers(1, 80))),)
    prompts = []
    for nth in range(draw(st.integers(2, 6))):
        messages = (*messages, Message("user", draw(TEXTS)))
        prompts.append(messages)
        if draw(st.booleans()):
            called = Message("assistant", "", (ToolCall(f"t{nth}", "look", "{}"),))
            messages = (*messages, called, Message("tool", draw(TEXTS), (), f"t{nth}"))
            prompts.append(messages)
        messages = (*messages, Message("assistant", draw(TEXTS)))
    return prompts


async def bodies(prompts: list[tuple[Message, ...]], provider: str, **options: Any) -> list[dict[str, Any]]:
    """The bodies that a stack would send."""
    sent: list[dict[str, Any]] = []
    prompt, caching = Prompt(PromptOptions(**options), 128_000), PromptCaching(PromptCacheOptions())
    held = caching.for_target(TARGETS[provider])

    async def send(call: Call) -> Reply:
        call = call.at(TARGETS[provider])
        body = messages_body(call, 1024) if provider == "anthropic" else chat_body(call)
        sent.append(orjson.loads(orjson.dumps(body)))
        return Reply(Delta("a"), replay((Finish("stop", None),)))

    def through_held(call: Call) -> Awaitable[Reply]:
        return held(call, send)

    def through_caching(call: Call) -> Awaitable[Reply]:
        return caching(call, through_held)

    for nth, messages in enumerate(prompts):
        facts = CallFacts(f"c{nth}")
        await prompt(
            make_call(f"c{nth}", messages, facts, tools=(Tool("look", "around " * 99),)), through_caching
        )
    return sent


def unmarked(value: Any) -> Any:
    """Without breakpoints; one block of text is a text."""
    if isinstance(value, list):
        items = [unmarked(item) for item in value]
        alone = len(items) == 1 and isinstance(items[0], dict) and items[0].get("type") == "text"
        return items[0]["text"] if alone else items
    if isinstance(value, dict):
        return {key: unmarked(item) for key, item in value.items() if key != "cache_control"}
    return value


def marks(body: dict[str, Any]) -> int:
    return orjson.dumps(body).count(b'"cache_control"')


@given(sessions(), st.sampled_from(["openai", "anthropic"]), st.booleans())
def test_a_turn_is_sent_behind_all_that_was_sent_before(
    prompts: list[tuple[Message, ...]], provider: str, concise: bool
) -> None:
    sent = [unmarked(body) for body in asyncio.run(bodies(prompts, provider, concise=concise))]
    for before, now in itertools.pairwise(sent):
        assert now.get("tools") == before.get("tools")
        assert now.get("system") == before.get("system")
        assert now.get("prompt_cache_key") == before.get("prompt_cache_key")
        assert now["messages"][: len(before["messages"])] == before["messages"]


@given(sessions())
def test_a_body_has_at_most_four_breakpoints_and_what_is_marked_is_long_enough(
    prompts: list[tuple[Message, ...]],
) -> None:
    for body in asyncio.run(bodies(prompts, "anthropic")):
        assert marks(body) <= 4
        if marks({"system": body["system"]}):
            assert len(orjson.dumps(body["tools"])) + len(unmarked(body["system"])) >= 4 * 1_000


@given(sessions())
def test_only_openai_is_sent_a_key_and_only_anthropic_breakpoints(prompts: list[tuple[Message, ...]]) -> None:
    assert all(marks(body) == 0 for body in asyncio.run(bodies(prompts, "openai")))
    assert all("prompt_cache_key" not in body for body in asyncio.run(bodies(prompts, "anthropic")))
    assert all(body["prompt_cache_key"] for body in asyncio.run(bodies(prompts, "openai")))


def test_of_two_user_turns_with_many_blocks_between_both_are_marked() -> None:
    calls = tuple(ToolCall(f"t{n}", "look", "{}") for n in range(12))
    results = [Message("tool", "seen", (), call.id) for call in calls]
    first = (Message("system", SYSTEM * 60), Message("user", "x" * 6_000))
    prompts = [first, (*first, Message("assistant", "", calls), *results)]
    sent = asyncio.run(bodies(prompts * 3, "anthropic"))
    assert [turn["role"] for turn in sent[-1]["messages"] if marks(turn)] == ["user", "user"]
    assert marks(sent[-1]) <= 4
