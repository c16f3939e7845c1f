"""The gateway accepts what OpenAI accepts, carries what shapes the answer, refuses the rest by name."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stack.core.parameters import PARAMETERS
from harness.stack.core.reply import ToolCall
from harness.stack.core.request import Message
from harness.stack.gateway.fields import BadRequest
from harness.stack.gateway.request import ChatRequest, parse_chat_request

ASK: dict[str, Any] = {"model": "any", "messages": [{"role": "user", "content": "hi"}]}
SAID: dict[str, Any] = {
    "an integer": 7,
    "a number": 0.5,
    "an object of numbers": {"50256": -100},
    "a string": "low",
    "an object": {"type": "content", "content": "x"},
    "an object of strings": {"a": "b"},
    "a boolean": True,
}
NEUTRAL_FIELDS: dict[str, list[Any]] = {
    "tools": [None, []],
    "tool_choice": [None, "auto", "none"],
    "parallel_tool_calls": [None, True],
    "response_format": [None, {"type": "text"}],
    "stop": [None, []],
    "stream": [None, False],
    "stream_options": [None, {}],
    "temperature": [None],
    "top_p": [None],
    "max_tokens": [None],
    "max_completion_tokens": [None],
    **{name: [None, *row.neutral] for name, row in PARAMETERS.items()},
}
"""Every known parameter at the values that say nothing."""
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=2),
    max_leaves=4,
)


def parse(**fields: Any) -> ChatRequest:
    return parse_chat_request(orjson.dumps(ASK | fields))


def with_turn(**turn: Any) -> Message:
    """That turn, as it is read after a question."""
    return parse(messages=[*ASK["messages"], turn]).messages[1]


@given(st.fixed_dictionaries({}, optional={name: st.sampled_from(of) for name, of in NEUTRAL_FIELDS.items()}))
def test_what_says_nothing_is_accepted_and_changes_nothing(fields: dict[str, Any]) -> None:
    """freellmapi#165: `tools: []` and `logit_bias: {}` were answered 400."""
    assert parse(**fields) == parse()


@pytest.mark.parametrize("name", sorted(name for name, row in PARAMETERS.items() if row.effect != "reply"))
def test_a_parameter_that_says_something_is_part_of_the_call(name: str) -> None:
    value = SAID[PARAMETERS[name].expected]
    assert parse(**{name: value}).options["parameters"] == {name: value}


@given(name=st.sampled_from(sorted(PARAMETERS)), value=JSON)
def test_a_value_is_carried_left_out_or_refused_by_its_name(name: str, value: Any) -> None:
    row = PARAMETERS[name]
    if row.is_neutral(value):
        assert parse(**{name: value}).options["parameters"] == {}
    elif row.valid(value):
        assert parse(**{name: value}).options["parameters"] == {name: value}
    else:
        with pytest.raises(BadRequest) as wrong:
            parse(**{name: value})
        assert wrong.value.param == name
        assert name in str(wrong.value)


BEYOND_US: list[dict[str, Any]] = [
    {"n": 2},
    {"n": True},
    {"logprobs": True},
    {"top_logprobs": 3},
    {"audio": {"voice": "alloy"}},
    {"modalities": ["text", "audio"]},
    {"moderation": {"model": "omni"}},
    {"web_search_options": {}},
    {"function_call": {"name": "f"}},
]


