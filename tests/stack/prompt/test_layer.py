"""The prompt layer in a whole stack, in virtual time."""

import asyncio
from typing import Any

import pytest

from harness.stack.assembly.options import StackOptions
from harness.stack.core.call import Caller
from harness.stack.core.request import Message
from tests.lab.lab import Lab, play, target

SUMMARISE = {"provider": "together", "model": "meta-llama/Llama-3-70b-chat-hf", "tokens": 50}


def prompt(tokens: int) -> str:
    """A prompt that is answered in exactly so many tokens."""
    return f"Tell me something, in about {tokens} tokens."


async def say(lab: Lab, id: str, *messages: Message, **asked: Any) -> str:
    async with await lab.stack.ask(lab.stack.call(id, messages, lab.now(), **asked)) as reply:
        return (await reply.text())[0]


async def talk(lab: Lab, turns: int, gap_s: float = 20.0) -> None:
    """A session of so many turns."""
    messages = [Message("system", "Be kind.")]
    for nth in range(turns):
        messages.append(Message("user", f"Turn {nth}: {prompt(200)}"))
        messages.append(Message("assistant", await say(lab, f"c{nth}", *messages)))
        await asyncio.sleep(gap_s)


def test_a_trimmed_prompt_costs_what_is_left_of_it() -> None:
    system = "Be kind to the customer, always.\n\n" * 100

    async def scene(lab: Lab) -> None:
        await say(lab, "c1", Message("system", system), Message("user", prompt(5)))
        await lab.drain()
        [row] = lab.rows
        assert row.input_tokens == 3 + 4 + 8 + 4 + len(prompt(5) + "   ") // 4
        lab.assert_paid_exactly()

    play(scene, prompt={}, target=[target("openai")])


def test_concise_mode_shortens_the_reply_and_the_bill() -> None:
    async def scene(lab: Lab) -> None:
        await say(lab, "c1", Message("system", "Be kind."), Message("user", prompt(100)))
        await lab.drain()
        assert [row.output_tokens for row in lab.rows] == [52]
        lab.assert_paid_exactly()

    play(scene, prompt={"concise": True}, target=[target("openai")])


@pytest.mark.parametrize(("asked", "sent"), [(None, 30), (20, 20), (90, 30)])
def test_the_limit_of_the_stack_and_of_the_caller_both_hold(asked: int | None, sent: int) -> None:
    async def scene(lab: Lab) -> None:
        await say(lab, "c1", Message("user", prompt(100)), max_tokens=asked)
        await lab.drain()
        assert [row.output_tokens for row in lab.rows] == [sent]

    play(scene, prompt={"max_tokens": 30}, target=[target("openai")])


def test_a_conversation_too_long_for_every_target_is_made_to_fit() -> None:
    async def scene(lab: Lab) -> None:
        history = [Message(role, "x" * 8_000) for _ in range(6) for role in ("user", "assistant")]
        await say(lab, "c1", Message("system", "Be kind."), *history, Message("user", prompt(10)))
        await lab.drain()
        assert [row.status for row in lab.rows] == [200]
        assert 4_000 < lab.rows[0].input_tokens <= 12_000 - 1_024
        lab.assert_paid_exactly()

    chain = [target("openai", context_tokens=8_000), target("anthropic", context_tokens=12_000)]
    play(scene, prompt={}, target=chain)


def test_a_stamped_prompt_is_never_read_from_the_cache() -> None:
    cached = {
        "prompt_cache": {"kind": "automatic"},
        "price": {"input": "2.50", "output": "10", "cached_input": "1.25"},
    }

    def scene_of(expected: list[bool]) -> Any:
        async def scene(lab: Lab) -> None:
            system = "Be kind to the customer. " * 250
            for nth in range(3):
                await say(lab, f"c{nth}", Message("system", system), Message("user", prompt(5)))
            await lab.drain()
            assert [row.cached_input_tokens > 0 for row in lab.rows] == expected

        return scene

    kept = {"trim": False}
    play(scene_of([False, True, True]), models={"openai": cached}, prompt=kept, target=[target("openai")])
    play(
        scene_of([False] * 3),
        models={"openai": cached},
        prompt=kept | {"stamp": True},
        target=[target("openai")],
    )


