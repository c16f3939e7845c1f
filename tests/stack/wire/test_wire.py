"""Codecs: each provider's own request, and its bytes as events of one kind."""

import contextlib
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.stack.core.call import Call
from harness.stack.core.errors import ProviderError
from harness.stack.core.reply import Delta, Event, Finish, Usage
from harness.stack.core.request import Message
from harness.stack.core.target import Target
from harness.stack.wire.anthropic.codec import AnthropicCodec
from harness.stack.wire.codec import Codec
from harness.stack.wire.openai.codec import OpenAICodec
from tests.stack.calls import changed

CLAUDE = Target("claude", "anthropic", "claude-sonnet-4-5", max_output_tokens=500)
TALK = (
    Message("system", "Be brief."),
    Message("user", "One."),
    Message("user", "Two."),
    Message("assistant", "Three"),
)
PROMPT = {"cached_tokens": 4, "cache_write_tokens": 2}


def sse(*events: tuple[str, dict[str, Any] | str]) -> bytes:
    out = b""
    for name, data in events:
        out += f"event: {name}\n".encode() if name else b""
        out += b"data: " + (data.encode() if isinstance(data, str) else orjson.dumps(data)) + b"\n\n"
    return out


def openai_stream(texts: list[str]) -> bytes:
    def chunk(delta: dict[str, Any], reason: str | None) -> dict[str, Any]:
        return {"choices": [{"index": 0, "delta": delta, "finish_reason": reason}], "usage": None}

    usage = {"prompt_tokens": 9, "completion_tokens": 3, "prompt_tokens_details": PROMPT}
    return sse(
        ("", chunk({"role": "assistant", "content": ""}, None)),
        *(("", chunk({"content": text}, None)) for text in texts),
        ("", chunk({}, "stop")),
        ("", {"choices": [], "usage": usage}),
        ("", "[DONE]"),
    )


