"""The gateway: tools, JSON mode and a client's headers reach the call, and tool calls reach the client."""

from typing import Any

import httpx
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stack.assembly.options import StackOptions
from harness.stack.assembly.stack import Stack
from harness.stack.core.call import Call
from harness.stack.core.errors import AllProvidersFailed, ProviderError, Rejected
from harness.stack.core.reply import Delta, Event, Finish, Reply, ToolCall, ToolDelta, Usage, replay
from harness.stack.core.request import Message, Tool
from harness.stack.gateway.app import Gateway
from harness.stack.gateway.fields import BadRequest
from harness.stack.gateway.request import parse_chat_request

OPTIONS = StackOptions.model_validate({"target": [{"provider": "openai", "model": "gpt-4o"}]})
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
FUNCTION = {"name": "get_weather", "description": "How it will be.", "parameters": SCHEMA, "strict": True}
TOOLS = [{"type": "function", "function": FUNCTION}]
ASK: dict[str, Any] = {"model": "any", "messages": [{"role": "user", "content": "hi"}]}
EVENTS: tuple[Event, ...] = (
    ToolDelta(0, "call_1", "get_weather", ""),
    ToolDelta(0, "", "", '{"city":'),
    ToolDelta(0, "", "", '"Oslo"}'),
    ToolDelta(1, "call_2", "get_weather", "{}"),
    Finish("tool_calls", Usage(9, 3)),
)


class Answering:
    """A stack that answers with events, or fails; it keeps the calls."""

    def __init__(self, *events: Event, error: Exception | None = None) -> None:
        self.events = events
        self.error = error
        self.calls: list[Call] = []

    async def ask(self, call: Call) -> Reply:
        self.calls.append(call)
        if self.error is not None:
            raise self.error
        return Reply(self.events[0], replay(self.events[1:]))

    async def post(self, body: dict[str, Any], **headers: str) -> httpx.Response:
        gateway: Any = Gateway(Stack(OPTIONS, self.ask, httpx.AsyncHTTPTransport()))
        transport = httpx.ASGITransport(gateway)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            headers = {f"x-brownout-{name}": value for name, value in headers.items()}
            return await client.post("/v1/chat/completions", content=orjson.dumps(body), headers=headers)


async def test_a_whole_reply_has_its_tool_calls_and_no_text() -> None:
    reply = await Answering(*EVENTS).post(ASK | {"tools": TOOLS})
    [choice] = reply.json()["choices"]
    assert (choice["message"]["content"], choice["finish_reason"]) == (None, "tool_calls")
    assert choice["message"]["tool_calls"] == [
        {
            "id": id,
            "type": "function",
            "function": {"name": "get_weather", "arguments": arguments},
        }
        for id, arguments in (("call_1", '{"city":"Oslo"}'), ("call_2", "{}"))
    ]


async def test_a_streamed_tool_call_is_id_and_name_then_fragments() -> None:
    reply = await Answering(Delta("Hm."), *EVENTS).post(ASK | {"tools": TOOLS, "stream": True})
    lines = [line[6:] for line in reply.text.splitlines() if line.startswith("data: {")]
    deltas = [orjson.loads(line)["choices"][0]["delta"] for line in lines]
    assert deltas == [
        {"role": "assistant", "content": "", "refusal": None},
        {"content": "Hm."},
        {
            "tool_calls": [
                {
                    "index": 0,
                    "id": "call_1",
                    "type": "function",
                    "function": {"name": "get_weather", "arguments": ""},
                }
            ]
        },
        {"tool_calls": [{"index": 0, "function": {"arguments": '{"city":'}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": '"Oslo"}'}}]},
        {
            "tool_calls": [
                {
                    "index": 1,
                    "id": "call_2",
                    "type": "function",
                    "function": {"name": "get_weather", "arguments": "{}"},
                }
            ]
        },
        {},
    ]


async def test_a_stream_that_begins_with_a_tool_call_has_no_text() -> None:
    reply = await Answering(*EVENTS).post(ASK | {"stream": True})
    first = orjson.loads(reply.text.partition("\n")[0].removeprefix("data: "))
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": None, "refusal": None}


async def test_a_conversation_with_tools_reaches_the_call() -> None:
    called = {
        "id": "c1",
        "type": "function",
        "function": {"name": "get_weather", "arguments": '{"city": "Oslo"}'},
    }
    turns = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": None, "tool_calls": [called]},
        {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "Rain."}]},
        {"role": "assistant", "content": "Rain.", "tool_calls": []},
    ]
    answering = Answering(Delta("x"), Finish("stop", None))
    named = {"type": "function", "function": {"name": "get_weather"}}
    body = {"messages": turns, "tools": TOOLS, "tool_choice": named, "parallel_tool_calls": False}
    await answering.post(body, priority="batch", residency="eu", tenant="t")
    [call] = answering.calls
    assert call.request.messages == (
        Message("user", "hi"),
        Message("assistant", "", (ToolCall("c1", "get_weather", '{"city": "Oslo"}'),)),
        Message("tool", "Rain.", tool_call_id="c1"),
        Message("assistant", "Rain."),
    )
    assert call.request.tools == (Tool("get_weather", "How it will be.", SCHEMA, strict=True),)
    assert (call.request.tool_choice, call.request.parallel_tool_calls) == ("get_weather", False)
    assert (call.caller.priority, call.caller.residency, call.caller.tenant) == ("batch", "eu", "t")


