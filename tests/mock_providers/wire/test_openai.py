"""OpenAI's protocol: exact bytes in and out."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_providers import Profile, load_profile
from mock_providers.exchange.received import Received
from mock_providers.exchange.request import Problem, Refused, Request
from mock_providers.limits.limits import Meter, Verdict
from mock_providers.plan import Choice, Piece, Plan
from mock_providers.wire.dialect import Stamp
from mock_providers.wire.openai.codec import OpenAICodec
from mock_providers.wire.openai.dialect import OpenAIDialect
from mock_providers.wire.openai.durations import go_duration
from mock_providers.wire.openai.errors import OpenAIErrors
from mock_providers.wire.together import TogetherDialect

STAMP = Stamp("req_0a", "gpt-4o", 1_700_000_000.9)
OPENAI = OpenAIDialect(load_profile("typical").providers["openai"])
CHAT = OpenAICodec(load_profile("typical").providers["openai"], OPENAI.errors)
TOGETHER = TogetherDialect(load_profile("typical").providers["together"])
TOGETHER_CHAT = OpenAICodec(load_profile("typical").providers["together"], TOGETHER.errors, lenient=True)
MINIMAL = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}


def plan_of(*texts: str, **changes: Any) -> Plan:
    pieces = tuple(Piece(float(nth), text, 1) for nth, text in enumerate(texts))
    return Plan(**{"status": 200, "ends": "complete", "ends_s": 1.0, "headers_s": 0.25, "pieces": pieces,
                   "choices": (Choice(),), "input_tokens": 9, **changes})  # fmt: skip


def parse(body: object, codec: OpenAICodec = CHAT) -> Request:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return codec.parse(Received("POST", "/v1/chat/completions", {}, {}, raw), {})


def refused(body: object) -> Problem:
    with pytest.raises(Refused) as info:
        parse(body)
    return info.value.problem


def events(request: Request, plan: Plan) -> list[Any]:
    """The data of each server-sent event, parsed; every event is one data line and a blank one."""
    frames = CHAT.frames(request, plan, STAMP)
    raw = frames.head + b"".join(frames.piece(piece) for piece in plan.pieces) + frames.finish + frames.tail
    assert raw.endswith(b"\n\n")
    lines = raw.decode().removesuffix("\n\n").split("\n\n")
    assert all(line.startswith("data: ") and "\n" not in line for line in lines)
    data = [line.removeprefix("data: ") for line in lines]
    assert data[-1] == "[DONE]"
    return [json.loads(each) for each in data[:-1]]


def test_a_stream_is_role_contents_finish_and_done() -> None:
    plain = {**MINIMAL, "stream": True, "stream_options": {"include_obfuscation": False}}
    envelope = {
        "id": "chatcmpl-0a",
        "object": "chat.completion.chunk",
        "created": 1_700_000_000,
        "model": "gpt-4o",
        "service_tier": "default",
        "system_fingerprint": events(parse(plain), plan_of())[0]["system_fingerprint"],
    }
    deltas = [({"role": "assistant", "content": "", "refusal": None}, None), ({"content": "Hel"}, None),
              ({"content": "lo"}, None), ({}, "stop")]  # fmt: skip
    assert events(parse(plain), plan_of("Hel", "lo")) == [
        {**envelope, "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]}
        for delta, finish in deltas
    ]


def test_requested_usage_comes_last_and_is_null_in_every_chunk_before() -> None:
    asked = parse({**MINIMAL, "stream": True, "stream_options": {"include_usage": True}})
    *before, last = events(asked, plan_of("Hel", "lo"))
    assert [chunk["usage"] for chunk in before] == [None] * 4
    assert last["choices"] == []
    assert (last["usage"]["prompt_tokens"], last["usage"]["completion_tokens"]) == (9, 2)
    assert last["usage"]["total_tokens"] == 11
    not_asked = events(parse({**MINIMAL, "stream": True}), plan_of("Hel"))
    assert all("usage" not in chunk for chunk in not_asked)


def test_chunks_are_padded_unless_the_client_declines() -> None:
    padded = events(parse({**MINIMAL, "stream": True}), plan_of("a", "abcdefgh"))
    assert "obfuscation" not in padded[0]
    sizes = [
        len(json.dumps(chunk["choices"][0]["delta"]["content"])) + len(chunk["obfuscation"])
        for chunk in padded[1:3]
    ]
    assert [size % 16 for size in sizes] == [0, 0]
    assert parse(MINIMAL, TOGETHER_CHAT).obfuscate is False


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), max_size=5), st.booleans())
def test_any_text_survives_the_stream_and_the_json(texts: list[str], padded: bool) -> None:
    request = Request("gpt-4o", (), "d", stream=True, obfuscate=padded)
    streamed = events(request, plan_of(*texts))[1:-1]
    assert [chunk["choices"][0]["delta"]["content"] for chunk in streamed] == texts
    assert json.loads(CHAT.body(request, plan_of(*texts), STAMP))["choices"][0]["message"][
        "content"
    ] == "".join(texts)


def test_a_json_reply_has_every_documented_field() -> None:
    body = json.loads(CHAT.body(parse(MINIMAL), plan_of("Hello", choices=(Choice("length"),)), STAMP))
    assert sorted(body) == sorted(
        ["id", "object", "created", "model", "choices", "usage", "service_tier", "system_fingerprint"]
    )
    assert body["choices"] == [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Hello", "refusal": None, "annotations": []},
            "logprobs": None,
            "finish_reason": "length",
        }
    ]
    assert body["usage"]["prompt_tokens_details"] == {"cached_tokens": 0, "audio_tokens": 0}


def test_a_request_is_read_whole() -> None:
    request = parse(
        {
            "model": "gpt-4o",
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "assistant", "content": None, "tool_calls": []},
                {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
            ],
            "max_completion_tokens": 5,
            "stop": ["x", "y"],
            "stream": True,
        }
    )
    assert [(message.role, message.text) for message in request.messages] == [
        ("system", "Be brief."), ("assistant", ""), ("user", "a\nb")]  # fmt: skip
    assert (request.max_tokens, request.stop, request.stream, request.include_usage) == (
        5,
        ("x", "y"),
        True,
        False,
    )
    assert parse({**MINIMAL, "stop": "x"}).stop == ("x",)
    assert parse({**MINIMAL, "stop": None, "max_tokens": None, "stream": None}).stop == ()


def test_the_digest_covers_what_decides_the_reply_and_nothing_else() -> None:
    digest = parse(MINIMAL).digest
    assert len(digest) == 16
    unchanging: list[dict[str, Any]] = [
        {"stream": True},
        {"user": "u"},
        {"metadata": {}},
        {"model": "gpt-4o-mini"},
        {"store": True},
    ]
    for same in unchanging:
        assert parse({**MINIMAL, **same}).digest == digest
    for other in (
        {"max_tokens": 5},
        {"temperature": 0},
        {"seed": 1},
        {"messages": [{"role": "user", "content": "Ho"}]},
    ):
        assert parse({**MINIMAL, **other}).digest != digest
    assert parse(dict(reversed(MINIMAL.items()))).digest == digest


@pytest.mark.parametrize(
    ("body", "code", "param", "part"),
    [
        (b"{", None, None, "not valid JSON"),
        (b"\xff", None, None, "not valid JSON"),
        (b'{"model":"\\ud800"}', None, None, "not valid JSON"),
        (b"[" * 3000, None, None, "not valid JSON"),
        ([], "invalid_type", None, "expected an object"),
        ({}, "missing_required_parameter", "model", "Missing required parameter: 'model'."),
        ({**MINIMAL, "model": 3}, "invalid_type", "model", "expected a string, but got an integer instead."),
        ({"model": "m"}, "missing_required_parameter", "messages", "'messages'"),
        ({"model": "m", "messages": "Hi"}, "invalid_type", "messages", "expected an array, but got a string"),
        ({"model": "m", "messages": []}, "unsupported_value", "messages", "empty array"),
        ({"model": "m", "messages": ["Hi"]}, "invalid_type", "messages[0]", "expected an object"),
        (
            {"model": "m", "messages": [{"content": "x"}]},
            "missing_required_parameter",
            "messages[0].role",
            "",
        ),
        (
            {"model": "m", "messages": [{"role": "bot", "content": "x"}]},
            "invalid_value",
            "messages[0].role",
            "'bot'",
        ),
        (
            {"model": "m", "messages": [{"role": "user"}]},
            "missing_required_parameter",
            "messages[0].content",
            "",
        ),
        (
            {"model": "m", "messages": [{"role": "user", "content": [{"type": "video_url"}]}]},
            "invalid_value",
            "messages[0].content[0].type",
            "Supported values are: 'text'",
        ),
        ({**MINIMAL, "service_tier": "gold"}, "invalid_value", "service_tier", "'scale', 'priority'"),
        ({**MINIMAL, "max_tokens": 0}, "integer_below_min_value", "max_tokens", ">= 1"),
        (
            {**MINIMAL, "max_tokens": "5"},
            "invalid_type",
            "max_tokens",
            "expected an integer, but got a string",
        ),
        ({**MINIMAL, "max_tokens": True}, "invalid_type", "max_tokens", "got a boolean"),
        ({**MINIMAL, "stream": "yes"}, "invalid_type", "stream", "expected a boolean"),
        ({**MINIMAL, "stop": [""]}, "invalid_type", "stop[0]", ""),
        ({**MINIMAL, "n": 9}, "unsupported_value", "n", "Expected a value <= 8, but got 9"),
        ({**MINIMAL, "stop": list("abcde")}, "unsupported_value", "stop", "maximum length 4"),
        ({**MINIMAL, "stream_options": {}}, "unsupported_value", "stream_options", "'stream' is enabled"),
        ({**MINIMAL, "logprobs": 1}, "invalid_type", "logprobs", "expected a boolean"),
        ({**MINIMAL, "functions": [{}]}, "missing_required_parameter", "tools[0].function.name", "Missing"),
        ({**MINIMAL, "temperature": "hot"}, "invalid_type", "temperature", "expected a number"),
        ({**MINIMAL, "top_k": 5}, None, None, "Unrecognized request argument supplied: top_k"),
    ],
)
def test_a_bad_request_is_refused_with_openais_message(
    body: object, code: str | None, param: str | None, part: str
) -> None:
    problem = refused(body)
    assert (problem.status, problem.type) == (400, "invalid_request_error")
    assert (problem.code, problem.param) == (code, param)
    assert part in problem.message


def test_together_is_lenient_about_unknown_arguments() -> None:
    assert parse({**MINIMAL, "top_k": 5, "repetition_penalty": 1.1}, TOGETHER_CHAT).model == "gpt-4o"


def test_a_prompt_that_is_too_long_is_refused_with_openais_message() -> None:
    errors = OpenAIErrors("org-x")
    start = "This model's maximum context length is 4096 tokens. However, "
    assert errors.prompt_too_long(5000, 0, 4096).message == (
        f"{start}your messages resulted in 5000 tokens. Please reduce the length of the messages."
    )
    problem = errors.prompt_too_long(4000, 1000, 4096)
    assert problem.message == (
        f"{start}you requested 5000 tokens (4000 in the messages, 1000 in the completion). "
        "Please reduce the length of the messages or completion."
    )
    assert (problem.status, problem.code, problem.param) == (400, "context_length_exceeded", "messages")


def test_errors_have_openais_shape() -> None:
    problem = OpenAIErrors("org-x").unknown_model("gpt-9")
    assert json.loads(OPENAI.error_body(problem, "req_1")) == {
        "error": {
            "message": "The model `gpt-9` does not exist or you do not have access to it.",
            "type": "invalid_request_error",
            "param": None,
            "code": "model_not_found",
        }
    }


def test_the_rate_limit_message_is_the_documented_one() -> None:
    meter = Meter("tokens", limit=10_000, remaining=1218.0, until_full_s=52.7, requested=8172)
    problem = OpenAIErrors("org-x").rate_limited(Verdict((meter,), meter, 41.724), "gpt-4o")
    assert problem.message == (
        "Rate limit reached for gpt-4o in organization org-x on tokens per min (TPM): "
        "Limit 10000, Used 8782, Requested 8172. Please try again in 41.724s."
    )
    assert (problem.status, problem.type, problem.code) == (429, "tokens", "rate_limit_exceeded")


def test_headers_show_the_limits_and_on_a_429_how_long_to_wait() -> None:
    meters = (Meter("requests", 10_000, 9999.9, 0.006, 1), Meter("tokens", 2_000_000, -3.0, 90.0, 50))
    headers = dict(OPENAI.headers(STAMP, plan_of("a", meters=meters)))
    assert headers[b"x-request-id"] == b"req_0a"
    assert headers[b"openai-version"] == b"2020-10-01"
    assert headers[b"openai-processing-ms"] == b"250"
    limits = {name: value for name, value in headers.items() if name.startswith(b"x-ratelimit")}
    assert limits == {
        b"x-ratelimit-limit-requests": b"10000",
        b"x-ratelimit-remaining-requests": b"9999",
        b"x-ratelimit-reset-requests": b"6ms",
        b"x-ratelimit-limit-tokens": b"2000000",
        b"x-ratelimit-remaining-tokens": b"0",
        b"x-ratelimit-reset-tokens": b"1m30s",
    }
    assert b"retry-after" not in headers
    limited = dict(OPENAI.headers(STAMP, plan_of(problem=Problem(429, "tokens", "m", retry_after_s=1.2341))))
    assert (limited[b"retry-after"], limited[b"retry-after-ms"]) == (b"2", b"1235")


def test_together_has_limit_headers_of_its_own() -> None:
    meters = (Meter("requests", 600, 599.0, 0.1, 1), Meter("tokens", 2000, 5.0, 90.0, 50))
    names = [name for name, _ in TOGETHER.headers(STAMP, plan_of(meters=meters)) if b"limit" in name]
    assert names == [
        b"x-ratelimit-limit", b"x-ratelimit-remaining", b"x-ratelimit-reset",
        b"x-tokenlimit-limit", b"x-tokenlimit-remaining", b"x-tokenlimit-reset",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0s"), (0.0001, "1ms"), (0.012, "12ms"), (1, "1s"), (1.5, "1.5s"), (41.724, "41.724s"),
     (60, "1m0s"), (360, "6m0s"), (90.5, "1m30.5s"), (3600, "1h0m0s"), (7384.25, "2h3m4.25s")],
)  # fmt: skip
def test_durations_are_written_as_go_writes_them(seconds: float, shown: str) -> None:
    assert go_duration(seconds) == shown


@pytest.mark.parametrize(
    ("header", "key"), [(b"Bearer sk-1", "sk-1"), (b"bearer sk-1 ", "sk-1"), (b"Basic x", ""), (b"", "")]
)
def test_the_key_is_the_bearer_token(header: bytes, key: str) -> None:
    assert OPENAI.api_key(Received("GET", "/v1/models", {b"authorization": header}, {})) == key


def test_models_are_listed(fast_profile: Callable[..., Profile]) -> None:
    listed = json.loads(OpenAIDialect(fast_profile().providers["openai"]).models_body(["gpt-4o"]))
    assert listed == {
        "object": "list",
        "data": [{"id": "gpt-4o", "object": "model", "created": 1_735_689_600, "owned_by": "org-brownout"}],
    }
