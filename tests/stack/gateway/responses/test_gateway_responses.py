"""The gateway's Responses API: shapes of the openai SDK, streams that equal whole replies, kept responses."""

from collections.abc import AsyncGenerator, Sequence
from typing import Any

import openai.types.responses as sdk
import orjson
import pytest

from harness.stack.assembly.stack import Stack
from harness.stack.core.errors import ProviderError, StackError
from harness.stack.core.facts import AttemptFacts
from harness.stack.core.reply import Delta, Event, Finish, Reply, ToolDelta, Usage
from harness.stack.core.request import Request
from harness.stack.gateway.app import Gateway
from harness.stack.gateway.responses.store import ResponseStore
from tests.mock_providers.responses.sdk_shapes import checked_event, checked_response
from tests.stack.gateway.test_app import OPTIONS, Client

USAGE = Usage(
    input_tokens=20, output_tokens=5, cached_input_tokens=8, cache_write_tokens=4, reasoning_tokens=2
)
TOOLS = [
    {
        "type": "function",
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {}},
        "strict": True,
    },
    {"type": "custom", "name": "write_sql", "description": "Writes SQL."},
]
FIRST_CALL = [ToolDelta(0, "call_1", "get_weather", '{"ci'), ToolDelta(0, "", "", 'ty":"Oslo"}')]
CUSTOM_CALL = [ToolDelta(1, "call_2", "write_sql", '{"input":"SEL'), ToolDelta(1, "", "", 'ECT 1"}')]
SCRIPTS: dict[str, list[Event]] = {
    "words": [Delta("Hel"), Delta("lo"), Finish("stop", USAGE)],
    "cut": [Delta("Hel"), Finish("length", USAGE)],
    "filtered": [Delta("Hel"), Finish("content_filter", None)],
    "no words": [Delta(""), Finish("stop", None)],
    "call": [*FIRST_CALL, Finish("tool_calls", USAGE)],
    "words and calls": [Delta("I look."), *FIRST_CALL, *CUSTOM_CALL, Finish("tool_calls", USAGE)],
}
ASK = {"model": "any", "input": "hi"}


class World:
    """A gateway whose stack answers each call with a script of events; `asked`: the requests that it got."""

    def __init__(self, *script: Event, error: StackError | None = None, most_bytes: int = 1 << 20) -> None:
        self.script, self.error = script, error
        self.asked: list[Request] = []
        stack = Stack(OPTIONS, self._ask, None)  # type: ignore[arg-type]  # the client is not used
        self.gateway = Gateway(stack, 1e9, ResponseStore(most_bytes))

    async def _ask(self, call: Any) -> Reply:
        self.asked.append(call.request)
        if not self.script and self.error is not None:
            raise self.error
        call.facts.attempts.append(AttemptFacts(call.id, 1, "primary", "openai", "gpt-4o", 0.0))
        call.facts.attempts[-1].outcome = "success"
        return Reply(self.script[0], self._events(self.script[1:]))

    async def _events(self, script: Sequence[Event]) -> AsyncGenerator[Event]:
        for event in script:
            yield event
        if self.error is not None:
            raise self.error

    async def __call__(
        self, method: str = "POST", path: str = "", body: Any = None, key: str = "k", **headers: str
    ) -> Client:
        client = Client(orjson.dumps(body), {"authorization": f"Bearer {key}", **headers})
        client.scope |= {"method": method, "path": f"/v1/responses{path}"}
        await self.gateway(client.scope, client.receive, client.send)
        return client

    async def create(self, key: str = "k", **body: Any) -> Client:
        return await self(body={**ASK, **body}, key=key)


def events_of(client: Client) -> list[Any]:
    frames = [frame for frame in client.body.decode().split("\n\n") if frame and not frame.startswith(":")]
    events = []
    for frame in frames:
        name, data = frame.split("\n")
        events.append(orjson.loads(data.removeprefix("data: ")))
        assert name == f"event: {events[-1]['type']}"
        checked_event(events[-1])
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    return events


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
async def test_whole_and_streamed_responses_have_the_sdks_shape_and_are_the_same(script: list[Event]) -> None:
    whole = (await World(*script).create(tools=TOOLS)).json
    checked_response(whole)
    streamed = await World(*script).create(tools=TOOLS, stream=True)
    events = events_of(streamed)
    whole["created_at"] = events[-1]["response"]["created_at"]  # a second may begin between the two
    assert events[-1]["response"] == whole
    assert events[-1]["type"] == f"response.{whole['status']}"
    done = [event["item"] for event in events if event["type"] == "response.output_item.done"]
    assert done == whole["output"]
    for item in whole["output"]:
        own = [event["delta"] for event in events if event.get("item_id") == item["id"] and "delta" in event]
        text = item.get("arguments") or item.get("input") or item.get("content", [{}])[0].get("text", "")
        assert "".join(own) == text
    [comment] = streamed.comments
    assert streamed.body.index(comment) < streamed.body.index(f"event: response.{whole['status']}".encode())


