"""Each oddity of chunks, usage and tool calls as it was reported, with its source."""

from typing import Any

import pytest

from tests.mock_providers.quirks.odd_replies import CALLS, Answered, Json, answered

SHORT = "in about 20 tokens"


def chunk(variant: str, provider: str = "openai", *, stream: bool = True, **more: Any) -> Answered:
    fault = {"kind": "odd_chunk", "variant": variant, **more}
    return answered(provider, fault, stream=stream, prompt=SHORT)


def usage(variant: str, provider: str = "openai", *, stream: bool = True, **more: Any) -> Answered:
    fault = {"kind": "odd_usage", "variant": variant}
    return answered(provider, fault, stream=stream, prompt=SHORT, **more)


def calls(variant: str, provider: str = "openai", *, stream: bool = True) -> Answered:
    fault = {"kind": "odd_tool_call", "variant": variant}
    return answered(provider, fault, stream=stream, prompt=CALLS, tools=True)


def deltas(reply: Answered) -> list[Json]:
    """Every delta of a tool call, in order."""
    found = [choice["delta"].get("tool_calls") or [] for each in reply.objects for choice in each["choices"]]
    return [delta for each in found for delta in each]


def test_azures_filter_sends_choices_without_delta_in_the_middle_and_after_the_finish() -> None:
    """openai-python#1677, litellm#3811, langchain#18977."""
    objects = chunk("no_delta", after_chunks=2).objects
    odd = [nth for nth, each in enumerate(objects) if each["choices"] and "delta" not in each["choices"][0]]
    finish = next(n for n, each in enumerate(objects) if each["choices"][0].get("finish_reason"))
    assert odd == [3, finish + 1]
    assert objects[3]["choices"][0].keys() == {
        "index",
        "finish_reason",
        "content_filter_results",
        "content_filter_offsets",
    }
    assert (objects[3]["id"], objects[3]["model"]) == ("", "")


def test_azures_first_chunk_has_no_choices() -> None:
    """semantic-kernel#7250."""
    first, second, *_ = chunk("no_choices").objects
    assert (first["choices"], list(first)[-1]) == ([], "prompt_filter_results")
    assert second["choices"][0]["delta"]["role"] == "assistant"


@pytest.mark.parametrize("provider", ["openai", "anthropic", "gemini"])
@pytest.mark.parametrize("stream", [True, False])
def test_a_null_error_is_in_every_object(provider: str, stream: bool) -> None:
    """litellm#34382: a key `error` with nothing in it is no error."""
    objects = chunk("null_error", provider, stream=stream).objects
    assert [each["error"] for each in objects] == [None] * len(objects)


@pytest.mark.parametrize("provider", ["openai", "anthropic", "gemini"])
def test_an_unknown_event_comes_after_the_chunks_that_it_is_told_to(provider: str) -> None:
    """docs.anthropic.com, streaming: unknown event types must be handled gracefully."""
    usual = answered(provider, prompt=SHORT)
    odd = chunk("unknown_events", provider, after_chunks=3)
    assert len(odd.objects) == len(usual.objects) + 1
    assert odd.raw.count(b"event: x_status\n" if provider != "gemini" else b"event: x_status\r\n") == 1
    late = chunk("unknown_events", provider, after_chunks=1000)
    assert late.raw.count(b"x_status\n" if provider != "gemini" else b"x_status\r\n") == 1


@pytest.mark.parametrize("provider", ["openai", "anthropic", "gemini"])
def test_a_ping_precedes_every_event_but_the_first(provider: str) -> None:
    usual = answered(provider, prompt=SHORT)
    events, pings = usual.raw.count(b"data: "), usual.raw.count(b"event: ping")
    first = 0 if provider == "gemini" else 1  # Gemini's stream begins with content
    assert chunk("pings", provider).raw.count(b"event: ping") == events - first + pings


@pytest.mark.parametrize("stream", [True, False])
def test_content_is_a_list_of_parts(stream: bool) -> None:
    """Mistral's and vLLM's reasoning models: `{"type": "text", "text": …}`."""
    said = [
        (choice.get("delta") or choice.get("message"))["content"]
        for each in chunk("content_parts", stream=stream).objects
        for choice in each["choices"]
        if (choice.get("delta") or choice.get("message") or {}).get("content")
    ]
    assert said
    assert all(isinstance(content, list) and content[0]["type"] == "text" for content in said)


def test_text_comes_with_the_role_and_with_the_finish_reason() -> None:
    """Gemini's OpenAI endpoint does both."""
    start = chunk("text_in_start").objects[0]["choices"][0]["delta"]
    assert (start["role"], bool(start["content"])) == ("assistant", True)
    finish = next(
        each["choices"][0]
        for each in chunk("text_in_finish").objects
        if each["choices"] and each["choices"][0]["finish_reason"]
    )
    assert finish["delta"]["content"]
    last = chunk("text_in_finish", "gemini").objects[-1]["candidates"][0]
    assert last["finishReason"] == "STOP"
    assert last["content"]["parts"][0]["text"]