def test_a_summary_is_made_behind_the_callers_back_and_its_cost_is_the_calls() -> None:
    async def scene(lab: Lab) -> None:
        await talk(lab, 9)
        await lab.drain()
        kinds = [[attempt.kind for attempt in facts.attempts] for facts in lab.facts]
        assert kinds == [["primary"]] * 6 + [["primary", "summary"]] + [["primary"]] * 2
        answering, summary = lab.facts[6].attempts
        assert summary.provider == "together"
        assert lab.facts[6].answered_by is answering
        assert lab.facts[6].cost_nusd == answering.cost_nusd + summary.cost_nusd > answering.cost_nusd
        shorter = [lab.row(facts.attempts[0]).input_tokens for facts in lab.facts]
        assert shorter[7] < shorter[6] - 2 * 200
        lab.assert_paid_exactly()

    play(scene, prompt={"summarise": SUMMARISE}, target=[target("openai")])


def test_no_call_waits_for_a_summary() -> None:
    def scene_of(ends: list[float]) -> Any:
        async def scene(lab: Lab) -> None:
            await talk(lab, 8)
            await lab.drain()
            ends.extend(
                round(facts.attempts[0].end_s - facts.started_s, 6)
                for facts in lab.facts
                if facts.attempts[0].end_s is not None
            )

        return scene

    plain: list[float] = []
    summarised: list[float] = []
    play(scene_of(plain), target=[target("openai")])
    play(scene_of(summarised), prompt={"summarise": SUMMARISE}, target=[target("openai")])
    assert [round(end, 3) for end in summarised] == [round(end, 3) for end in plain]


def test_a_summary_that_fails_is_asked_for_at_the_next_turn_and_fails_no_call() -> None:
    async def scene(lab: Lab) -> None:
        await talk(lab, 9)
        await lab.drain()
        assert [facts.outcome for facts in lab.facts] == ["success"] * 9
        told = [(a.kind, a.outcome) for facts in lab.facts for a in facts.attempts if a.kind == "summary"]
        assert told == [("summary", "failed")] * 3
        lab.assert_paid_exactly()

    down = {"kind": "outage", "provider": "together"}
    play(scene, faults=[down], prompt={"summarise": SUMMARISE}, target=[target("openai")])


def test_a_conversation_that_must_stay_in_a_region_is_not_summarised_elsewhere() -> None:
    async def scene(lab: Lab) -> None:
        messages = [Message("user", "hello"), Message("assistant", "hello")] * 7
        await say(lab, "c1", *messages, Message("user", prompt(10)), caller=Caller(residency="eu"))
        await lab.drain()
        assert [row.provider for row in lab.rows] == ["openai"]

    play(scene, prompt={"summarise": SUMMARISE}, target=[target("openai", region="eu")])


def test_the_layer_stands_before_the_cache_so_that_equal_prompts_share_an_answer() -> None:
    async def scene(lab: Lab) -> None:
        for nth, system in enumerate(("Be kind to the customer.", "Be  kind to the customer.\n\n")):
            await say(lab, f"c{nth}", Message("system", system), Message("user", prompt(10)))
        await lab.drain()
        assert [facts.cache for facts in lab.facts] == ["miss", "exact"]

    play(scene, prompt={}, cache={}, target=[target("openai")])


def test_an_unknown_summariser_is_refused_by_its_name() -> None:
    with pytest.raises(ValueError, match="openai"):
        StackOptions.model_validate(
            {"prompt": {"summarise": SUMMARISE | {"provider": "nobody"}}, "target": [target("openai")]}
        )