async def test_statuses_usage_and_custom_tools() -> None:
    async def response(name: str) -> sdk.Response:
        return checked_response((await World(*SCRIPTS[name]).create(tools=TOOLS)).json)

    cut, filtered, calls = [await response(name) for name in ("cut", "filtered", "words and calls")]
    assert (cut.status, cut.incomplete_details and cut.incomplete_details.reason) == (
        "incomplete", "max_output_tokens",
    )  # fmt: skip
    assert filtered.incomplete_details is not None
    assert (filtered.incomplete_details.reason, filtered.usage) == ("content_filter", None)
    assert calls.usage is not None
    details = calls.usage.input_tokens_details
    assert (details.cached_tokens, details.cache_write_tokens) == (8, 4)
    assert calls.usage.output_tokens_details.reasoning_tokens == 2
    assert [item.type for item in calls.output] == ["message", "function_call", "custom_tool_call"]
    assert calls.output[2].to_dict()["input"] == "SELECT 1"


async def test_everything_asked_becomes_part_of_the_call() -> None:
    world = World(*SCRIPTS["words"])
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    await world.create(
        instructions="Be brief.",
        input=[
            {"role": "user", "content": [{"type": "input_text", "text": "Look"},
                                         {"type": "input_image", "image_url": "https://example.com/a.png"}]},
            {"type": "reasoning", "id": "rs_1", "summary": []},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I do."}]},
            {"type": "function_call", "call_id": "c1", "name": "get_weather", "arguments": "{}"},
            {"type": "custom_tool_call", "call_id": "c2", "name": "write_sql", "input": "SELECT 1"},
            {"type": "function_call_output", "call_id": "c1", "output": "Rain."},
            {"type": "custom_tool_call_output", "call_id": "c2", "output": "1"},
        ],
        max_output_tokens=99, temperature=0.5, top_p=0.25, user="u", metadata={"a": "b"},
        reasoning={"effort": "low", "summary": "auto"}, include=["reasoning.encrypted_content"],
        text={"format": {"type": "json_schema", "name": "f", "schema": schema, "strict": True},
              "verbosity": "low"},
        tools=TOOLS, tool_choice={"type": "custom", "name": "write_sql"}, parallel_tool_calls=False,
    )  # fmt: skip
    [asked] = world.asked
    roles = [(message.role, message.content) for message in asked.messages]
    assert roles == [
        ("system", "Be brief."),
        ("user", "Look"),
        ("assistant", "I do."),
        ("tool", "Rain."),
        ("tool", "1"),
    ]
    assert [media.url for media in asked.messages[1].media] == ["https://example.com/a.png"]
    assert [(call.name, call.arguments) for call in asked.messages[2].tool_calls] == [
        ("get_weather", "{}"), ("write_sql", '{"input":"SELECT 1"}')
    ]  # fmt: skip
    assert (asked.max_tokens, asked.temperature, asked.top_p) == (99, 0.5, 0.25)
    assert (asked.json_schema, asked.json_strict, asked.json_name) == (schema, True, "f")
    assert [tool.name for tool in asked.tools] == ["get_weather", "write_sql"]
    assert (asked.tool_choice, asked.parallel_tool_calls) == ("write_sql", False)
    assert asked.parameters == {
        "reasoning_effort": "low",
        "verbosity": "low",
        "user": "u",
        "metadata": {"a": "b"},
    }


async def test_allowed_tools_are_the_only_ones_offered() -> None:
    world = World(*SCRIPTS["words"])
    allowed = {
        "type": "allowed_tools",
        "mode": "required",
        "tools": [{"type": "function", "name": "get_weather"}],
    }
    assert (await world.create(tools=TOOLS, tool_choice=allowed)).status == 200
    assert ([tool.name for tool in world.asked[0].tools], world.asked[0].tool_choice) == (
        ["get_weather"],
        "required",
    )