def test_text_comes_in_the_events_that_open_block_and_message() -> None:
    """Anthropic's documentation gives both events a content block and a message like any other."""
    blocks = [each for each in chunk("text_in_start", "anthropic").objects if "content_block" in each]
    assert [bool(each["content_block"]["text"]) for each in blocks] == [True]
    start, block, *_ = chunk("text_in_message_start", "anthropic").objects
    assert start["message"]["content"][0]["text"]
    assert (block["type"], block["index"]) == ("content_block_start", 1)


def test_usage_is_missing_null_or_zero() -> None:
    """sglang#954, litellm#31759."""
    for provider, key in (("openai", "usage"), ("anthropic", "usage"), ("gemini", "usageMetadata")):
        for stream in (True, False):
            assert f'"{key}"'.encode() not in usage("missing", provider, stream=stream).raw
    last = usage("null").objects[-1]
    assert (last["choices"], last["usage"]) == ([], None)
    assert usage("zero", stream=False).objects[0]["usage"]["total_tokens"] == 0


def test_the_usage_chunk_has_no_choices_or_null() -> None:
    """ROCm/ATOM#1711, cline#8527."""
    assert "choices" not in usage("no_choices").objects[-1]
    assert usage("null_choices").objects[-1]["choices"] is None


def test_numbers_are_strings_or_have_a_fraction() -> None:
    text = usage("text", stream=False).objects[0]["usage"]
    assert text["completion_tokens"] == "20"
    fraction = usage("fraction", stream=False)
    assert b'"completion_tokens":20.0' in fraction.raw


def test_late_usage_comes_unasked_with_a_choice_after_the_finish() -> None:
    """openrouter.ai/docs/api-reference/streaming."""
    odd = usage("late", stream_options={"include_usage": False})
    finish, last = odd.objects[-2:]
    assert finish["choices"][0]["finish_reason"] == "stop"
    assert (last["choices"][0]["delta"]["content"], last["usage"]["completion_tokens"]) == ("", 20)


def test_usage_grows_from_chunk_to_chunk() -> None:
    """vLLM's `continuous_usage_stats`."""
    seen = [each["usage"]["completion_tokens"] for each in usage("cumulative").objects]
    assert (seen[0], seen[-1]) == (0, 20)
    assert seen == sorted(seen)
    assert len(set(seen)) > 5


def test_message_start_has_zeros_and_message_delta_all_numbers() -> None:
    """stripe/ai#519: booked as 0 tokens of input."""
    objects = usage("zero_first", "anthropic").objects
    start, end = objects[0]["message"]["usage"], objects[-2]["usage"]
    assert (start["input_tokens"], start["output_tokens"]) == (0, 0)
    assert end["input_tokens"] == answered("anthropic", prompt=SHORT).decision.plan.input_tokens
    assert end["output_tokens"] == 20
    assert end.keys() >= {"cache_read_input_tokens", "cache_creation_input_tokens"}


def test_tool_deltas_have_no_index_or_always_0() -> None:
    """openai-python#2806, new-api#2701."""
    assert not any("index" in delta for delta in deltas(calls("no_index")))
    zeros = deltas(calls("index_0"))
    assert {delta["index"] for delta in zeros} == {0}
    assert len({delta["id"] for delta in zeros}) == 2


def test_ids_of_later_tool_deltas_are_repeated_or_empty() -> None:
    """opencode#37841."""
    assert all(delta["id"] and delta["function"]["name"] for delta in deltas(calls("repeated_id")))
    empty = [delta["id"] for delta in deltas(calls("empty_id"))]
    assert (bool(empty[0]), empty[1]) == (True, "")


def test_tool_arguments_are_null_at_first() -> None:
    """sglang#35542."""
    first, second, *_ = deltas(calls("null_arguments"))
    assert first["function"]["arguments"] is None
    assert (second["id"], second["function"]["name"]) == (None, None)
    opened = [each for each in calls("null_arguments", "anthropic").objects if "content_block" in each]
    assert [each["content_block"]["input"] for each in opened] == [None, None]


def test_a_call_comes_whole_in_one_delta() -> None:
    """open-webui/computer#224."""
    assert [delta["index"] for delta in deltas(calls("whole"))] == [0, 1]
    events = [each["type"] for each in calls("whole", "anthropic").objects]
    assert "content_block_delta" not in events


@pytest.mark.parametrize("stream", [True, False])
def test_calls_finish_with_stop(stream: bool) -> None:
    """open-webui/computer#224."""
    odd = calls("finish_stop", stream=stream)
    reasons = [each["choices"][0]["finish_reason"] for each in odd.objects if each["choices"]]
    assert reasons[-1] == "stop"
    assert odd.calls