FORMATS = [
    (None, None, False),
    ({"type": "text"}, None, False),
    ({"type": "json_object"}, {}, False),
    ({"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}, SCHEMA, False),
    ({"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA, "strict": True}}, SCHEMA, True),
]


@pytest.mark.parametrize(("form", "schema", "strict"), FORMATS)
async def test_the_form_of_the_reply_reaches_the_call(form: Any, schema: Any, strict: bool) -> None:
    answering = Answering(Delta("{}"), Finish("stop", None))
    assert (await answering.post(ASK | {"response_format": form})).status_code == 200
    [call] = answering.calls
    assert (call.request.json_schema, call.request.json_strict) == (schema, strict)


DEEP = b'{"model":"m","messages":[{"role":"user","content":"x"}],"response_format":{"type":"json_schema",'
DEEP += b'"json_schema":{"schema":' + b'{"items":' * 400 + b"{}" + b"}" * 403


def with_turn(**turn: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": "hi"}, turn]}


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"tools": {}}, "tools"),
    ({"tools": [5]}, "tools[0].type"),
    ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
    ({"tools": [{"type": "function"}]}, "tools[0].function.name"),
    ({"tools": [{"type": "function", "function": {"name": ""}}]}, "tools[0].function.name"),
    ({"tools": [{"type": "function", "function": {"name": "none"}}]}, "tools[0].function.name"),
    (
        {"tools": [{"type": "function", "function": {"name": "f", "parameters": []}}]},
        "tools[0].function.parameters",
    ),
    ({"tools": TOOLS * 2}, "tools"),
    ({"tool_choice": "required"}, "tool_choice"),
    ({"tools": TOOLS, "tool_choice": "any"}, "tool_choice.function.name"),
    ({"tools": TOOLS, "tool_choice": {"type": "function", "function": {"name": "f"}}}, "tool_choice"),
    ({"tools": TOOLS, "parallel_tool_calls": "no"}, "parallel_tool_calls"),
    ({"response_format": {"type": "xml"}}, "response_format"),
    ({"response_format": "json_object"}, "response_format"),
    ({"response_format": {"type": "json_schema"}}, "response_format"),
    (
        {"response_format": {"type": "json_schema", "json_schema": {"schema": 5}}},
        "response_format.json_schema.schema",
    ),
    (with_turn(role="tool", content="x"), "messages[1].tool_call_id"),
    (with_turn(role="tool", tool_call_id="c"), "messages[1].content"),
    (with_turn(role="assistant"), "messages[1].content"),
    (with_turn(role="assistant", tool_calls=5), "messages[1].tool_calls"),
    (with_turn(role="assistant", tool_calls=[{}]), "messages[1].tool_calls[0].id"),
    (with_turn(role="assistant", tool_calls=[{"id": "c"}]), "messages[1].tool_calls[0].function.name"),
    (
        with_turn(role="assistant", tool_calls=[{"id": "c", "function": {"name": "f", "arguments": {}}}]),
        "messages[1].tool_calls[0].function.arguments",
    ),
    ({"functions": [FUNCTION]}, "functions"),
]


@pytest.mark.parametrize(("body", "param"), WRONG)
def test_the_error_of_invalid_tools_names_the_field(body: dict[str, Any], param: str) -> None:
    with pytest.raises(BadRequest) as wrong:
        parse_chat_request(orjson.dumps(ASK | body))
    assert wrong.value.param == param


def test_a_schema_too_deep_to_be_sent_on_is_refused() -> None:
    with pytest.raises(BadRequest, match="nested too deeply"):
        parse_chat_request(DEEP)


KEYS = ["tools", "tool_choice", "response_format", "messages", "parallel_tool_calls"]
KEYS += [
    "type",
    "function",
    "name",
    "parameters",
    "json_schema",
    "schema",
    "role",
    "content",
    "tool_calls",
    "id",
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from([*KEYS, "assistant", "tool", "auto", ""]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(KEYS), JSON, max_size=5))
def test_json_of_another_shape_is_a_bad_request_never_a_crash(body: dict[str, Any]) -> None:
    for asked in (body, ASK | body):
        try:
            raw = orjson.dumps(asked)
        except TypeError:
            continue
        try:
            parse_chat_request(raw)
        except BadRequest as wrong:
            assert wrong.kind == "bad_request"  # noqa: PT017  # refusing is allowed, crashing is not


@pytest.mark.parametrize(
    ("kinds", "status"),
    [(("rejected_unsuitable", "rejected_unsuitable"), 400), (("rejected_unsuitable", "overloaded"), 503)],
)
async def test_a_call_that_suits_no_target_is_the_clients_fault(kinds: tuple[str, ...], status: int) -> None:
    failures = tuple(
        (kind, Rejected(kind, "no") if kind.startswith("rejected") else ProviderError(kind, "no"))
        for kind in kinds
    )
    reply = await Answering(error=AllProvidersFailed(failures)).post(ASK)
    assert (reply.status_code, reply.json()["error"]["code"]) == (status, "all_providers_failed")
