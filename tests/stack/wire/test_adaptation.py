"""One call in each provider's format: everything that the format can express is kept."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stack.core.call import Call
from harness.stack.core.facts import CallFacts
from harness.stack.core.reply import ToolCall
from harness.stack.core.request import Message, Role, Tool
from harness.stack.core.target import Target
from harness.stack.wire.anthropic.codec import AnthropicCodec
from harness.stack.wire.anthropic.json_mode import JSON_TOOL
from harness.stack.wire.codec import Codec
from harness.stack.wire.openai.codec import OpenAICodec
from tests.stack.calls import changed, make_call

GPT = Target("gpt", "openai", "gpt-4o", max_output_tokens=100)
CLAUDE = Target("claude", "anthropic", "claude-sonnet-4-5", max_output_tokens=100)
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = Tool("get_weather", "How it will be.", SCHEMA, strict=True)
CLOCK = Tool("read_clock")
TALK = (
    Message("system", "Be brief."),
    Message("user", "Oslo and Rome?"),
    Message(
        "assistant",
        "Let me see.",
        (ToolCall("c1", "get_weather", '{"city": "Oslo"}'), ToolCall("c2", "get_weather", '{"city":')),
    ),
    Message("tool", "Rain.", tool_call_id="c1"),
    Message("tool", "Sun.", tool_call_id="c2"),
    Message("user", "And the time?"),
    Message("assistant", "", (ToolCall("c3", "read_clock", ""),)),
    Message("tool", "", tool_call_id="c3"),
)


def asked(codec: Codec, target: Target, **fields: Any) -> Any:
    call = make_call("c1", (Message("user", "Hi"),), CallFacts("c1"), target=target, stream=False)
    return orjson.loads(codec.request(changed(call, **fields), "sk").body)


def to_openai(**fields: Any) -> Any:
    return asked(OpenAICodec(), GPT, **fields)


def to_anthropic(**fields: Any) -> Any:
    return asked(AnthropicCodec(), CLAUDE, **fields)


def test_openai_gets_a_conversation_with_tools_as_it_is() -> None:
    body = to_openai(messages=TALK, tools=(WEATHER, CLOCK))

    def called(id: str, name: str, arguments: str) -> dict[str, Any]:
        return {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}

    assert body["messages"][2] == {
        "role": "assistant",
        "content": "Let me see.",
        "tool_calls": [
            called("c1", "get_weather", '{"city": "Oslo"}'),
            called("c2", "get_weather", '{"city":'),
        ],
    }
    assert body["messages"][3] == {"role": "tool", "tool_call_id": "c1", "content": "Rain."}
    assert body["messages"][6]["content"] is None
    weather = {"name": "get_weather", "description": "How it will be.", "parameters": SCHEMA, "strict": True}
    assert body["tools"] == [
        {"type": "function", "function": weather},
        {"type": "function", "function": {"name": "read_clock"}},
    ]
    assert {"tool_choice", "parallel_tool_calls", "response_format"}.isdisjoint(body)


def test_anthropic_gets_results_as_the_users_and_arguments_as_objects() -> None:
    body = to_anthropic(messages=TALK, tools=(WEATHER, CLOCK))
    assert body["system"] == "Be brief."
    assert body["messages"] == [
        {"role": "user", "content": "Oslo and Rome?"},
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "Let me see."},
                {"type": "tool_use", "id": "c1", "name": "get_weather", "input": {"city": "Oslo"}},
                {"type": "tool_use", "id": "c2", "name": "get_weather", "input": {"arguments": '{"city":'}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "c1", "content": "Rain."},
                {"type": "tool_result", "tool_use_id": "c2", "content": "Sun."},
                {"type": "text", "text": "And the time?"},
            ],
        },
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "c3", "name": "read_clock", "input": {}}],
        },
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c3", "content": ""}]},
    ]
    assert body["tools"] == [
        {
            "name": "get_weather",
            "description": "How it will be.",
            "input_schema": SCHEMA,
            "strict": True,
        },
        {"name": "read_clock", "input_schema": {"type": "object", "properties": {}}},
    ]


NAMED = {"type": "function", "function": {"name": "read_clock"}}
CHOICES: list[tuple[str, bool, Any, Any]] = [
    ("auto", True, None, None),
    ("auto", False, None, {"type": "auto", "disable_parallel_tool_use": True}),
    ("none", True, "none", {"type": "none"}),
    ("none", False, "none", {"type": "none"}),
    ("required", True, "required", {"type": "any"}),
    ("required", False, "required", {"type": "any", "disable_parallel_tool_use": True}),
    ("read_clock", True, NAMED, {"type": "tool", "name": "read_clock"}),
    ("read_clock", False, NAMED, {"type": "tool", "name": "read_clock", "disable_parallel_tool_use": True}),
]


@pytest.mark.parametrize(("choice", "parallel", "openai", "anthropic"), CHOICES)
def test_tool_choice_in_each_providers_format(
    choice: str, parallel: bool, openai: Any, anthropic: Any
) -> None:
    fields = {"tools": (WEATHER, CLOCK), "tool_choice": choice, "parallel_tool_calls": parallel}
    body = to_openai(**fields)
    assert (body.get("tool_choice"), body.get("parallel_tool_calls", True)) == (openai, parallel)
    assert to_anthropic(**fields).get("tool_choice") == anthropic


def test_tools_that_were_called_are_described_to_anthropic_even_if_none_may_be_called_now() -> None:
    body = to_anthropic(messages=TALK)
    assert [tool["name"] for tool in body["tools"]] == ["get_weather", "read_clock"]
    assert body["tool_choice"] == {"type": "none"}
    assert "tools" not in to_openai(messages=TALK)


def test_a_target_without_tools_gets_none_and_is_asked_for_json_in_words(call: Callable[..., Call]) -> None:
    given = changed(call(), tools=(CLOCK,), tool_choice="none", json_schema={})
    for codec, target in ((OpenAICodec(), GPT), (AnthropicCodec(), CLAUDE)):
        body = orjson.loads(codec.request(given.at(replace(target, tools=False)), "sk").body)
        assert {"tools", "tool_choice"}.isdisjoint(body)
        assert "response_format" in body or "Reply with JSON alone" in body["system"]


def test_another_providers_id_of_a_call_is_worded_so_that_anthropic_takes_it() -> None:
    made = Message("assistant", "", (ToolCall("functions.look:0", "look", "{}"),))
    body = to_anthropic(messages=(TALK[1], made, Message("tool", "", tool_call_id="functions.look:0")))
    [used], [result] = (turn["content"] for turn in body["messages"][1:])
    assert (used["id"], result["tool_use_id"]) == ("functions_look_0", "functions_look_0")


def test_openai_gets_the_schema_unchanged_and_without_one_an_instruction() -> None:
    form = to_openai(json_schema=SCHEMA, json_strict=True)["response_format"]
    assert form == {
        "type": "json_schema",
        "json_schema": {"name": "reply", "schema": SCHEMA, "strict": True},
    }
    body = to_openai(json_schema={})
    assert body["response_format"] == {"type": "json_object"}
    assert "JSON" in body["messages"][0]["content"]
    body = to_openai(json_schema={}, messages=(Message("user", "in json, please"),))
    assert len(body["messages"]) == 1


@pytest.mark.parametrize("tools", [(), (CLOCK,)])
def test_anthropic_is_made_to_give_json_as_a_tools_input(tools: tuple[Tool, ...]) -> None:
    body = to_anthropic(json_schema=SCHEMA, tools=tools, tool_choice="none")
    forced = {"type": "tool", "name": JSON_TOOL, "disable_parallel_tool_use": True}
    assert body["tool_choice"] == forced
    assert (body["tools"][-1]["name"], body["tools"][-1]["input_schema"]) == (JSON_TOOL, SCHEMA)
    assert len(body["tools"]) == len(tools) + 1
    assert to_anthropic(json_schema={})["tools"][0]["input_schema"] == {"type": "object"}


@pytest.mark.parametrize(
    "fields",
    [
        {"json_schema": SCHEMA, "tools": (CLOCK,)},
        {"json_schema": SCHEMA, "prefill": '{"city": '},
        {"json_schema": {"type": "array"}},
        {"json_schema": {}, "prefill": "{"},
    ],
)
def test_anthropic_is_asked_for_json_in_words_where_it_cannot_be_forced(fields: dict[str, Any]) -> None:
    body = to_anthropic(messages=(Message("system", "Be brief."), Message("user", "Hi")), **fields)
    assert "tool_choice" not in body
    assert body["system"].startswith("Be brief.\n\nReply with JSON alone")
    schema = fields["json_schema"]
    assert (orjson.dumps(schema).decode() in body["system"]) == bool(schema)


def test_what_anthropic_refuses_is_left_behind() -> None:
    body = to_anthropic(temperature=0.5, top_p=0.5, stop=("END", "\n"), max_tokens=5000)
    assert {"temperature", "top_p"}.isdisjoint(body)
    assert (body["stop_sequences"], body["max_tokens"]) == (["END"], 100)
    assert "stop_sequences" not in to_anthropic(stop=("\n",))


@pytest.mark.parametrize(
    ("ending", "prefill", "openai", "anthropic"),
    [
        ((), "Once upon ", ["Once upon "], "Once upon"),
        ((Message("assistant", "Once "),), "upon a", ["Once upon a"], "Once upon a"),
        ((Message("assistant", "Once "),), "", ["Once "], "Once"),
        ((), "", [], None),
    ],
)
def test_the_beginning_of_a_reply_is_one_last_turn_without_white_space_at_its_end_where_that_is_refused(
    ending: tuple[Message, ...], prefill: str, openai: list[str], anthropic: str | None
) -> None:
    fields = {"messages": (Message("user", "Hi"), *ending), "prefill": prefill}
    said = [turn["content"] for turn in to_openai(**fields)["messages"] if turn["role"] == "assistant"]
    last = to_anthropic(**fields)["messages"][-1]
    assert said == openai
    assert last == (
        {"role": "user", "content": "Hi"}
        if anthropic is None
        else {"role": "assistant", "content": anthropic}
    )


def test_a_conversation_of_system_messages_alone_is_the_users_at_anthropic() -> None:
    body = to_anthropic(messages=(Message("system", "Say hi."),))
    assert body["messages"] == [{"role": "user", "content": "Say hi."}]
    assert "system" not in body


ROLES: list[Role] = ["system", "user", "assistant"]


@given(
    st.lists(st.builds(Message, st.sampled_from(ROLES), st.text("ab \n", max_size=4)), min_size=1, max_size=8)
)
def test_anthropics_turns_alternate_from_the_user_on_and_none_is_empty(messages: list[Message]) -> None:
    body = to_anthropic(messages=(*messages, Message("user", "Hi")))
    roles = [turn["role"] for turn in body["messages"]]
    assert roles == (["user", "assistant"] * len(roles))[: len(roles)]
    assert all(turn["content"].strip() for turn in body["messages"])
    said = "".join(turn.content for turn in messages if turn.content.strip())
    sent = body.get("system", "") + "".join(turn["content"] for turn in body["messages"])
    assert sorted(said.replace(" ", "").replace("\n", "")) == sorted(
        sent.removesuffix("Hi").replace("(The conversation begins.)", "").replace(" ", "").replace("\n", "")
    )


@pytest.mark.parametrize(("codec", "target"), [(OpenAICodec(), GPT), (AnthropicCodec(), CLAUDE)])
def test_a_whole_reply_is_not_asked_for_as_a_stream(
    codec: Codec, target: Target, call: Callable[..., Call]
) -> None:
    body = orjson.loads(codec.request(changed(call(), stream=False, target=target), "sk").body)
    assert {"stream", "stream_options"}.isdisjoint(body)