@pytest.mark.parametrize(
    ("body", "param", "words"),
    [
        ({"input": None}, "input", "must be a string or an array"),
        ({"input": [1]}, "input[0]", "must be an object"),
        ({"input": [{"type": "web_search_call"}]}, "input[0].type", "at this gateway"),
        ({"input": [{"type": "item_reference", "id": "m"}]}, "input[0].type", "'item_reference'"),
        ({"input": [{"role": "robot", "content": "x"}]}, "input[0]", "role must be one of"),
        (
            {"input": [{"role": "user", "content": [{"type": "text"}]}]},
            "input[0].content[0].type",
            "input_text",
        ),
        ({"tools": [{"type": "mcp"}]}, "tools[0].type", "runs no tools of its own"),
        ({"tools": [{"type": "function"}]}, "tools[0].name", "non-empty string"),
        (
            {"tools": TOOLS, "tool_choice": {"type": "function", "name": "x"}},
            "tool_choice",
            "'x' is not among",
        ),
        ({"tool_choice": {"type": "mcp"}}, "tool_choice", "of type function, custom"),
        ({"text": {"format": {"type": "poem"}}}, "text.format", "must be one of text"),
        ({"background": True}, "background", "not supported by this gateway"),
        ({"truncation": "auto"}, "truncation", "not supported by this gateway"),
        ({"conversation": "c"}, "conversation", "not supported by this gateway"),
        ({"max_output_tokens": 0}, "max_output_tokens", "at least 1"),
        ({"top_logprobs": 3}, "top_logprobs", "not supported by this gateway"),
        ({"previous_response_id": "resp_9"}, "previous_response_id", "'resp_9' not found"),
    ],
)
async def test_a_bad_request_is_refused_by_name(body: dict[str, Any], param: str, words: str) -> None:
    client = await World(*SCRIPTS["words"]).create(**body)
    error = client.json["error"]
    assert (client.status, error["param"], error["type"]) == (400, param, "invalid_request_error")
    assert words in error["message"]


async def test_a_conversation_goes_on_by_id_and_only_for_its_client() -> None:
    world = World(*SCRIPTS["words"])
    first = (await world.create(instructions="Rules.")).json
    second = await world.create(previous_response_id=first["id"], input="and on", stream=True)
    third = await world.create(previous_response_id=events_of(second)[-1]["response"]["id"], input="more")
    assert third.status == 200
    said = [(message.role, message.content) for message in world.asked[2].messages]
    assert said == [
        ("user", "hi"),
        ("assistant", "Hello"),
        ("user", "and on"),
        ("assistant", "Hello"),
        ("user", "more"),
    ]
    foreign = await world.create(key="other", previous_response_id=first["id"])
    assert (foreign.status, len(world.asked)) == (400, 3)


async def test_kept_responses_are_retrieved_listed_and_deleted() -> None:
    world = World(*SCRIPTS["words"])
    made = (await world.create()).json
    path = f"/{made['id']}"
    assert (await world("GET", path)).json == made
    [item] = (await world("GET", f"{path}/input_items")).json["data"]
    assert item["content"] == [{"type": "input_text", "text": "hi"}]
    assert (await world("POST", f"{path}/cancel")).status == 400
    assert (await world("GET", path, key="other")).status == 404
    assert (await world("DELETE", path)).json == {"id": made["id"], "object": "response", "deleted": True}
    assert (await world("GET", path)).status == 404
    unkept = (await world.create(store=False)).json
    assert (await world("GET", f"/{unkept['id']}")).status == 404
    assert (await world("PUT", path)).status == 404


async def test_the_responses_used_longest_ago_make_room() -> None:
    world = World(*SCRIPTS["words"], most_bytes=5_000)
    first, *others = [(await world.create(input=f"{n}{'x' * 500}")).json["id"] for n in range(3)]
    assert (await world("GET", f"/{first}")).status == 200
    await world.create(input="y" * 500)
    kept = [(await world("GET", f"/{own}")).status for own in (first, *others)]
    assert kept[0] == 200
    assert 404 in kept


async def test_a_failure_before_the_reply_has_a_status_and_one_within_it_events() -> None:
    error = ProviderError("overloaded", "busy", status=503)
    refused = await World(error=error).create(stream=True)
    assert (refused.status, refused.json["error"]["code"]) == (503, "overloaded")
    broken = await World(Delta("Hel"), Delta("lo"), error=error).create(stream=True)
    *_, failed = events = events_of(broken)
    assert [event["type"] for event in events[-2:]] == ["error", "response.failed"]
    assert (failed["response"]["status"], failed["response"]["error"]["code"]) == ("failed", "server_error")
