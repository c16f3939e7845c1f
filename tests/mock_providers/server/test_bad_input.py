"""Any request gets a reply in the provider's shape, never a 500 of our own; without sockets."""

import copy
import json
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_providers import Catalogue, load_profile
from mock_providers.endpoints import Decision
from mock_providers.exchange.draws import Draws
from mock_providers.exchange.received import Instant, Received
from mock_providers.server.service import Service

PAGE = load_profile("observed")
TOOL_SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
CHAT: dict[str, Any] = {
    "model": "gpt-4o",
    "messages": [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
        ]},
        {"role": "tool", "tool_call_id": "call_1", "content": "sunny"},
    ],
    "max_completion_tokens": 20,
    "stop": ["x"],
    "n": 1,
    "stream": False,
    "temperature": 0.5,
    "tools": [{"type": "function", "function": {"name": "get_weather", "parameters": TOOL_SCHEMA}}],
    "tool_choice": "auto",
    "response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": TOOL_SCHEMA}},
}  # fmt: skip
MESSAGES: dict[str, Any] = {
    "model": "claude-sonnet-4-5",
    "max_tokens": 20,
    "system": [{"type": "text", "text": "Be kind.", "cache_control": {"type": "ephemeral"}}],
    "messages": [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": [
            {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "x"}}
        ]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "sunny"}]},
    ],
    "stop_sequences": ["x"],
    "stream": False,
    "tools": [{"name": "get_weather", "description": "d", "input_schema": TOOL_SCHEMA}],
    "tool_choice": {"type": "auto"},
}  # fmt: skip
EMBEDDINGS: dict[str, Any] = {
    "model": "text-embedding-3-small",
    "input": ["a", "b"],
    "encoding_format": "float",
}
BATCHES: dict[str, Any] = {
    "input_file_id": "file-1",
    "endpoint": "/v1/chat/completions",
    "completion_window": "24h",
}
GEMINI: dict[str, Any] = {
    "systemInstruction": {"parts": [{"text": "Be kind."}]},
    "contents": [
        {"role": "user", "parts": [{"text": "Hi"}]},
        {"role": "model", "parts": [{"functionCall": {"name": "get_weather", "args": {"city": "x"}}}]},
        {
            "role": "user",
            "parts": [{"functionResponse": {"name": "get_weather", "response": {"sky": "blue"}}}],
        },
    ],
    "tools": [{"functionDeclarations": [{"name": "get_weather", "parameters": TOOL_SCHEMA}]}],
    "generationConfig": {"maxOutputTokens": 20, "stopSequences": ["x"], "candidateCount": 2},
}
COUNTED = {name: MESSAGES[name] for name in ("model", "system", "messages", "tools", "tool_choice")}
MESSAGE_BATCHES: dict[str, Any] = {"requests": [{"custom_id": "a", "params": MESSAGES}]}

GEMINI_PATH = "/v1beta/models/gemini-2.5-flash"
ENDPOINTS = {
    "openai chat": ("openai", "POST", "/v1/chat/completions", CHAT),
    "together chat": ("together", "POST", "/v1/chat/completions", {**CHAT, "model": "llama-3-70b"}),
    "openai embeddings": ("openai", "POST", "/v1/embeddings", EMBEDDINGS),
    "openai batches": ("openai", "POST", "/v1/batches", BATCHES),
    "openai files": ("openai", "POST", "/v1/files", {}),
    "openai models": ("openai", "GET", "/v1/models/gpt-4o", {}),
    "messages": ("anthropic", "POST", "/v1/messages", MESSAGES),
    "count tokens": ("anthropic", "POST", "/v1/messages/count_tokens", COUNTED),
    "gemini": ("gemini", "POST", f"{GEMINI_PATH}:generateContent", GEMINI),
    "gemini array": ("gemini", "POST", f"{GEMINI_PATH}:streamGenerateContent", GEMINI),
    "gemini stream": ("gemini", "POST", f"{GEMINI_PATH}:streamGenerateContent?alt=sse", GEMINI),
    "gemini count": (
        "gemini",
        "POST",
        f"{GEMINI_PATH}:countTokens",
        {"generateContentRequest": GEMINI, "contents": GEMINI["contents"]},
    ),
    "gemini model": ("gemini", "GET", GEMINI_PATH, {}),
    "message batches": ("anthropic", "POST", "/v1/messages/batches", MESSAGE_BATCHES),
}
every_endpoint = pytest.mark.parametrize("endpoint", ENDPOINTS)

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5),
    st.sampled_from(["auto", "text", "user", "function", "json_schema", "object", "$ref", "#/$defs/a"]),
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value inside a JSON value, itself included."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(place for key, each in inner for place in places(each, (*at, key)))]