def anthropic_stream(texts: list[str]) -> bytes:
    usage = {"input_tokens": 3, "cache_read_input_tokens": 4, "cache_creation_input_tokens": 2}
    return sse(
        ("message_start", {"message": {"usage": usage | {"output_tokens": 1}}}),
        ("content_block_start", {"content_block": {"type": "text", "text": ""}}),
        ("ping", {}),
        *(("content_block_delta", {"delta": {"type": "text_delta", "text": text}}) for text in texts),
        ("content_block_stop", {}),
        ("message_delta", {"delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 3}}),
        ("message_stop", {}),
    )


STREAMS: list[tuple[Codec, Callable[[list[str]], bytes]]] = [
    (OpenAICodec(), openai_stream),
    (AnthropicCodec(), anthropic_stream),
]


@pytest.mark.parametrize(("codec", "stream"), STREAMS, ids=["openai", "anthropic"])
@given(texts=st.lists(st.text(min_size=1, max_size=8), max_size=5), cut=st.integers(1, 60))
def test_a_stream_is_the_same_events_however_its_bytes_are_split(
    codec: Codec, stream: Callable[[list[str]], bytes], texts: list[str], cut: int
) -> None:
    decoder, data, events = codec.decoder(), stream(texts), list[Event]()
    for start in range(0, len(data), cut):
        events += decoder.feed(data[start : start + cut])
    decoder.end()
    assert events == [*map(Delta, texts), Finish("stop", Usage(9, 3, 4, 2))]


@pytest.mark.parametrize(("codec", "stream"), STREAMS, ids=["openai", "anthropic"])
@given(data=st.data())
def test_a_stream_cut_anywhere_before_its_terminal_event_is_a_failure(
    codec: Codec, stream: Callable[[list[str]], bytes], data: st.DataObject
) -> None:
    """Regressions named after litellm#40260 and Portkey#1797: a cut stream must not look like a stop."""
    whole = stream(["a", "b"])
    decoder = codec.decoder()
    with pytest.raises(ProviderError) as error:  # noqa: PT012  # either step may be the one that notices
        decoder.feed(whole[: data.draw(st.integers(0, len(whole) - 3))])
        decoder.end()
    assert error.value.kind == "truncated"


CHOICE = {"index": 0, "delta": {"content": "x"}}
STOPPED = {"delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 3}}
NOT_THE_END: dict[str, tuple[Codec, bytes]] = {
    "finish_reason without [DONE]": (
        OpenAICodec(),
        sse(("", {"choices": [CHOICE | {"finish_reason": "stop"}]})),
    ),
    "[DONE] without finish_reason": (OpenAICodec(), sse(("", {"choices": [CHOICE]}), ("", "[DONE]"))),
    "message_delta without message_stop": (AnthropicCodec(), sse(("message_delta", STOPPED))),
    "message_stop without message_delta": (AnthropicCodec(), sse(("message_stop", {}))),
    "nothing, openai": (OpenAICodec(), b""),
    "nothing, anthropic": (AnthropicCodec(), b""),
}


@pytest.mark.parametrize("ending", NOT_THE_END)
def test_half_an_ending_is_none(ending: str) -> None:
    """Regression named after litellm#40260: EOF without finish_reason reported as `stop`."""
    codec, data = NOT_THE_END[ending]
    decoder = codec.decoder()
    with pytest.raises(ProviderError) as error:  # noqa: PT012  # either step may be the one that notices
        decoder.feed(data)
        decoder.end()
    assert error.value.kind == "truncated"


def test_openai_usage_in_a_last_chunk_with_choices_counts() -> None:
    """Regression named after litellm#36168: usage dropped when the last chunk has non-empty choices."""
    last = {
        "choices": [{"index": 0, "delta": {"content": "x"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 1},
    }
    events = OpenAICodec().decoder().feed(sse(("", last), ("", "[DONE]")))
    assert events == [Delta("x"), Finish("stop", Usage(5, 1))]


def test_anthropic_counts_cached_reads_once() -> None:
    """Regression named after langfuse#12306: cached tokens counted twice."""
    events = AnthropicCodec().decoder().feed(anthropic_stream(["x"]))
    assert events[-1] == Finish("stop", Usage(9, 3, cached_input_tokens=4, cache_write_tokens=2))


@pytest.mark.parametrize(
    ("codec", "data"),
    [
        (OpenAICodec(), sse(("", {"error": {"message": "The server had an error", "code": None}}))),
        (AnthropicCodec(), sse(("error", {"error": {"type": "overloaded_error", "message": "Overloaded"}}))),
    ],
)
def test_an_error_event_on_http_200_is_an_error(codec: Codec, data: bytes) -> None:
    """Regression named after vllm#57519: a client that sees 200 with an in-band error counts success."""
    with pytest.raises(ProviderError) as error:
        codec.decoder().feed(data)
    assert (error.value.kind, error.value.retryable) == ("in_band", True)


@pytest.mark.parametrize("codec", [OpenAICodec(), AnthropicCodec()], ids=["openai", "anthropic"])
@given(junk=st.binary(min_size=1, max_size=40).filter(lambda b: b"\n" not in b and b"\r" not in b))
def test_garbage_in_a_stream_or_body_is_malformed_never_a_crash(codec: Codec, junk: bytes) -> None:
    for read in (codec.decoder().feed, codec.parse):
        data = b"event: message_start\ndata: " + junk + b"\n\n" if read != codec.parse else junk
        try:
            read(data)
        except ProviderError as error:
            assert error.kind in ("malformed", "in_band", "truncated")  # noqa: PT017  # raising is allowed, crashing is not


KEYS = [
    "choices",
    "delta",
    "content",
    "message",
    "usage",
    "type",
    "text",
    "error",
    "stop_reason",
    "prompt_tokens",
]
ODD_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=8,
)
NAMES = st.sampled_from(
    ["", "message_start", "content_block_delta", "message_delta", "message_stop", "error"]
)


@pytest.mark.parametrize("codec", [OpenAICodec(), AnthropicCodec()], ids=["openai", "anthropic"])
@given(
    events=st.lists(
        st.tuples(NAMES, st.dictionaries(st.sampled_from(KEYS), ODD_JSON, max_size=4)), max_size=4
    )
)
def test_json_of_another_shape_is_a_provider_error_never_a_crash(
    codec: Codec, events: list[tuple[str, dict[str, Any]]]
) -> None:
    with contextlib.suppress(ProviderError):
        codec.decoder().feed(sse(*events))
    for _, event in events:
        body = orjson.dumps(event)
        with contextlib.suppress(ProviderError):
            codec.parse(body)
        assert isinstance(codec.error(429, {}, orjson.dumps({"error": event})), ProviderError)


def test_anthropic_gets_its_own_message_format(call: Callable[..., Call]) -> None:
    asked = changed(call(), messages=TALK, temperature=0.2, top_p=0.9, stop=("END", " "), target=CLAUDE)
    body = orjson.loads(AnthropicCodec().request(asked, "sk").body)
    assert body == {
        "model": "claude-sonnet-4-5",
        "max_tokens": 500,
        "system": "Be brief.",
        "messages": [{"role": "user", "content": "One.\n\nTwo."}, {"role": "assistant", "content": "Three"}],
        "stop_sequences": ["END"],
        "stream": True,
    }


def test_openai_gets_parameters_and_asks_for_usage(call: Callable[..., Call]) -> None:
    asked = changed(call(), messages=TALK[:2], temperature=0.2, top_p=0.9, stop=("END",), max_tokens=9)
    request = OpenAICodec().request(asked, "sk-1")
    assert request.headers == {"authorization": "Bearer sk-1"}
    assert orjson.loads(request.body) == {
        "model": "gpt-4o",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "One."}],
        "max_tokens": 9,
        "temperature": 0.2,
        "top_p": 0.9,
        "stop": ["END"],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


OPENAI_ERRORS = [
    (429, {"type": "tokens", "code": "rate_limit_exceeded"}, "rate_limited", True),
    (429, {"type": "insufficient_quota", "code": "insufficient_quota"}, "quota_exhausted", False),
    (400, {"code": "context_length_exceeded"}, "context_length", False),
    (401, {"code": "invalid_api_key"}, "auth", False),
    (404, {"code": "model_not_found"}, "not_found", False),
    (500, {"type": "server_error"}, "server_error", True),
    (503, {"code": "server_is_overloaded"}, "overloaded", True),
]


@pytest.mark.parametrize(("status", "body", "kind", "retryable"), OPENAI_ERRORS)
def test_openai_errors_have_their_kind(status: int, body: dict[str, str], kind: str, retryable: bool) -> None:
    error = OpenAICodec().error(status, {}, orjson.dumps({"error": body | {"message": "said so"}}))
    assert (error.kind, error.retryable, str(error)) == (kind, retryable, "said so")


def test_anthropic_errors_have_their_kind() -> None:
    spent = {"error": {"type": "rate_limit_error", "details": {"error_code": "enforced_spend_limit_reached"}}}
    kinds = [
        AnthropicCodec().error(status, {}, orjson.dumps(body)).kind
        for status, body in [(529, {}), (429, {}), (429, spent), (402, {}), (500, {})]
    ]
    assert kinds == ["overloaded", "rate_limited", "quota_exhausted", "quota_exhausted", "server_error"]


@pytest.mark.parametrize(
    ("headers", "hint_s"),
    [
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "3", "retry-after-ms": "250"}, 0.25),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({}, None),
    ],
)
def test_a_hint_is_seconds_or_milliseconds_or_nothing(headers: dict[str, str], hint_s: float | None) -> None:
    assert OpenAICodec().error(429, headers, b"").retry_after_s == hint_s


def test_a_proxys_html_page_is_an_error_too() -> None:
    error = OpenAICodec().error(502, {}, b"<html>Bad gateway</html>")
    assert (error.kind, str(error)) == ("server_error", "HTTP 502")
