"""The mock providers read what our codecs write with the same meaning; both sides were written separately."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stack.core.call import Call
from harness.stack.core.reply import Answer, ToolCall
from harness.stack.core.request import Message, Tool
from harness.stack.core.target import Target
from harness.stack.core.tokens import call_tokens
from harness.stack.wire.anthropic.codec import AnthropicCodec
from harness.stack.wire.anthropic.json_mode import JSON_TOOL, forced
from harness.stack.wire.openai.codec import OpenAICodec
from mock_providers import load_profile
from mock_providers.exchange.received import Received
from mock_providers.exchange.request import Request
from mock_providers.wire.anthropic.codec import AnthropicCodec as MockAnthropicCodec
from mock_providers.wire.anthropic.errors import AnthropicErrors
from mock_providers.wire.openai.codec import OpenAICodec as MockOpenAICodec
from mock_providers.wire.openai.errors import OpenAIErrors
from tests.stack.calls import make_call

GPT = Target("gpt", "openai", "gpt-4o")
CLAUDE = Target("claude", "anthropic", "claude-sonnet-4-5")
MOCK_GPT = MockOpenAICodec(load_profile("typical").providers["openai"], OpenAIErrors("org-x"))
MOCK_CLAUDE = MockAnthropicCodec(AnthropicErrors())

TEXT = st.text("ab é\n", max_size=8)
NAMES = st.sampled_from(["look", "listen", "get_weather"])
TITLED: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries({"type": st.just("object"), "title": TEXT})
SCHEMAS = st.just(dict[str, Any]()) | TITLED
TOOLS = st.lists(st.builds(Tool, NAMES, TEXT, SCHEMAS), max_size=3, unique_by=lambda tool: tool.name).map(
    tuple
)
ARGUMENTS = st.dictionaries(TEXT, st.integers(0, 9) | TEXT, max_size=2).map(
    lambda value: orjson.dumps(value).decode()
)


@st.composite
def calls(draw: st.DrawFn) -> Call:
    """Any call whose tools are answered before the conversation goes on."""
    messages = draw(st.lists(st.builds(Message, st.just("system"), TEXT), max_size=1))
    for turn in range(draw(st.integers(0, 3))):
        messages.append(Message("user", draw(TEXT)))
        made = [
            ToolCall(f"c{turn}-{n}", draw(NAMES), draw(ARGUMENTS)) for n in range(draw(st.integers(0, 2)))
        ]
        messages.append(Message("assistant", draw(TEXT), tuple(made)))
        messages += [Message("tool", draw(TEXT), tool_call_id=call.id) for call in made]
    messages.append(Message("user", "Give me some JSON."))
    tools = draw(TOOLS)
    choices = ["auto", "none", "required", *(tool.name for tool in tools)] if tools else ["auto"]
    return make_call(
        "c1",
        tuple(messages),
        tools=tools,
        tool_choice=draw(st.sampled_from(choices)),
        parallel_tool_calls=draw(st.booleans()),
        json_schema=draw(st.none() | SCHEMAS),
        prefill=draw(st.just("") | st.just("{ ")),
        stop=tuple(draw(st.lists(st.text("ab ", min_size=1, max_size=3), max_size=4))),
        max_tokens=draw(st.none() | st.integers(1, 9999)),
        temperature=draw(st.none() | st.floats(0, 1)),
        stream=draw(st.booleans()),
    )


def at_openai(call: Call) -> Request:
    body = OpenAICodec().request(call.at(GPT), "sk").body
    return MOCK_GPT.parse(Received("POST", "/v1/chat/completions", {}, {}, body), {})


def at_anthropic(call: Call) -> Request:
    wire = AnthropicCodec().request(call.at(CLAUDE), "sk")
    headers = {name.encode(): value.encode() for name, value in wire.headers.items()}
    return MOCK_CLAUDE.parse(Received("POST", "/v1/messages", headers, {}, wire.body), {})


def meant(request: Request) -> tuple[Any, ...]:
    tools = [(tool.name, tool.schema) for tool in request.tools]
    return tools, request.tool_choice, request.parallel_tool_calls or not tools, request.json_schema


@given(calls())
def test_openai_understands_every_call_as_it_was_meant(call: Call) -> None:
    request = at_openai(call)
    wanted = [
        (tool.name, tool.parameters or {"type": "object", "properties": {}}) for tool in call.request.tools
    ]
    several = call.request.parallel_tool_calls or not call.request.tools
    assert meant(request) == (wanted, call.request.tool_choice, several, call.request.json_schema)
    assert (request.stream, request.prefill) == (call.request.stream, call.request.prefill)


@given(calls())
def test_anthropic_takes_every_call_that_openai_takes(call: Call) -> None:
    request = at_anthropic(call)
    assert (request.stream, request.prefill) == (call.request.stream, call.request.prefill.rstrip())
    if call.request.json_schema is not None and forced(call.at(CLAUDE)):
        assert (request.tool_choice, request.tools[-1].name) == (JSON_TOOL, JSON_TOOL)
    elif call.request.tools:
        assert request.tool_choice == call.request.tool_choice
        assert [tool.name for tool in request.tools] == [tool.name for tool in call.request.tools]
    else:
        assert request.tool_choice in ("auto", "none")


@given(calls())
def test_our_count_of_a_prompt_is_the_providers(call: Call) -> None:
    """To the token, JSON mode aside, for which each provider has its own words. Anthropic refuses empty
    messages and takes turns only, so its prompts are shorter than ours where some are dropped or joined."""
    if call.request.json_schema is None:
        assert call_tokens(call) == at_openai(call).input_tokens


@pytest.mark.parametrize("at", [at_openai, at_anthropic])
def test_a_conversation_without_tools_offers_none(at: Callable[[Call], Request]) -> None:
    request = at(make_call("c1", (Message("user", "Hi"),)))
    assert (request.tools, request.tool_choice, request.json_schema) == ((), "auto", None)


def test_an_answer_without_an_end_is_a_bug() -> None:
    with pytest.raises(RuntimeError, match="without its Finish"):
        Answer.of(())
