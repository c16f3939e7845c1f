"""Every response and every event has the shape of the openai SDK's types, and streams say what whole replies
say.
"""

import json
from dataclasses import replace
from typing import Any

import pytest

from mock_providers import load_profile
from mock_providers.exchange.received import Received
from mock_providers.exchange.request import Problem
from mock_providers.plan import Block, Choice, Piece, Plan
from mock_providers.wire.dialect import Stamp
from mock_providers.wire.responses.codec import ResponsesCodec
from mock_providers.wire.responses.errors import ResponsesErrors
from mock_providers.wire.responses.request import ResponseRequest
from tests.mock_providers.responses.sdk_shapes import checked_event, checked_response

STAMP = Stamp("req_0a", "gpt-5-mini", 1_700_000_000.9)
CODEC = ResponsesCodec(load_profile("typical").providers["openai"], ResponsesErrors("org"))
TOOLS = [
    {"type": "function", "name": "get_weather", "parameters": {"type": "object", "properties": {}}},
    {"type": "custom", "name": "write_sql", "description": "Writes SQL."},
]
THINKS = {"reasoning": {"effort": "low", "summary": "auto"}, "include": ["reasoning.encrypted_content"]}
OVERLOADED = Problem(503, "service_unavailable_error", "The server is currently overloaded.", "overloaded")


def asked(**body: Any) -> ResponseRequest:
    raw = json.dumps({"model": "gpt-5-mini", "input": "Hi", "stream": True, **body}).encode()
    return CODEC.parse(Received("POST", "/v1/responses", {}, {}, raw), {})


def plan_of(*blocks: tuple[Block, list[str]], finish: Any = "stop", **changes: Any) -> Plan:
    pieces = [
        Piece(float(nth), text, 1, 0, which, opens=nth == 0)
        for which, (_, texts) in enumerate(blocks)
        for nth, text in enumerate(texts)
    ]
    choice = Choice(finish, None, tuple(block for block, _ in blocks))
    plan = Plan(200, "complete", 9.0, 0.25, tuple(pieces), choices=(choice,), input_tokens=20)
    return replace(plan, cached_input_tokens=8, cache_write_tokens=4, **changes)


TEXT = (Block(), ["Hel", 'lo "é\n'])
THOUGHT = (Block("reasoning"), ["Let me ", "think."])
CALL = (Block("tool", "a1", "get_weather"), ['{"city"', ':"Oslo"}'])
OTHER_CALL = (Block("tool", "b2", "get_weather"), ["{}"])
CUSTOM = (Block("tool", "c3", "write_sql"), ["SELECT ", "1"])

CASES: dict[str, tuple[dict[str, Any], Plan]] = {
    "text": ({}, plan_of(TEXT)),
    "no words": ({}, plan_of((Block(), []))),
    "cut": ({}, plan_of(TEXT, finish="length")),
    "nothing at all": ({}, plan_of(finish="length")),
    "filtered": ({}, plan_of(TEXT, finish="filtered")),
    "refused": ({}, plan_of((Block(), []), finish="refused")),
    "refused after words": ({}, plan_of(TEXT, finish="refused")),
    "error": ({}, plan_of(TEXT, finish="error")),
    "call": ({"tools": TOOLS}, plan_of(CALL, finish="tool_use")),
    "calls": ({"tools": TOOLS}, plan_of(CALL, OTHER_CALL, CUSTOM, finish="tool_use")),
    "cut call": ({"tools": TOOLS}, plan_of(CALL, finish="length")),
    "reasoning": (THINKS, plan_of(THOUGHT, TEXT)),
    "reasoning unseen": ({"reasoning": {"effort": "low"}}, plan_of(THOUGHT, TEXT)),
    "reasoning alone": (THINKS, plan_of(THOUGHT, finish="length")),
    "reasoning and a call": ({**THINKS, "tools": TOOLS}, plan_of(THOUGHT, CALL, finish="tool_use")),
    "background": ({"background": True}, plan_of(TEXT)),
    "priority": ({"service_tier": "priority"}, plan_of(TEXT, service_tier="priority")),
}
every_case = pytest.mark.parametrize(("body", "plan"), CASES.values(), ids=CASES)


def events_of(request: ResponseRequest, plan: Plan) -> list[Any]:
    """The data of each event; its name is its type."""
    frames = CODEC.frames(request, plan, STAMP)
    raw = [frames.head, *map(frames.piece, plan.to_send)]
    raw += [CODEC.error_event(request, plan, STAMP)] if plan.in_band else [frames.finish, frames.tail]
    return [event(frame) for frame in b"".join(raw).decode().removesuffix("\n\n").split("\n\n")]


def event(frame: str) -> Any:
    name, data = frame.split("\n")
    read = json.loads(data.removeprefix("data: "))
    assert name == f"event: {read['type']}"
    return read


@every_case
def test_every_event_has_the_sdks_shape_and_its_number(body: dict[str, Any], plan: Plan) -> None:
    events = events_of(asked(**body), plan)
    for each in events:
        checked_event(each)
    assert [each["sequence_number"] for each in events] == list(range(len(events)))


@every_case
def test_a_stream_ends_with_the_whole_response(body: dict[str, Any], plan: Plan) -> None:
    request = asked(**body)
    whole = json.loads(CODEC.body(request, plan, STAMP))
    checked_response(whole)
    last = events_of(request, plan)[-1]
    assert last["response"] == whole
    assert last["type"] == f"response.{whole['status']}"


