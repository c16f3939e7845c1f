"""The load generator's reading of a reply: whole, cut, broken or refused."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.load.reading import ObservedReply, read_stream, read_whole


def clock() -> Any:
    ticks = count(1)
    return lambda: float(next(ticks))


def lines(*events: Any) -> Iterator[bytes]:
    for event in events:
        yield b"data: " + (event if isinstance(event, bytes) else orjson.dumps(event)) + b"\n"
        yield b"\n"


def chunk(text: str | None = None, reason: str | None = None, **more: Any) -> dict[str, Any]:
    delta = {} if text is None else {"content": text}
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": reason}], **more}


def streamed(*events: Any) -> ObservedReply:
    observed = ObservedReply(status=200)
    read_stream(lines(*events), clock(), observed)
    return observed


def test_a_whole_stream_is_a_success_with_the_moment_of_each_content_chunk() -> None:
    usage = {"choices": [], "usage": {"completion_tokens": 2}}
    observed = streamed(chunk(""), chunk("a"), chunk("b"), chunk(reason="stop"), usage, b"[DONE]")
    assert (observed.outcome, observed.text, observed.output_tokens, observed.finish_reason) == (
        "success",
        "ab",
        2,
        "stop",
    )
    assert observed.chunk_s == [2.0, 3.0]


@given(st.integers(0, 4))
def test_a_stream_that_ends_early_is_a_failure(kept: int) -> None:
    """Regression named after vllm#54628: truncated streams counted as success."""
    whole = [chunk("a"), chunk("b"), chunk("c"), chunk(reason="stop"), b"[DONE]"]
    observed = streamed(*whole[:kept])
    assert (observed.outcome, observed.error_kind) == ("failed", "truncated")


def test_done_without_a_finish_reason_is_a_failure() -> None:
    assert streamed(chunk("a"), b"[DONE]").error_kind == "truncated"


def test_an_error_event_on_http_200_is_a_failure_of_its_own_kind() -> None:
    observed = streamed(chunk("a"), {"error": {"message": "reset", "code": "connection"}})
    assert (observed.outcome, observed.error_kind) == ("failed", "connection")


@pytest.mark.parametrize("odd", [{"choices": [{"delta": None}]}, {"usage": None}, {"error": None}])
def test_a_chunk_without_a_word_changes_nothing(odd: dict[str, Any]) -> None:
    """litellm#34382: Azure's asynchronous filter sends choices without a delta."""
    observed = streamed(chunk("a"), odd, chunk("", "stop"), b"[DONE]")
    assert (observed.outcome, observed.text) == ("success", "a")


@pytest.mark.parametrize(
    ("text", "reason", "outcome"),
    [
        ("a", "content_filter", "filtered"),
        ("", "content_filter", "filtered"),
        ("", "stop", "empty"),
        (" \n", "stop", "empty"),
    ],
)
def test_a_reply_that_is_no_answer_is_no_success(text: str, reason: str, outcome: str) -> None:
    """inspect_ai#4846, ontogpt#455: filtered and empty replies counted as answers."""
    assert streamed(chunk(text), chunk("", reason), b"[DONE]").outcome == outcome


@pytest.mark.parametrize("event", [b"{", b"[]", {"choices": 5}, {"choices": [{"delta": 5}]}])
def test_garbage_in_the_stream_is_a_failure_not_a_crash(event: Any) -> None:
    assert streamed(event).error_kind == "malformed"


def test_comments_and_other_fields_are_skipped() -> None:
    observed = ObservedReply(status=200)
    raw = [b": brownout {}\n", b"event: x\n", *lines(chunk("a"), chunk(reason="stop"), b"[DONE]")]
    read_stream(iter(raw), clock(), observed)
    assert observed.outcome == "success"


def test_a_refusal_of_the_stack_is_not_a_failure_of_the_provider() -> None:
    observed = ObservedReply(status=429)
    read_whole(b'{"error": {"type": "rejected", "code": "rejected_limiter"}}', clock(), observed)
    assert (observed.outcome, observed.error_kind) == ("rejected", "rejected_limiter")


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (503, b'{"error": {"type": "upstream_error", "code": "overloaded"}}', "overloaded"),
        (502, b"<html>", "http_502"),
        (200, b"<html>", "malformed"),
        (200, b"{}", "malformed"),
    ],
)
def test_a_bad_json_reply_has_a_kind(status: int, body: bytes, kind: str) -> None:
    observed = ObservedReply(status=status)
    read_whole(body, clock(), observed)
    assert (observed.outcome, observed.error_kind) == ("failed", kind)


def test_a_good_json_reply_is_one_chunk() -> None:
    observed = ObservedReply(status=200)
    reply = {"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}]}
    read_whole(orjson.dumps(reply | {"usage": {"completion_tokens": 1}}), clock(), observed)
    assert (observed.outcome, observed.text, observed.chunk_s, observed.output_tokens) == (
        "success",
        "hi",
        [1.0],
        1,
    )
