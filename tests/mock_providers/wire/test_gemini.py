"""Gemini's protocol: exact bytes in and out, and over sockets."""

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Literal

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_providers import MockApp, Profile
from mock_providers.endpoints import Decision
from mock_providers.exchange.received import Received
from mock_providers.exchange.request import Refused, Request
from mock_providers.exchange.request_info import RequestInfo
from mock_providers.http.connection import ClientConnection
from mock_providers.http.playback import play
from mock_providers.ledger.entry import Entry
from mock_providers.limits.limits import LimitName, Meter, Verdict
from mock_providers.plan import Block, Choice, Piece, Plan
from mock_providers.wire.dialect import Stamp
from mock_providers.wire.gemini.codec import GeminiCodec
from mock_providers.wire.gemini.dialect import GeminiDialect
from mock_providers.wire.gemini.errors import GeminiErrors
from mock_providers.wire.rendering import Reply

ServeMock = Callable[..., Awaitable[tuple[MockApp, dict[str, str]]]]
STAMP = Stamp("req_0a", "gemini-2.5-flash", 0.0)
ERRORS = GeminiErrors()
STREAMED, WHOLE = GeminiCodec(ERRORS, streamed=True), GeminiCodec(ERRORS)
HI: dict[str, Any] = {"contents": [{"parts": [{"text": "Hi, in about 20 tokens"}]}]}
DECLARED = {"name": "weather", "parameters": {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}}}
PATH = "/v1beta/models/gemini-2.5-flash"


def parse(body: Any, query: dict[str, str] | None = None) -> Request:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return STREAMED.parse(
        Received("POST", PATH, {}, {"alt": "sse"} if query is None else query, raw),
        {"model": "gemini-2.5-flash"},
    )


def chunks(plan: Plan) -> list[Any]:
    frames = STREAMED.frames(parse(HI), plan, STAMP)
    raw = (frames.head + b"".join(map(frames.piece, plan.pieces)) + frames.finish + frames.tail).decode()
    assert raw.endswith("\r\n\r\n")
    events = raw.removesuffix("\r\n\r\n").split("\r\n\r\n")
    assert all(event.startswith("data: ") for event in events)
    return [json.loads(event.removeprefix("data: ")) for event in events]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), max_size=5))
def test_any_text_survives_the_stream_and_the_json(texts: list[str]) -> None:
    pieces = tuple(Piece(0.0, text, 1, opens=not nth) for nth, text in enumerate(texts))
    plan = Plan(200, "complete", 1.0, 0.0, pieces, choices=(Choice("length"),), input_tokens=9)
    read = chunks(plan)
    assert [chunk["candidates"][0]["content"]["parts"][0]["text"] for chunk in read] == [*texts, ""]
    assert all("usageMetadata" not in chunk for chunk in read[:-1])
    assert read[-1]["candidates"][0]["finishReason"] == "MAX_TOKENS"
    whole = json.loads(WHOLE.body(parse(HI), plan, STAMP))
    assert [part["text"] for part in whole["candidates"][0]["content"]["parts"]] == ["".join(texts)] * bool(
        texts
    )
    assert whole["usageMetadata"] == read[-1]["usageMetadata"]
    assert whole["usageMetadata"]["totalTokenCount"] == 9 + len(texts)
    assert (whole["modelVersion"], whole["responseId"]) == ("gemini-2.5-flash", "0a")


def test_a_function_call_arrives_whole() -> None:
    pieces = tuple(Piece(0.0, text, 1, 1) for text in ('{"a', '":"x', '"}'))
    choices = (Choice(), Choice("tool_use", None, (Block("tool", "1f", "weather"),)))
    call, _ = chunks(Plan(200, "complete", 1.0, 0.0, pieces, choices=choices))
    [candidate] = call["candidates"]
    assert candidate["content"]["parts"] == [{"functionCall": {"name": "weather", "args": {"a": "x"}}}]
    assert candidate["index"] == 1


@pytest.mark.parametrize("snake", [False, True])
def test_a_request_is_read_whole(snake: bool) -> None:
    body = {
        "systemInstruction": {"parts": [{"text": "S"}]},
        "contents": [
            {"role": "user", "parts": [{"text": "Hi"}]},
            {"role": "model", "parts": [{"functionCall": {"name": "weather", "args": {"a": "x"}}}]},
            {"role": "user", "parts": [{"functionResponse": {"name": "weather", "response": {"r": 1}}}]},
            {"role": "model", "parts": [{"text": "So"}]},
        ],
        "generationConfig": {"maxOutputTokens": 5, "stopSequences": ["X"], "candidateCount": 2,
                             "responseMimeType": "application/json", "responseSchema": {"type": "OBJECT"}},
        "tools": [{"functionDeclarations": [DECLARED]}],
        "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["weather"]}},
    }  # fmt: skip
    raw = json.dumps(body)
    for name in ("systemInstruction", "generationConfig", "maxOutputTokens", "functionDeclarations") * snake:
        raw = raw.replace(name, "".join(f"_{c.lower()}" if c.isupper() else c for c in name))
    request = parse(raw.encode(), {"alt": "sse"})
    assert [message.role for message in request.messages] == [
        "tools", "system", "user", "assistant", "tool", "assistant"]  # fmt: skip
    assert request.messages[3].text == '{"arguments":{"a":"x"},"name":"weather"}'
    assert (request.max_tokens, request.stop, request.n, request.stream) == (5, ("X",), 2, True)
    assert (request.tool_choice, request.json_schema, request.prefill) == (
        "weather",
        {"type": "object"},
        "So",
    )
    assert request.tools[0].schema == {"type": "object", "properties": {"a": {"type": "string"}}}
    assert not request.in_array
    assert parse(HI, {}).in_array


