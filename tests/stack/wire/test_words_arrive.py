"""Kinds I and J as properties of both codecs: words arrive once and in order, whatever else a reply holds.

Every field that no word depends on is mutated: absent, null, of another type, empty, unknown, in another
order. Every stream is cut at every byte. Sources: litellm#3811, litellm#34382, openai-python#2806.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.stack.core.errors import ProviderError
from harness.stack.core.reply import Delta, Event, Finish, ToolDelta
from harness.stack.wire.anthropic.codec import AnthropicCodec
from harness.stack.wire.codec import Codec
from harness.stack.wire.openai.codec import OpenAICodec
from tests.lab.scripted import CLAUDE_START, USAGE, chunk, claude_end, claude_text, data, event

OPENAI, ANTHROPIC = OpenAICodec(), AnthropicCodec()
Draw = Callable[[st.SearchStrategy[Any]], Any]
ODD: st.SearchStrategy[Any] = st.sampled_from([None, 0, 1, 0.5, "", "x", [], {}, True, [None], {"a": None}])
WORDS = st.lists(st.text("abc é\n😀", min_size=1, max_size=4), min_size=1, max_size=5)


@dataclass(frozen=True, slots=True)
class Read:
    """What a decoder made of a stream: its words, its calls, and its end."""

    text: str
    calls: tuple[str, ...]
    finish: Finish | None
    error: ProviderError | None


def read(codec: Codec, parts: Sequence[bytes], *, ended: bool = True) -> Read:
    """The events of a stream that arrives in these parts."""
    decoder, events, error = codec.decoder(), [], None
    try:
        for part in parts:
            events += decoder.feed(part)
        events += decoder.flush()
        decoder.end()
    except ProviderError as failure:
        error = failure
        finish = decoder.whole()
        if finish is not None:
            events, error = [*events, finish], None
    return _read(events, error)


def _read(events: Sequence[Event], error: ProviderError | None) -> Read:
    ends = [each for each in events if isinstance(each, Finish)]
    assert len(ends) <= 1
    assert not ends or events[-1] is ends[0]
    calls: dict[int, str] = {}
    for each in events:
        if isinstance(each, ToolDelta):
            calls[each.index] = calls.get(each.index, "") + each.name + each.arguments
    text = "".join(each.text for each in events if isinstance(each, Delta))
    return Read(text, tuple(calls.values()), ends[0] if ends else None, error)


def shuffled(draw: Draw, fields: dict[str, Any]) -> dict[str, Any]:
    """The fields in another order."""
    return dict(draw(st.permutations(list(fields.items()))))


def with_odd(draw: Draw, fields: dict[str, Any], optional: Sequence[str]) -> dict[str, Any]:
    """`fields` with optional ones left out, odd or as they are, one unknown one, and in another order."""
    for name in optional:
        fate = draw(st.sampled_from(["absent", "odd", "as it is"]))
        if fate == "absent":
            fields.pop(name, None)
        elif fate == "odd":
            fields[name] = draw(ODD)
    if draw(st.booleans()):
        fields["brand_new"] = draw(ODD)
    return shuffled(draw, fields)


@st.composite
def openai_streams(draw: st.DrawFn) -> tuple[str, bytes]:
    """The words of a stream, and its bytes, with a finish reason."""
    words, sent = draw(WORDS), []
    for text in words:
        delta = with_odd(draw, {"role": "assistant", "content": text}, ("role",))
        choice = with_odd(draw, {"index": 0, "delta": delta}, ("index", "logprobs", "finish_reason_"))
        optional = ("id", "object", "created", "model", "system_fingerprint", "usage", "obfuscation")
        sent.append(data(with_odd(draw, {"choices": [choice]}, optional)))
        if draw(st.booleans()):
            sent.append(draw(wordless()))
    last = with_odd(draw, {"index": 0, "finish_reason": "stop"}, ("delta_", "index", "logprobs"))
    sent.append(data({"choices": [last]}))
    if draw(st.booleans()):
        sent.append(data(with_odd(draw, {"usage": draw(ODD)}, ("choices_", "id"))))
    return "".join(words), b"".join(sent)


@st.composite
def wordless(draw: st.DrawFn) -> bytes:
    """An event of OpenAI's stream, or a line, without a word."""
    nothing: list[Any] = [
        {"choices": []},
        {"choices": None},
        {"choices": [{"index": 0}]},
        {"choices": [{"index": 0, "delta": None}]},
        {"choices": [{"index": 0, "delta": {}, "content_filter_offsets": {"start_offset": 1}}]},
        {"choices": [], "prompt_filter_results": [{"prompt_index": 0}]},
        {"choices": [{"delta": {"content": None, "tool_calls": None, "refusal": None}}]},
        {"choices": [{"delta": {"content": "", "reasoning_content": "hm"}}]},
        {"choices": [{"delta": {"content": []}}], "error": None},
        {"error": None},
        {},
    ]
    comments = [b": OPENROUTER PROCESSING\n\n", b"\n", b": \n", b"retry: 1000\n\n", b"id: 7\n\n"]
    return draw(st.sampled_from([*map(data, nothing), *comments]))


