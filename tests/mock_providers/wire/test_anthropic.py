"""Anthropic's protocol: exact bytes in and out."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_providers import load_profile
from mock_providers.exchange.received import Received
from mock_providers.exchange.request import Problem, Refused, Request
from mock_providers.limits.limits import Meter, Verdict
from mock_providers.plan import Choice, Piece, Plan
from mock_providers.wire.anthropic.codec import AnthropicCodec
from mock_providers.wire.anthropic.dialect import AnthropicDialect, rfc3339
from mock_providers.wire.anthropic.errors import AnthropicErrors
from mock_providers.wire.dialect import Stamp

STAMP = Stamp("req_0a", "claude-sonnet-4-5", 1_767_225_600.0)
ANTHROPIC = AnthropicDialect(load_profile("typical").providers["anthropic"])
MESSAGES = AnthropicCodec(ANTHROPIC.errors)
MINIMAL = {"model": "claude-sonnet-4-5", "max_tokens": 50, "messages": [{"role": "user", "content": "Hi"}]}
OLD, NEW = "2023-06-01", "2026-10-21"
INPUT_USAGE = {"input_tokens": 9, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}
USAGE = {
    **INPUT_USAGE,
    "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
    "service_tier": "standard",
}
MESSAGE: dict[str, Any] = {
    "id": "msg_0a",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-4-5",
    "content": [],
    "stop_reason": None,
    "stop_sequence": None,
    "stop_details": None,
}


def plan_of(*texts: str, **changes: Any) -> Plan:
    pieces = tuple(Piece(float(nth), text, 1, opens=not nth) for nth, text in enumerate(texts))
    return Plan(**{"status": 200, "ends": "complete", "ends_s": 1.0, "headers_s": 0.25, "pieces": pieces,
                   "choices": (Choice(),), "input_tokens": 9, **changes})  # fmt: skip


def parse(body: object, version: str = NEW) -> Request:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {b"anthropic-version": version.encode()} if version else {}
    return MESSAGES.parse(Received("POST", "/v1/messages", headers, {}, raw), {})


def refused(body: object, version: str = NEW) -> Problem:
    with pytest.raises(Refused) as info:
        parse(body, version)
    return info.value.problem


def events(plan: Plan) -> list[tuple[str, Any]]:
    """(event, data) of each server-sent event; every event is an event line, a data line and a blank one."""
    frames = MESSAGES.frames(parse({**MINIMAL, "stream": True}), plan, STAMP)
    raw = frames.head + b"".join(frames.piece(piece) for piece in plan.pieces) + frames.finish + frames.tail
    assert raw.endswith(b"\n\n")
    pairs = [block.split("\n") for block in raw.decode().removesuffix("\n\n").split("\n\n")]
    read = [(event.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for event, data in pairs]
    assert all(event == data["type"] for event, data in read)
    return read


def test_a_stream_is_the_documented_sequence() -> None:
    assert [data for _, data in events(plan_of("Hel", "lo"))] == [
        {"type": "message_start", "message": {**MESSAGE, "usage": {**USAGE, "output_tokens": 1}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "ping"},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hel"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "lo"}},
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": {**INPUT_USAGE, "output_tokens": 2},
        },
        {"type": "message_stop"},
    ]


def test_a_json_reply_has_every_documented_field() -> None:
    plan = plan_of("Hi", choices=(Choice("stop_sequence", "X"),))
    body = json.loads(MESSAGES.body(parse(MINIMAL), plan, STAMP))
    assert body == {
        **MESSAGE,
        "content": [{"type": "text", "text": "Hi"}],
        "stop_reason": "stop_sequence",
        "stop_sequence": "X",
        "usage": {**USAGE, "output_tokens": 1},
    }


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), max_size=5))
def test_any_text_survives_the_stream_and_the_json(texts: list[str]) -> None:
    deltas = [
        data["delta"]["text"] for event, data in events(plan_of(*texts)) if event == "content_block_delta"
    ]
    assert deltas == texts
    body = json.loads(MESSAGES.body(parse(MINIMAL), plan_of(*texts), STAMP))
    assert [block["text"] for block in body["content"]] == ["".join(texts)] * bool(texts)


def test_a_request_is_read_whole() -> None:
    request = parse(
        {
            **MINIMAL,
            "system": [
                {"type": "text", "text": "Be"},
                {"type": "text", "text": "brief", "cache_control": {"type": "ephemeral"}},
            ],
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": "a"}]},
                {"role": "assistant", "content": "b"},
                {"role": "user", "content": "c"},
            ],
            "stop_sequences": ["X"],
            "stream": True,
        }
    )
    assert [(message.role, message.text) for message in request.messages] == [
        ("system", "Be\nbrief"), ("user", "a"), ("assistant", "b"), ("user", "c")]  # fmt: skip
    assert (request.max_tokens, request.stop, request.stream) == (50, ("X",), True)


@pytest.mark.parametrize("parameter", ["temperature", "top_p", "top_k"])
def test_the_new_version_refuses_sampling_parameters_and_the_old_one_takes_them(parameter: str) -> None:
    body = {**MINIMAL, parameter: 1}
    assert parse(body, OLD).model == "claude-sonnet-4-5"
    problem = refused(body, NEW)
    assert (problem.status, problem.type) == (400, "invalid_request_error")
    assert problem.message == f"{parameter}: Extra inputs are not permitted"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "The request body is not valid JSON."),
        (b'{"a":"\\ud800"}', "The request body is not valid JSON."),
        ([], "Input should be a valid dictionary"),
        ({}, "model: Field required"),
        ({"model": "m", "messages": []}, "max_tokens: Field required"),
        ({**MINIMAL, "max_tokens": 0}, "max_tokens: Input should be greater than or equal to 1"),
        ({**MINIMAL, "max_tokens": 1.5}, "max_tokens: Input should be a valid integer"),
        ({**MINIMAL, "messages": []}, "messages: at least one message is required"),
        ({**MINIMAL, "messages": {}}, "messages: Input should be a valid list"),
        (
            {**MINIMAL, "messages": [{"role": "tool", "content": "x"}]},
            "messages.0.role: Input should be 'user', 'assistant', 'system'",
        ),
        ({**MINIMAL, "messages": [{"role": "user"}]}, "messages.0.content: Field required"),
        (
            {**MINIMAL, "messages": [{"role": "user", "content": [{"type": "video"}]}]},
            "messages.0.content.0.type: Input should be 'text', 'tool_result', 'image', 'document'",
        ),
        ({**MINIMAL, "system": 3}, "system: Input should be a valid string"),
        ({**MINIMAL, "frequency_penalty": 1}, "frequency_penalty: Extra inputs are not permitted"),
        ({**MINIMAL, "stop_sequences": [3]}, "stop_sequences.0: Input should be a valid string"),
        ({**MINIMAL, "stream": 1}, "stream: Input should be a valid boolean"),
    ],
)
def test_a_bad_request_is_refused_with_anthropics_message(body: object, message: str) -> None:
    problem = refused(body)
    assert (problem.status, problem.type, problem.message) == (400, "invalid_request_error", message)


def test_the_version_header_is_required() -> None:
    assert refused(MINIMAL, version="").message == "anthropic-version: header is required"


def test_both_header_generations_carry_the_key() -> None:
    def key(headers: dict[bytes, bytes]) -> str:
        return ANTHROPIC.api_key(Received("GET", "/v1/models", headers, {}))

    assert key({b"x-api-key": b"sk-1"}) == "sk-1"
    assert key({b"authorization": b"Bearer sk-2"}) == "sk-2"
    assert key({}) == ""


def test_errors_have_anthropics_shape() -> None:
    body = json.loads(ANTHROPIC.error_body(AnthropicErrors().overloaded(), "req_1"))
    assert body == {
        "type": "error",
        "error": {"type": "overloaded_error", "message": "Overloaded"},
        "request_id": "req_1",
    }


def test_headers_show_the_limits_with_the_time_of_full_refill() -> None:
    meters = (
        Meter("requests", 4000, 3999.5, 0.0, 1),
        Meter("input_tokens", 2_000_000, 1_234_567.0, 30.0, 9),
        Meter("output_tokens", 400_000, 100_000.0, 45.2, 1),
    )
    problem = Problem(429, "rate_limit_error", "m", retry_after_s=2.1)
    headers = dict(ANTHROPIC.headers(STAMP, plan_of(meters=meters, problem=problem)))
    assert headers == {
        b"request-id": b"req_0a",
        b"anthropic-organization-id": b"org-brownout",
        b"anthropic-ratelimit-requests-limit": b"4000",
        b"anthropic-ratelimit-requests-remaining": b"3999",
        b"anthropic-ratelimit-requests-reset": b"2026-01-01T00:00:00Z",
        b"anthropic-ratelimit-tokens-limit": b"400000",
        b"anthropic-ratelimit-tokens-remaining": b"100000",
        b"anthropic-ratelimit-tokens-reset": b"2026-01-01T00:00:46Z",
        b"anthropic-ratelimit-input-tokens-limit": b"2000000",
        b"anthropic-ratelimit-input-tokens-remaining": b"1235000",
        b"anthropic-ratelimit-input-tokens-reset": b"2026-01-01T00:00:30Z",
        b"anthropic-ratelimit-output-tokens-limit": b"400000",
        b"anthropic-ratelimit-output-tokens-remaining": b"100000",
        b"anthropic-ratelimit-output-tokens-reset": b"2026-01-01T00:00:46Z",
        b"retry-after": b"3",
    }


def test_a_rate_limit_error_names_the_limit() -> None:
    meter = Meter("input_tokens", 2_000_000, 0.0, 60.0, 9)
    problem = AnthropicErrors().rate_limited(Verdict((meter,), meter, 1.5), "claude-sonnet-4-5")
    assert "2,000,000 input tokens per minute" in problem.message
    assert problem.retry_after_s == 1.5
    never = AnthropicErrors().rate_limited(Verdict((meter,), meter, float("inf")), "claude-sonnet-4-5")
    assert never.retry_after_s is None


def test_times_are_rounded_up_to_a_second() -> None:
    assert rfc3339(0.0) == "1970-01-01T00:00:00Z"
    assert rfc3339(0.001) == "1970-01-01T00:00:01Z"


def test_models_are_listed() -> None:
    listed = json.loads(ANTHROPIC.models_body(load_profile("typical").providers["anthropic"].models))
    assert [model["id"] for model in listed["data"]] == [
        "claude-haiku-4-5",
        "claude-sonnet-4-5",
        "claude-opus-4-5",
    ]
    assert (listed["has_more"], listed["first_id"], listed["last_id"]) == (
        False,
        "claude-haiku-4-5",
        "claude-opus-4-5",
    )