@pytest.mark.parametrize("asks", BEYOND_US)
def test_a_reply_that_the_stack_cannot_carry_is_refused_by_name(asks: dict[str, Any]) -> None:
    [name] = asks
    with pytest.raises(BadRequest, match=name) as wrong:
        parse(**asks)
    assert wrong.value.param == name


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"top_k": 3}, "top_k"),
        ({"thinking": {}}, "thinking"),
        ({"tools": [{"type": "function", "function": {"name": "f", "cost": 1}}]}, "tools[0].function.cost"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "r", "style": "x"}}},
            "response_format.json_schema.style",
        ),
        ({"messages": [{"role": "user", "content": "x", "tone": "curt"}]}, "messages[0].tone"),
        ({"messages": [{"role": "user", "content": "x", "prefix": True}]}, "messages[0].prefix"),
        ({"messages": [{"role": "user", "content": "x", "name": 5}]}, "messages[0].name"),
        ({"messages": [{"role": "user", "content": None}]}, "messages[0].content"),
        ({"messages": [{"role": "assistant", "content": "x", "audio": {"id": "a"}}]}, "messages[0].audio"),
        (
            {"messages": [{"role": "assistant", "content": None, "function_call": {"name": "f"}}]},
            "messages[0].function_call",
        ),
        ({"messages": [{"role": "user", "content": [{"type": "video_url"}]}]}, "messages[0].content[0]"),
    ],
)
def test_an_unknown_field_that_could_change_the_answer_is_refused_by_name(
    fields: dict[str, Any], param: str
) -> None:
    with pytest.raises(BadRequest) as wrong:
        parse(**fields)
    assert wrong.value.param == param


CALLS = [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
ECHOES: dict[str, list[Any]] = {
    "refusal": [None, ""],
    "annotations": [None, [], [{"type": "url_citation"}]],
    "audio": [None],
    "function_call": [None],
    "tool_calls": [None, []],
    "reasoning_content": [None, "", "Hm."],
    "reasoning": [None, "Hm."],
    "reasoning_details": [[], [{"type": "reasoning.text"}]],
    "parsed": [None, {"a": 1}],
    "provider_specific_fields": [{}, {"x": 1}],
    "name": [None, ""],
}
"""Fields of a reply's message, of OpenAI and of servers that speak its protocol."""


@given(st.fixed_dictionaries({}, optional={name: st.sampled_from(of) for name, of in ECHOES.items()}))
def test_a_reply_sent_back_as_it_came_is_a_turn_of_the_conversation(echoed: dict[str, Any]) -> None:
    assert with_turn(role="assistant", content="Hi.", **echoed) == Message("assistant", "Hi.")
    assert with_turn(role="assistant", content=None, **echoed) == Message("assistant", "")


def test_an_assistants_turn_may_have_no_words() -> None:
    """freellmapi#165: `{"role": "assistant", "content": null}` was answered 400."""
    assert with_turn(role="assistant", content=None) == Message("assistant", "")
    called = with_turn(role="assistant", tool_calls=CALLS)
    assert called == Message("assistant", "", (ToolCall("c1", "f", "{}"),))


def test_a_refusal_is_what_the_assistant_said() -> None:
    assert with_turn(role="assistant", content=None, refusal="No.") == Message("assistant", "No.")
    part = {"type": "refusal", "refusal": "No."}
    assert with_turn(role="assistant", content=[part]) == Message("assistant", "No.")


def test_names_of_messages_and_of_schemas_are_part_of_the_call() -> None:
    assert with_turn(role="user", content="x", name="ann") == Message("user", "x", name="ann")
    named: dict[str, Any] = {"name": "weather", "description": "How it is.", "schema": {}, "strict": None}
    options = parse(response_format={"type": "json_schema", "json_schema": named}).options
    assert (options["json_name"], options["json_description"]) == ("weather", "How it is.")


def test_a_tools_result_may_repeat_the_tools_name() -> None:
    turn = with_turn(role="tool", tool_call_id="c1", name="f", content="x")
    assert turn == Message("tool", "x", tool_call_id="c1")


def test_a_value_nested_too_deeply_to_be_sent_on_is_refused() -> None:
    body = b'{"model":"m","messages":[{"role":"user","content":"x"}],"prediction":'
    with pytest.raises(BadRequest, match="'prediction' is nested too deeply"):
        parse_chat_request(body + b'{"a":' * 400 + b"1" + b"}" * 401)