@st.composite
def anthropic_streams(draw: st.DrawFn) -> tuple[str, bytes]:
    """The words of a stream, and its bytes, with a stop reason."""
    words, sent = draw(WORDS), []
    message = with_odd(
        draw, {"role": "assistant", "content": []}, ("role", "id", "model", "usage", "stop_reason")
    )
    sent.append(event("message_start", message=message))
    first = draw(st.booleans())
    block = with_odd(draw, {"type": "text", "text": words[0] if first else ""}, ("citations",))
    sent.append(event("content_block_start", content_block=block))
    for text in words[first:]:
        delta = with_odd(draw, {"type": "text_delta", "text": text}, ("type",))
        sent.append(event("content_block_delta", **with_odd(draw, {"delta": delta}, ("index",))))
        if draw(st.booleans()):
            sent.append(draw(st.sampled_from(ANTHROPIC_WORDLESS)))
    if draw(st.booleans()):
        sent.append(event("content_block_stop", index=0))
    fields = {"delta": shuffled(draw, {"stop_reason": "end_turn", "stop_sequence": None}), "usage": draw(ODD)}
    sent.append(event("message_delta", **with_odd(draw, fields, ("usage",))))
    return "".join(words), b"".join(sent)


ANTHROPIC_WORDLESS = [
    event("ping"),
    event("brand_new_event", anything=[1]),
    event("content_block_delta", delta={"type": "thinking_delta", "thinking": "hm"}),
    event("content_block_delta", delta={"type": "signature_delta", "signature": "x"}),
    event("content_block_delta", delta={"type": "citations_delta", "citation": {"cited_text": "c"}}),
    event("content_block_delta", delta=None),
    b": keep-alive\n\n",
]
STREAMS: dict[str, tuple[Codec, st.SearchStrategy[tuple[str, bytes]]]] = {
    "openai": (OPENAI, openai_streams()),
    "anthropic": (ANTHROPIC, anthropic_streams()),
}
TERMINAL = {"openai": data(b"[DONE]"), "anthropic": event("message_stop")}


@pytest.mark.parametrize("provider", STREAMS)
@given(st.data())
@settings(max_examples=300, deadline=None)
def test_words_arrive_once_and_in_order_whatever_the_other_fields_are(
    provider: str, draws: st.DataObject
) -> None:
    codec, streams = STREAMS[provider]
    text, body = draws.draw(streams)
    ended = body + TERMINAL[provider] if draws.draw(st.booleans()) else body
    seen = read(codec, [ended])
    assert (seen.text, seen.error) == (text, None)
    assert seen.finish is not None
    assert seen.finish.reason == "stop"


@pytest.mark.parametrize("provider", STREAMS)
@given(st.data())
@settings(max_examples=40, deadline=None)
def test_cut_at_every_byte_a_stream_gives_a_beginning_of_its_words(
    provider: str, draws: st.DataObject
) -> None:
    """An unfinished answer never looks whole, a finished one is; no word is lost, doubled or changed."""
    codec, streams = STREAMS[provider]
    text, body = draws.draw(streams)
    whole_before = 0
    for cut in range(len(body) + 1):
        at = draws.draw(st.integers(0, cut)) if cut % 17 == 0 else 0
        seen = read(codec, [body[:at], body[at:cut]])
        assert text.startswith(seen.text)
        assert len(seen.text) >= whole_before
        whole_before = len(seen.text)
        if seen.finish is None:
            assert seen.error is not None
            assert seen.error.kind == "truncated"
        else:
            assert seen.text == text
    assert read(codec, [body]).finish is not None


