"""Context-window fit drops whole rounds, the oldest first, in strides."""

from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from harness.stack.core.reply import ToolCall
from harness.stack.core.request import Message
from harness.stack.core.tokens import prompt_tokens
from harness.stack.prompt.fit import STRIDES, fitted
from harness.stack.prompt.turns import Messages

CALL = (ToolCall("t1", "look_up", "{}"),)


@st.composite
def conversations(draw: st.DrawFn) -> Messages:
    """A system prompt, rounds with and without tools, the last message of the user, steps since."""
    messages = [Message("system", "s" * draw(st.integers(0, 400)))]

    def step(tools: int) -> None:
        messages.append(Message("assistant", "a" * draw(st.integers(0, 400)), CALL if tools else ()))
        messages.extend(Message("tool", "r" * draw(st.integers(0, 400)), (), "t1") for _ in range(tools))

    for _ in range(draw(st.integers(0, 8))):
        messages.append(Message("user", "u" * draw(st.integers(1, 400))))
        for tools in draw(st.lists(st.integers(0, 2), max_size=3)):
            step(tools)
    messages.append(Message("user", "last " * draw(st.integers(1, 80))))
    for tools in draw(st.lists(st.integers(1, 2), max_size=4)):
        step(tools)
    return tuple(messages)


def fit(messages: Messages, room: int) -> Messages:
    return fitted(messages, room, prompt_tokens)


def last_user(messages: Messages) -> Message:
    return [message for message in messages if message.role == "user"][-1]


@given(conversations(), st.integers(1, 1_500))
def test_the_system_prompt_the_last_question_and_the_latest_step_stay(messages: Messages, room: int) -> None:
    kept = fit(messages, room)
    assert kept[0] is messages[0]
    assert last_user(kept) is last_user(messages)
    assert kept[-1] is messages[-1]


@given(conversations(), st.integers(1, 1_500))
def test_what_is_left_is_in_order_and_every_tool_call_has_its_results(messages: Messages, room: int) -> None:
    kept = fit(messages, room)
    ids = {id(message) for message in kept}
    assert [id(message) for message in messages if id(message) in ids] == [id(message) for message in kept]
    for nth, message in enumerate(messages):
        if message.role == "tool":
            assert (id(message) in ids) == (id(messages[nth - 1]) in ids)


@given(conversations(), st.integers(1, 1_500))
def test_it_fits_unless_what_must_stay_does_not(messages: Messages, room: int) -> None:
    kept = fit(messages, room)
    least = fit(messages, 1)
    assert prompt_tokens(kept) <= room or kept == least


@given(conversations(), st.integers(1, 1_500))
def test_what_fits_is_left_alone(messages: Messages, room: int) -> None:
    if prompt_tokens(messages) <= room:
        assert fit(messages, room) is messages


@given(conversations(), st.integers(1, 1_500))
def test_the_oldest_go_first(messages: Messages, room: int) -> None:
    kept = {id(message) for message in fit(messages, room)}
    last = messages.index(last_user(messages))
    before = [id(message) in kept for message in messages[1:last]]
    since = [id(message) in kept for message in messages[last + 1 :]]
    assert before == sorted(before)
    assert since == sorted(since)


@given(st.lists(st.integers(1, 120), min_size=4, max_size=60), st.integers(150, 600))
def test_the_prompt_of_a_session_keeps_its_beginning_for_many_turns(sizes: list[int], room: int) -> None:
    """It changes once for each quarter of the window that the session has grown by, and not at each turn."""
    messages: Messages = (Message("system", "s" * 100),)
    prompts = []
    for size in sizes:
        messages = (*messages, Message("user", "u" * size))
        prompts.append(fit(messages, room))
        messages = (*messages, Message("assistant", "a" * size))
    moved = sum(now[: len(before)] != before for before, now in pairwise(prompts))
    too_long = max(0, prompt_tokens(messages) - room)
    assert moved <= -(-too_long // (room // STRIDES))


def test_of_a_long_row_of_tool_calls_the_oldest_go() -> None:
    step = (Message("assistant", "", CALL), Message("tool", "r" * 400, (), "t1"))
    again = [replace(turn) for _ in range(3) for turn in step]  # equal, and not the same
    messages = (Message("user", "go"), *again)
    assert fit(messages, 150) == (messages[0], *step)
