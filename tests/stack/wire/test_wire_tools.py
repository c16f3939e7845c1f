"""Tool calls and replies in JSON come back from every protocol as the same events, whole or streamed."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stack.core.errors import ProviderError
from harness.stack.core.reply import Answer, Delta, Event, Finish, ToolCall, ToolDelta, Usage
from harness.stack.wire.anthropic.codec import AnthropicCodec
from harness.stack.wire.anthropic.json_mode import JSON_TOOL
from harness.stack.wire.codec import Codec
from harness.stack.wire.openai.codec import OpenAICodec

Said = list[str | ToolCall]
OSLO = ToolCall("call_1", "get_weather", '{"city": "Malmö", "days": 3}')
CLOCK = ToolCall("call_2", "read_clock", "{}")
USAGE = Usage(9, 3, 4, 2)
PROMPT = {"cached_tokens": 4, "cache_write_tokens": 2}


def pieces(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


def frame(data: object, name: str = "") -> bytes:
    head = f"event: {name}\n".encode() if name else b""
    return head + b"data: " + orjson.dumps(data) + b"\n\n"


def openai_stream(said: Said, size: int, reason: str = "tool_calls", usage: Any = ...) -> bytes:
    def chunk(delta: dict[str, Any], reason: str | None = None) -> bytes:
        return frame({"choices": [{"index": 0, "delta": delta, "finish_reason": reason}], "usage": None})

    out = chunk({"role": "assistant", "content": None})
    calls = -1
    for part in said:
        if isinstance(part, str):
            out += b"".join(chunk({"content": text}) for text in pieces(part, size))
            continue
        calls += 1
        function: dict[str, Any] = {"name": part.name, "arguments": ""}
        call = {"index": calls, "id": part.id, "type": "function", "function": function}
        out += chunk({"tool_calls": [call]})
        for text in pieces(part.arguments, size):
            out += chunk({"tool_calls": [{"index": calls, "function": {"arguments": text}}]})
    out += chunk({}, reason)
    if usage is ...:
        usage = {"prompt_tokens": 9, "completion_tokens": 3, "prompt_tokens_details": PROMPT}
    out += frame({"choices": [], "usage": usage}) if usage else b""
    return out + b"data: [DONE]\n\n"


def anthropic_stream(said: Said, size: int, reason: str = "tool_use") -> bytes:
    start = {"input_tokens": 3, "cache_read_input_tokens": 4, "cache_creation_input_tokens": 2}
    out = frame({"message": {"usage": start | {"output_tokens": 1}}}, "message_start")
    for index, part in enumerate(said):
        block: dict[str, Any] = {"type": "text", "text": ""}
        if isinstance(part, ToolCall):
            block = {"type": "tool_use", "id": part.id, "name": part.name, "input": {}}
        out += frame({"index": index, "content_block": block}, "content_block_start")
        out += frame({"type": "ping"}, "ping")
        if isinstance(part, str):
            deltas = [{"type": "text_delta", "text": text} for text in pieces(part, size)]
        else:
            written = "" if part.arguments == "{}" else part.arguments
            deltas = [
                {"type": "input_json_delta", "partial_json": text} for text in ["", *pieces(written, size)]
            ]
        for delta in deltas:
            out += frame({"index": index, "delta": delta}, "content_block_delta")
        out += frame({"index": index}, "content_block_stop")
    ending = {"delta": {"stop_reason": reason}, "usage": {"output_tokens": 3}}
    return out + frame(ending, "message_delta") + frame({}, "message_stop")


Streamed = Callable[[Said, int], bytes]
STREAMS: list[tuple[Codec, Streamed]] = [
    (OpenAICodec(), openai_stream),
    (AnthropicCodec(), anthropic_stream),
]
both = pytest.mark.parametrize(("codec", "stream"), STREAMS, ids=["openai", "anthropic"])


def read(codec: Codec, data: bytes, cut: int = 0) -> list[Event]:
    decoder, events = codec.decoder(), list[Event]()
    for start in range(0, len(data), cut or len(data)):
        events += decoder.feed(data[start : start + (cut or len(data))])
    decoder.end()
    return events


ARGUMENTS = st.dictionaries(st.text(max_size=4), st.integers(0, 9) | st.text(max_size=9), max_size=3).map(
    lambda value: orjson.dumps(value).decode()
)
CALLS = st.builds(ToolCall, st.uuids().map(str), st.from_regex(r"[a-z_]{1,12}", fullmatch=True), ARGUMENTS)


@both
@given(
    text=st.text(max_size=12),
    calls=st.lists(CALLS, min_size=1, max_size=3),
    size=st.integers(1, 8),
    cut=st.integers(1, 60),
)
def test_a_streamed_tool_call_is_the_same_however_it_is_cut_into_fragments_and_bytes(
    codec: Codec, stream: Streamed, text: str, calls: list[ToolCall], size: int, cut: int
) -> None:
    """Bytes are cut inside characters of several bytes, too."""
    events = read(codec, stream([text, *calls] if text else [*calls], size), cut)
    assert Answer.of(events) == Answer(text, tuple(calls), Finish("tool_calls", USAGE))


@both
@given(data=st.data())
def test_a_tool_call_cut_anywhere_is_a_failure(codec: Codec, stream: Streamed, data: st.DataObject) -> None:
    whole = stream(["Let me see.", OSLO], 3)
    with pytest.raises(ProviderError) as error:
        read(codec, whole[: data.draw(st.integers(1, len(whole) - 3))])
    assert error.value.kind == "truncated"


@both
def test_id_and_name_come_first_and_once_then_fragments(codec: Codec, stream: Streamed) -> None:
    *events, _ = read(codec, stream([OSLO, CLOCK], 9))
    assert [event for event in events if isinstance(event, ToolDelta) and event.id] == [
        ToolDelta(0, "call_1", "get_weather", ""),
        ToolDelta(1, "call_2", "read_clock", ""),
    ]
    rest = [event for event in events if isinstance(event, ToolDelta) and not event.id]
    assert {(event.name, bool(event.arguments)) for event in rest} == {("", True)}


def test_a_server_that_repeats_id_and_name_in_every_chunk_begins_one_call() -> None:
    def chunk(arguments: str) -> dict[str, Any]:
        call = {"index": 0, "id": "x", "function": {"name": "f", "arguments": arguments}}
        return {"choices": [{"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": "tool_calls"}]}

    events = read(OpenAICodec(), frame(chunk("{")) + frame(chunk("}")) + b"data: [DONE]\n\n")
    assert Answer.of(events).tool_calls == (ToolCall("x", "f", "{}"),)


def test_a_forced_call_that_ends_with_stop_ends_with_tool_calls_here() -> None:
    """OpenAI says "stop" where a named tool had to be called."""
    assert read(OpenAICodec(), openai_stream([OSLO], 9, "stop"))[-1] == Finish("tool_calls", USAGE)


@pytest.mark.parametrize(
    "delta",
    [
        {"tool_calls": [{"index": 0, "id": "x", "function": {}}]},
        {"tool_calls": [{"index": 0, "id": "x", "function": {"name": 5}}]},
        {"tool_calls": [{"index": 0, "id": "x", "function": {"name": "f", "arguments": 5}}]},
        {"tool_calls": 5},
        {"content": 5},
    ],
)
def test_words_of_another_shape_are_malformed(delta: dict[str, Any]) -> None:
    with pytest.raises(ProviderError) as error:
        read(OpenAICodec(), frame({"choices": [{"delta": delta}]}))
    assert error.value.kind == "malformed"


def test_usage_that_never_comes_is_unknown_not_zero() -> None:
    assert read(OpenAICodec(), openai_stream(["x"], 1, "stop", usage=None))[-1] == Finish("stop", None)


TEXT = {"type": "text", "text": "Let me see."}
USED = {"type": "tool_use", "id": "call_1", "name": "get_weather", "input": {"city": "Malmö"}}
CLAUDE_USAGE = {
    "input_tokens": 3,
    "output_tokens": 3,
    "cache_read_input_tokens": 4,
    "cache_creation_input_tokens": 2,
}


def test_whole_replies_with_tools_are_the_same_events() -> None:
    call = {
        "id": "call_1",
        "type": "function",
        "function": {"name": "get_weather", "arguments": '{"city":"Malmö"}'},
    }
    message = {"role": "assistant", "content": "Let me see.", "tool_calls": [call]}
    usage = {"prompt_tokens": 9, "completion_tokens": 3, "prompt_tokens_details": PROMPT}
    openai = {"choices": [{"message": message, "finish_reason": "tool_calls"}], "usage": usage}
    claude = {"content": [TEXT, USED], "stop_reason": "tool_use", "usage": CLAUDE_USAGE}
    answers = [
        codec.parse(orjson.dumps(reply))
        for codec, reply in ((OpenAICodec(), openai), (AnthropicCodec(), claude))
    ]
    assert answers[0] == answers[1]
    assert answers[0] == [
        Delta("Let me see."),
        ToolDelta(0, "call_1", "get_weather", '{"city":"Malmö"}'),
        Finish("tool_calls", USAGE),
    ]


@pytest.mark.parametrize(("stop_reason", "reason"), [("tool_use", "stop"), ("max_tokens", "length")])
def test_json_that_had_to_be_a_tools_input_comes_back_as_text_as_it_streams(
    stop_reason: str, reason: str
) -> None:
    forced = ToolCall("toolu_1", JSON_TOOL, '{"city": "Malmö", "days": 3}')
    events = read(AnthropicCodec(), anthropic_stream([forced], 5, stop_reason), cut=7)
    assert events == [*map(Delta, pieces(forced.arguments, 5)), Finish(reason, USAGE)]
    block = USED | {"name": JSON_TOOL}
    whole = {"content": [block], "stop_reason": stop_reason, "usage": CLAUDE_USAGE}
    assert AnthropicCodec().parse(orjson.dumps(whole)) == [Delta('{"city":"Malmö"}'), Finish(reason, USAGE)]


def test_a_prompts_length_is_known_from_the_first_event_where_the_provider_tells_it() -> None:
    claude, gpt = AnthropicCodec().decoder(), OpenAICodec().decoder()
    begun = anthropic_stream(["x"], 1).partition(b"event: content_block_start")[0]
    claude.feed(begun)
    assert claude.reported_usage == Usage(9, 0, 4, 2)
    gpt.feed(openai_stream(["x"], 1).partition(b"data: [DONE]")[0])
    assert gpt.reported_usage == USAGE
    assert OpenAICodec().decoder().reported_usage is None