@st.composite
def malformed(draw: st.DrawFn, valid: dict[str, Any]) -> Any:
    """A valid body in which a few values were replaced, removed or added."""
    body: Any = {"body": copy.deepcopy(valid)}
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from([each for each in places(body) if each]))
        inside = body
        for step in place[:-1]:
            inside = inside[step]
        if draw(st.booleans()) or place == ("body",):
            inside[place[-1]] = draw(values)
        elif isinstance(inside, dict):
            del inside[place[-1]]
            inside[draw(st.text(max_size=8))] = draw(values)
        if "body" not in body:
            body = {"body": None}
    return body["body"]


def send(endpoint: str, raw: bytes, headers: dict[bytes, bytes] | None = None) -> tuple[Service, Decision]:
    name, method, path, _ = ENDPOINTS[endpoint]
    service = Service(name, PAGE, Catalogue(()), Draws(0))
    known = {b"authorization": b"Bearer k", b"x-goog-api-key": b"k", b"anthropic-version": b"2026-10-21"}
    path, _, query = path.partition("?")
    headers = known if headers is None else headers
    received = Received(method, path, headers, dict(parse_qsl(query)), raw)
    return service, service.decide(service.arrival(received), received, (), Instant(0.0, 0.0, 1e9))


def check(service: Service, decision: Decision) -> None:
    """Check for a reply that can be written whole and streamed, or an error object; never a 500."""
    plan = decision.plan
    assert plan.status < 500
    if plan.problem is not None:
        error = json.loads(service.dialect.error_body(plan.problem, "req_1"))["error"]
        assert error.get("type") or error["status"]
        assert error["message"]
    else:
        assert decision.rendering is not None
        assert json.loads(decision.rendering.body(plan)) is not None
        if decision.info.stream:
            frames = decision.rendering.frames(plan)
            raw = frames.head + b"".join(map(frames.piece, plan.pieces)) + frames.finish + frames.tail
            assert raw.endswith(b"\n")
    assert service.dialect.headers(decision.stamp, plan)


@every_endpoint
@given(data=st.data())
def test_a_mutated_request_is_answered_or_refused(endpoint: str, data: st.DataObject) -> None:
    body = data.draw(malformed(ENDPOINTS[endpoint][3]))
    check(*send(endpoint, json.dumps(body).encode()))


@every_endpoint
@given(
    raw=st.binary(max_size=60)
    | st.text(alphabet='{}[]",:0123456789.eE+-truefalsn\\u', max_size=60).map(str.encode)
)
def test_bytes_that_are_not_json_are_answered_or_refused(endpoint: str, raw: bytes) -> None:
    check(*send(endpoint, raw))


@every_endpoint
@given(
    name=st.sampled_from([b"authorization", b"x-api-key", b"x-goog-api-key", b"anthropic-version"]),
    value=st.binary(max_size=20),
)
def test_strange_headers_are_answered_or_refused(endpoint: str, name: bytes, value: bytes) -> None:
    check(*send(endpoint, b"{}", {name: value}))


@every_endpoint
def test_the_unmutated_request_is_valid(endpoint: str) -> None:
    service, decision = send(endpoint, json.dumps(ENDPOINTS[endpoint][3]).encode())
    check(service, decision)
    needs_a_file = {"openai batches": 404, "openai files": 400}
    assert decision.plan.status == needs_a_file.get(endpoint, 200)
    assert decision.info.stream is (endpoint in ("gemini stream", "gemini array"))


@pytest.mark.parametrize("endpoint", [name for name, each in ENDPOINTS.items() if each[0] == "gemini"])
@pytest.mark.parametrize("depth", [50, 400, 5_000])
def test_a_deeply_nested_body_of_geminis_is_answered_or_refused(endpoint: str, depth: int) -> None:
    nested = b"[" * depth + b"]" * depth
    for key in (b"contents", b"tools", b"generationConfig", b"safetySettings", b"generateContentRequest"):
        check(*send(endpoint, b'{"contents":[{"parts":[{"text":"Hi"}]}],"%s":%s}' % (key, nested)))
        check(*send(endpoint, b'{"%s":%s}' % (key, nested)))


@pytest.mark.parametrize("endpoint", [name for name, each in ENDPOINTS.items() if "model" in each[3]])
@pytest.mark.parametrize("depth", [50, 400, 5_000])
def test_deeply_nested_bodies_are_answered_or_refused(endpoint: str, depth: int) -> None:
    model = ENDPOINTS[endpoint][3]["model"]
    nested = b"[" * depth + b"]" * depth
    for key in (b"messages", b"metadata", b"tools", b"input", b"unknown"):
        check(*send(endpoint, b'{"model":"%s","%s":%s}' % (model.encode(), key, nested)))