@pytest.mark.parametrize(
    "body",
    [b"{", [], {}, {"contents": []}, {"contents": [{"parts": []}]}, {"contents": [{"parts": [{"text": 3}]}]},
     {**HI, "generationConfig": {"maxOutputTokens": 0}}, {**HI, "temperature": 1},
     {**HI, "toolConfig": {"functionCallingConfig": {"mode": "ANY"}}},
     b'{"contents":[{"parts":[{"text":"a"}]}],"safetySettings":' + b"[" * 400 + b"]" * 400 + b"}"],
)  # fmt: skip
def test_a_bad_request_is_an_invalid_argument(body: Any) -> None:
    with pytest.raises(Refused) as raised:
        parse(body)
    assert (raised.value.problem.status, raised.value.problem.type) == (400, "INVALID_ARGUMENT")


scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=3))
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)
FIELDS = ("contents", "tools", "toolConfig", "generationConfig", "systemInstruction")


@given(st.dictionaries(st.sampled_from(FIELDS), values))
def test_a_strange_request_is_read_or_refused(changes: dict[str, Any]) -> None:
    status = 200
    try:
        parse({**HI, **changes})
    except Refused as refused:
        status = refused.problem.status
    assert status in (200, 400)


def gemini_profile(profile: Profile, **changes: Any) -> Profile:
    """The profile's OpenAI, turned into a provider that speaks Gemini's protocol."""
    model = profile.providers["openai"].models["gpt-4o"].model_copy(update={"aliases": ()})
    provider = profile.providers["openai"].model_copy(
        update={"protocol": "gemini", "models": {"gemini-2.5-flash": model}, **changes}
    )
    return profile.model_copy(update={"providers": {"gemini": provider}})


async def test_every_method_answers_over_a_socket(
    serve_mock: ServeMock, fast_profile: Callable[..., Profile]
) -> None:
    app, urls = await serve_mock(gemini_profile(fast_profile()))
    async with httpx.AsyncClient(base_url=urls["gemini"], headers={"x-goog-api-key": "k"}) as client:
        whole = (await client.post(f"{PATH}:generateContent", json=HI)).json()
        array = (await client.post(f"{PATH}:streamGenerateContent", json=HI)).json()
        sse = await client.post(f"{PATH}:streamGenerateContent?alt=sse", json=HI)
        counted = (await client.post(f"{PATH}:countTokens", json=HI)).json()
        listed = (await client.get("/v1beta/models")).json()
        one = (await client.get(PATH)).json()
        missing = await client.post("/v1beta/models/none:generateContent", json=HI)
    assert whole["usageMetadata"]["candidatesTokenCount"] == 20
    assert array[-1]["candidates"][0]["finishReason"] == "STOP"
    assert sse.headers["content-type"].startswith("text/event-stream")
    last = json.loads(sse.text.removesuffix("\r\n\r\n").split("\r\n\r\n")[-1].removeprefix("data: "))
    assert last["usageMetadata"]["candidatesTokenCount"] == 20
    assert counted["totalTokens"] == whole["usageMetadata"]["promptTokenCount"]
    assert listed["models"] == [one]
    assert one["name"] == "models/gemini-2.5-flash"
    assert (missing.status_code, missing.json()["error"]["status"]) == (404, "NOT_FOUND")
    assert [row.endpoint for row in app.ledger.rows][:4] == [*["generate_content"] * 3, "count_tokens"]


async def test_a_missing_key_gets_googles_message(
    serve_mock: ServeMock, fast_profile: Callable[..., Profile]
) -> None:
    _, urls = await serve_mock(gemini_profile(fast_profile(), keys=("good",)))
    async with httpx.AsyncClient(base_url=urls["gemini"]) as client:
        none = await client.post(f"{PATH}:generateContent", json=HI)
        wrong = await client.post(f"{PATH}:generateContent?key=bad", json=HI)
        right = await client.post(f"{PATH}:generateContent?key=good", json=HI)
    assert (none.status_code, none.json()["error"]["status"]) == (403, "PERMISSION_DENIED")
    assert wrong.status_code == 400
    assert wrong.json()["error"]["details"][0]["reason"] == "API_KEY_INVALID"
    assert right.status_code == 200