@every_case
def test_the_items_done_are_the_output_and_the_deltas_their_text(body: dict[str, Any], plan: Plan) -> None:
    request = asked(**body)
    events = events_of(request, plan)
    output = json.loads(CODEC.body(request, plan, STAMP))["output"]
    done = [each["item"] for each in events if each["type"] == "response.output_item.done"]
    assert done == output
    added = [each for each in events if each["type"] == "response.output_item.added"]
    assert [(each["output_index"], each["item"]["id"]) for each in added] == [
        (nth, item["id"]) for nth, item in enumerate(output)
    ]
    for item in output:
        own = [each for each in events if each.get("item_id") == item["id"]]
        deltas = "".join(each["delta"] for each in own if each["type"].endswith(".delta"))
        assert deltas == text_of(item)


def text_of(item: dict[str, Any]) -> str:
    """The text that an item's deltas add up to."""
    match item["type"]:
        case "message":
            return "".join(part.get("text", part.get("refusal")) for part in item["content"])
        case "reasoning":
            return "".join(part["text"] for part in item["summary"])
        case "function_call":
            return str(item["arguments"])
        case _:
            return str(item["input"])


@pytest.mark.parametrize(
    ("case", "status", "reason"),
    [
        ("text", "completed", None),
        ("cut", "incomplete", "max_output_tokens"),
        ("filtered", "incomplete", "content_filter"),
        ("refused", "completed", None),
        ("error", "failed", None),
        ("calls", "completed", None),
    ],
)
def test_the_finish_decides_the_status(case: str, status: str, reason: str | None) -> None:
    body, plan = CASES[case]
    response = checked_response(json.loads(CODEC.body(asked(**body), plan, STAMP)))
    assert response.status == status
    assert (response.incomplete_details and response.incomplete_details.reason) == reason
    assert (response.error is not None) == (status == "failed")
    statuses = {item.status for item in response.output if item.type == "message"}
    assert statuses <= ({"incomplete"} if status == "incomplete" else {"completed"})


def test_usage_counts_reasoning_and_the_prompt_cache() -> None:
    body, plan = CASES["reasoning"]
    usage = checked_response(json.loads(CODEC.body(asked(**body), plan, STAMP))).usage
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (20, 4, 24)
    assert usage.output_tokens_details.reasoning_tokens == 2
    details = usage.input_tokens_details
    assert (details.cached_tokens, details.cache_write_tokens) == (8, 4)


@pytest.mark.parametrize("kept", [0, 1, 2])
@pytest.mark.parametrize("finished", [False, True])
def test_an_error_inside_a_stream_is_numbered_on_and_fails_the_response(kept: int, finished: bool) -> None:
    plan = plan_of(TEXT, ends="in_band", keep=kept, in_band=OVERLOADED)
    plan = replace(plan, finished=finished and kept == 2)
    frames = CODEC.frames(asked(), plan, STAMP)
    sent = [frames.head, *map(frames.piece, plan.to_send), *([frames.finish] if plan.finished else [])]
    before = b"".join(sent).count(b"\n\n")
    error, failed = [
        event(frame) for frame in CODEC.error_event(asked(), plan, STAMP).decode().split("\n\n")[:-1]
    ]
    checked_event(error)
    assert (error["sequence_number"], failed["sequence_number"]) == (before, before + 1)
    assert error["error"] == {"type": OVERLOADED.type, "code": "overloaded", "message": OVERLOADED.message,
                              "param": None}  # fmt: skip
    response = checked_event(failed).response
    assert (response.status, response.error.code, response.usage) == ("failed", "server_error", None)
    whole = checked_response(json.loads(CODEC.failed_body(asked(), plan, STAMP)))
    assert (whole.status, whole.error and whole.error.message) == ("failed", OVERLOADED.message)


def test_deltas_are_padded_unless_the_client_declines() -> None:
    plan = plan_of((Block(), ["a", "abcdefgh"]))
    for declined in (False, True):
        request = asked(stream_options={"include_obfuscation": not declined})
        deltas = [each for each in events_of(request, plan) if each["type"].endswith("text.delta")]
        assert [("obfuscation" in each) for each in deltas] == [not declined] * 2
        if not declined:
            sizes = [len(json.dumps(each["delta"])) + len(each["obfuscation"]) for each in deltas]
            assert [size % 16 for size in sizes] == [0, 0]


def test_a_response_repeats_what_was_asked() -> None:
    settings = {
        "instructions": "Be brief.",
        "max_output_tokens": 99,
        "metadata": {"a": "b"},
        "parallel_tool_calls": False,
        "prompt_cache_key": "k",
        "reasoning": {"effort": "low", "summary": None},
        "store": False,
        "temperature": 0.5,
        "text": {"format": {"type": "json_object"}, "verbosity": "low"},
        "tool_choice": {"type": "function", "name": "get_weather"},
        "top_p": 0.25,
        "truncation": "auto",
        "user": "u",
    }
    request = asked(**settings, tools=TOOLS, input="As json")
    response = json.loads(CODEC.body(request, plan_of(TEXT), STAMP))
    checked_response(response)
    assert {name: response[name] for name in settings} == settings
    function, custom = response["tools"]
    assert (function["strict"], function["description"]) == (True, None)
    assert custom["format"] == {"type": "text"}