SPLIT = st.lists(st.integers(0, 4_000), max_size=6).map(sorted)


@pytest.mark.parametrize("provider", STREAMS)
@given(st.data(), SPLIT)
@settings(max_examples=100, deadline=None)
def test_how_the_bytes_are_split_changes_nothing(
    provider: str, draws: st.DataObject, cuts: list[int]
) -> None:
    codec, streams = STREAMS[provider]
    _, body = draws.draw(streams)
    body = draws.draw(st.sampled_from([body, body.replace(b"\n", b"\r\n")])) + TERMINAL[provider]
    edges = [0, *cuts, len(body)]
    parts = [body[start:end] for start, end in pairwise(edges)]
    assert read(codec, parts) == read(codec, [body])


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_the_words_of_a_whole_reply_arrive_whatever_the_other_fields_are(draws: st.DataObject) -> None:
    draw = draws.draw
    words = "".join(draw(WORDS))
    message = with_odd(draw, {"content": words}, ("role", "annotations", "audio", "reasoning_content"))
    choice = with_odd(draw, {"message": message, "finish_reason": "stop"}, ("index", "logprobs"))
    optional = ("id", "object", "created", "model", "usage", "system_fingerprint", "service_tier")
    reply = with_odd(draw, {"choices": [choice]}, optional)
    assert _read(OPENAI.parse(orjson.dumps(reply)), None).text == words
    blocks = [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": words}, {"type": "brand_new"}]
    claude = with_odd(draw, {"content": blocks}, ("id", "type_", "role", "model", "usage", "stop_sequence"))
    assert _read(ANTHROPIC.parse(orjson.dumps(claude)), None).text == words


CALLS = [("look", '{"at":"a"}'), ("find", '{"b":[1,2]}'), ("look", "{}")]
NUMBERED = ("numbered", "without numbers", "all number 0", "numbers as text", "id and name repeated")


@pytest.mark.parametrize("style", NUMBERED)
@given(st.integers(1, 12), st.booleans())
def test_tool_calls_arrive_however_a_server_numbers_them(style: str, size: int, at_once: bool) -> None:
    """Gemini's OpenAI endpoint sends no index, other servers 0 for every call, or the id in every piece."""
    sent = b""
    for nth, (name, arguments) in enumerate(CALLS):
        pieces = (
            [arguments] if at_once else [arguments[at : at + size] for at in range(0, len(arguments), size)]
        )
        for part, piece in enumerate(pieces):
            call: dict[str, Any] = {"function": {"arguments": piece}}
            if part == 0 or style == "id and name repeated":
                call |= {"id": f"id{nth}", "type": "function", "function": {"name": name, "arguments": piece}}
            if style != "without numbers":
                call["index"] = {"all number 0": 0, "numbers as text": str(nth)}.get(style, nth)
            sent += data({"choices": [{"delta": {"tool_calls": [call]}}]})
    sent += chunk(None, "tool_calls") + data(b"[DONE]")
    seen = read(OPENAI, [sent])
    assert seen.calls == tuple(name + arguments for name, arguments in CALLS)


@pytest.mark.parametrize(
    ("codec", "sent", "text"),
    [
        (
            OPENAI,
            chunk("a") + data({"choices": [{"delta": {"refusal": "No."}}]}) + chunk(None, "stop"),
            "aNo.",
        ),
        (OPENAI, data({"choices": [{"delta": {"content": [{"type": "text", "text": "a"}]}}]}), "a"),
        (OPENAI, chunk("a", "stop"), "a"),
        (OPENAI, data({"choices": [{"delta": {"role": "assistant", "content": "a"}}]}), "a"),
        (OPENAI, chunk("a", "stop") + chunk("b"), "ab"),
        (ANTHROPIC, event("content_block_start", content_block={"type": "text", "text": "a"}), "a"),
        (ANTHROPIC, event("message_start", message={"content": [{"type": "text", "text": "a"}]}), "a"),
        (ANTHROPIC, claude_text("a").replace(b"event: content_block_delta\n", b""), "a"),
        (ANTHROPIC, CLAUDE_START + claude_text("a") + claude_end() + claude_text("b"), "ab"),
    ],
)
def test_no_word_is_lost_wherever_a_provider_puts_it(codec: Codec, sent: bytes, text: str) -> None:
    assert read(codec, [sent]).text == text


@pytest.mark.parametrize("reason", ["error", "abort", "network_error", "insufficient_system_resource"])
def test_a_finish_reason_that_means_a_failure_is_one(reason: str) -> None:
    """OpenRouter, vLLM, Zhipu and DeepSeek end broken replies so: no success, not whole."""
    seen = read(OPENAI, [chunk("half") + chunk(None, reason) + data(b"[DONE]")])
    assert (seen.text, seen.finish) == ("half", None)
    assert seen.error is not None
    assert seen.error.kind == "in_band"
    with pytest.raises(ProviderError, match=reason):
        OPENAI.parse(orjson.dumps({"choices": [{"message": {"content": "half"}, "finish_reason": reason}]}))


@pytest.mark.parametrize("reason", ["error", "abort"])
def test_a_stop_reason_that_means_a_failure_is_one(reason: str) -> None:
    """Proxies before Anthropic's protocol end broken replies so."""
    seen = read(ANTHROPIC, [CLAUDE_START + claude_text("half"), claude_end(reason)])
    assert (seen.text, seen.finish) == ("half", None)
    assert seen.error is not None
    assert seen.error.kind == "in_band"
    content = [{"type": "text", "text": "half"}]
    with pytest.raises(ProviderError, match=reason):
        ANTHROPIC.parse(orjson.dumps({"content": content, "stop_reason": reason}))


@pytest.mark.parametrize(
    "odd",
    [
        b"data:\n\n",
        b"data: null\n\n",
        b'data: ""\n\n',
        b"data: []\n\n",
        b"event: ping\ndata: ping\n\n",
        b"event: heartbeat\ndata: 12:00\n\n",
        data({"choices": [{"delta": {"tool_calls": [None]}}]}),
        data({"error": {"message": None, "code": None}, "choices": []}),
    ],
)
def test_an_event_without_words_changes_nothing(odd: bytes) -> None:
    seen = read(OPENAI, [chunk("a") + odd + chunk("b", "stop") + odd + USAGE + b"data: [DONE] \n\n"])
    assert (seen.text, seen.error) == ("ab", None)
    assert seen.finish is not None


@pytest.mark.parametrize("odd", [b"data:\n\n", b"event: ping\ndata: ping\n\n", b"data: [DONE]\n\n"])
def test_neither_does_one_in_anthropics_protocol(odd: bytes) -> None:
    end = claude_end() + odd + event("message_stop") + odd
    seen = read(ANTHROPIC, [CLAUDE_START + odd + claude_text("a") + odd + end])
    assert (seen.text, seen.error) == ("a", None)
    assert seen.finish is not None


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        (data({"choices": [{"text": "a"}]}) + data({"choices": [{"text": "b"}]}), "ab"),
        (data({"choices": [{"delta": {"content": "a"}, "text": "a"}]}), "a"),
        (data({"choices": [{"message": {"content": "ab"}, "finish_reason": "stop"}]}), "ab"),
        (chunk("a") + data({"choices": [{"message": {"content": "a"}, "finish_reason": "stop"}]}), "a"),
    ],
)
def test_words_beside_a_delta_arrive_once(sent: bytes, text: str) -> None:
    """Together's chunks have a delta and a text; old completions a text; some proxies a whole message."""
    assert read(OPENAI, [sent]).text == text


@pytest.mark.parametrize(
    "sent",
    [
        data({"object": "error", "message": "engine died", "code": 500}),
        b'event: error\ndata: {"message": "engine died"}\n\n',
        b"event: error\ndata: engine died\n\n",
    ],
)
def test_an_error_of_any_form_within_a_stream_is_one(sent: bytes) -> None:
    """vLLM sends its flat error object, some proxies a named event."""
    seen = read(OPENAI, [chunk("half"), sent, data(b"[DONE]")])
    assert (seen.text, seen.finish) == ("half", None)
    assert seen.error is not None
    assert (seen.error.kind, str(seen.error)) == ("in_band", "engine died")