def test_a_rate_limit_error_names_the_quota_and_the_delay(fast_profile: Callable[..., Profile]) -> None:
    meter = Meter("requests", 60, 0.0, 60.0, 1)
    problem = ERRORS.rate_limited(Verdict((meter,), meter, 40.2), "gemini-2.5-flash")
    dialect = GeminiDialect(gemini_profile(fast_profile()).providers["gemini"])
    error = json.loads(dialect.error_body(problem, "req_1"))["error"]
    assert (error["code"], error["status"]) == (429, "RESOURCE_EXHAUSTED")
    quota, retry = error["details"]
    assert quota["violations"][0]["quotaValue"] == "60"
    assert retry == {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "41s"}


@pytest.mark.parametrize("limit", ["ramp", "concurrency"])
def test_a_limit_that_is_not_a_quota_names_only_the_delay(
    fast_profile: Callable[..., Profile], limit: LimitName
) -> None:
    meter = Meter(limit, 3, 0.0, 1.0, 1)
    problem = ERRORS.rate_limited(Verdict((), meter, 0.4), "gemini-2.5-flash")
    dialect = GeminiDialect(gemini_profile(fast_profile()).providers["gemini"])
    error = json.loads(dialect.error_body(problem, "req_1"))["error"]
    assert (error["code"], error["status"]) == (429, "RESOURCE_EXHAUSTED")
    assert error["message"] == "Resource has been exhausted (e.g. check quota)."
    assert error["details"] == [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1s"}]


@pytest.mark.parametrize(
    ("limits", "status"), [({"concurrency": 1}, 200), ({"ramp": {"floor_per_min": 1}}, 429)]
)
async def test_gemini_refuses_over_its_limits_and_only_then(
    serve_mock: ServeMock, fast_profile: Callable[..., Profile], limits: dict[str, Any], status: int
) -> None:
    """Sequential requests: the slot is free again, the ramp limit still counts them."""
    _, urls = await serve_mock(gemini_profile(fast_profile(limits=limits)))
    async with httpx.AsyncClient(base_url=urls["gemini"], headers={"x-goog-api-key": "k"}) as client:
        seen = [(await client.post(f"{PATH}:generateContent", json=HI)).status_code for _ in range(2)]
    assert seen == [200, status]


@pytest.mark.parametrize("how", ["json", "sse"])
async def test_a_malformed_function_call_is_malformed_in_the_chunk_that_is_sent(
    fast_profile: Callable[..., Profile], how: Literal["json", "sse"]
) -> None:
    """Most pieces of the call send no bytes that could be malformed."""
    parts = ('{"a', '":"x', '"}')
    pieces = (Piece(0.0, "So", 1, 0, 0, True), *[Piece(0.0, part, 1, 0, 1) for part in parts])
    choices = (Choice("tool_use", None, (Block(), Block("tool", "1f", "weather"))),)
    plan = Plan(200, "complete", 0.0, 0.0, pieces, choices=choices).with_malformed_chunk(1, how, "malformed")
    text = await played(gemini_profile(fast_profile()), plan)
    first, rest = text.split("\r\n\r\n", 1)
    broken, last = rest.removesuffix("\r\n\r\n").rsplit("data: ", 1)
    assert json.loads(first.removeprefix("data: "))["candidates"][0]["content"]["parts"] == [{"text": "So"}]
    assert "functionCall" in broken
    assert broken.startswith("data: " if how == "json" else "\x00")
    assert broken.endswith("\n\n" if how == "json" else "}\n")
    with pytest.raises(ValueError, match="char"):
        json.loads(broken.removeprefix("data: "))
    assert json.loads(last)["candidates"][0]["finishReason"] == "STOP"


async def played(profile: Profile, plan: Plan) -> str:
    """The bytes that a client receives of a streamed reply."""
    sent: list[bytes] = []

    async def receive() -> MutableMapping[str, Any]:
        await asyncio.Event().wait()
        return {}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message.get("body", b""))

    connection = ClientConnection({}, receive, send)
    asked = RequestInfo("gemini", "generate_content", "us", None, STAMP.request_id, stream=True)
    decision = Decision(asked, plan, STAMP, Reply(STREAMED, parse(HI), STAMP))
    await play(
        connection, GeminiDialect(profile.providers["gemini"]), decision, Entry(asked, connection.now(), plan)
    )
    connection.close()
    return b"".join(sent).decode()


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (400, "INVALID_ARGUMENT"),
        (401, "UNAUTHENTICATED"),
        (500, "INTERNAL"),
        (503, "UNAVAILABLE"),
        (504, "DEADLINE_EXCEEDED"),
    ],
)
def test_a_status_has_googles_name(status: int, name: str) -> None:
    assert ERRORS.of_status(status).type == name
