"""Conversations with tools end: a mock model makes progress as a real one does."""

import asyncio
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.mock_providers.content.agents import PROTOCOLS, Called, Conversation

NAMES = (
    "get_weather",
    "readTides",
    "search",
    "final_result",
    "final_answer",
    "WeatherReport",
    "Answer",
    "send_mail",
    "lookup_user",
)
WORDS = ("weather", "tides", "search", "mail", "report", "the final result", "hello", "user")
conversations = st.sampled_from(sorted(PROTOCOLS))
tool_sets = st.lists(st.sampled_from(NAMES), min_size=1, max_size=5, unique=True)
questions = st.lists(st.sampled_from(WORDS), max_size=4).map(" ".join).map(lambda words: f"Please, {words}")
either = pytest.mark.parametrize("protocol", sorted(PROTOCOLS))


async def drive(
    talk: Conversation, choice: str, ends_with: str, fails: list[bool], words: str = "", most: int = 40
) -> list[list[str]]:
    """An agent's loop: the calls of each reply, until words come or the tool `ends_with` has succeeded."""
    replies: list[list[str]] = []
    failures = iter(fails)
    for _ in range(most):
        calls = await talk.reply(choice)
        replies.append([call.name for call in calls])
        if not calls:
            return replies
        results = [(call, f"weather and tides {call.name}", next(failures, False)) for call in calls]
        if any(call.name == ends_with and not failed for call, _, failed in results):
            return replies
        talk.results(results, words)
        choice = choice if choice in ("auto", "required") else "auto"
    raise AssertionError(f"no end after {most} replies: {replies}")


@settings(max_examples=80, deadline=None)
@given(
    protocol=conversations,
    tools=tool_sets,
    asked=questions,
    choice=st.sampled_from(("auto", "required", "named")),
    parallel=st.booleans(),
    fails=st.lists(st.booleans(), max_size=6),
    words=st.sampled_from(("", "weather tides search", "Here is the file.")),
    data=st.data(),
)
def test_any_agents_loop_ends(
    protocol: str,
    tools: list[str],
    asked: str,
    choice: str,
    parallel: bool,
    fails: list[bool],
    words: str,
    data: st.DataObject,
) -> None:
    """In at most n + 1 replies for n tools, and n more for each that fails."""
    ends_with = data.draw(st.sampled_from(tools))
    talk = PROTOCOLS[protocol](asked, tools, parallel=parallel)
    first = ends_with if choice == "named" else choice
    replies = asyncio.run(drive(talk, first, ends_with, fails, words))
    failed = sum(fails)
    assert len(replies) <= (failed + 1) * len(tools) + 1
    counts = Counter(name for reply in replies for name in reply)
    assert set(counts) <= set(tools)
    assert max(counts.values(), default=0) <= 1 + failed
    if choice == "required":
        assert all(replies), "a reply without a call, though one was required"
    if not parallel and protocol != "gemini":
        assert all(len(reply) <= 1 for reply in replies)
    if choice == "named":
        assert replies[0] == [ends_with]


@either
def test_the_output_tool_comes_last_and_ends_the_loop(protocol: str) -> None:
    for output in ("final_result", "WeatherReport"):
        for tools in (["get_weather", output], [output, "get_weather"]):
            talk = PROTOCOLS[protocol]("What is the weather, in a report?", tools, parallel=True)
            assert asyncio.run(drive(talk, "required", output, [])) == [["get_weather"], [output]]


@either
def test_a_last_tool_that_no_words_mention_receives_the_output(protocol: str) -> None:
    talk = PROTOCOLS[protocol]("What is the weather?", ["get_weather", "emit", "respond"], parallel=True)
    assert asyncio.run(drive(talk, "required", "respond", [])) == [["get_weather"], ["respond"]]


@either
def test_after_the_results_it_answers_in_words(protocol: str) -> None:
    talk = PROTOCOLS[protocol]("Weather and tides?", ["get_weather", "readTides"], parallel=True)
    assert asyncio.run(drive(talk, "auto", "", [])) == [["get_weather", "readTides"], []]
    assert talk.last_words


@pytest.mark.parametrize("protocol", ["anthropic", "openai"])
def test_one_by_one_it_calls_each_tool_and_then_answers(protocol: str) -> None:
    talk = PROTOCOLS[protocol]("Weather and tides?", ["get_weather", "readTides"], parallel=False)
    assert asyncio.run(drive(talk, "auto", "", [])) == [["get_weather"], ["readTides"], []]


@either
def test_a_failed_call_is_tried_again_at_most_once_and_then_answered(protocol: str) -> None:
    seen = set()
    for nth in range(12):
        talk = PROTOCOLS[protocol](f"Weather no. {nth}?", ["get_weather"], parallel=True)
        seen.add(len(asyncio.run(drive(talk, "auto", "", [True, True, True]))))
    assert seen == {2, 3}, "at some conversations an answer at once, at others one retry"


@either
def test_the_next_question_begins_a_new_turn(protocol: str) -> None:
    async def twice() -> list[list[Called]]:
        talk = PROTOCOLS[protocol]("The weather?", ["get_weather"], parallel=True)
        first = await talk.reply("auto")
        talk.results([(call, "rain", False) for call in first])
        words = await talk.reply("auto")
        talk.results([], "And the weather tomorrow?")
        return [first, words, await talk.reply("auto")]

    first, words, second = asyncio.run(twice())
    assert ([call.name for call in first], words) == (["get_weather"], [])
    assert [call.name for call in second] == ["get_weather"]
