"""Replies that are odd, not broken: what each official SDK makes of them, as in `failures`."""

from typing import Any

Fault = dict[str, Any]
Modes = tuple[str, str]

WHOLE = ("a whole reply x1", "a whole reply x1")


def odd(kind: str, variant: str, **more: Any) -> Fault:
    return {"kind": kind, "variant": variant, **more}


def chunk(variant: str) -> Fault:
    return odd("odd_chunk", variant, after_chunks=3)


ODDITIES: dict[str, tuple[Fault, Modes, Modes]] = {
    "no-delta": (chunk("no_delta"), ("builtins.AttributeError x1", WHOLE[1]), WHOLE),
    "no-choices": (chunk("no_choices"), WHOLE, WHOLE),
    "null-error": (chunk("null_error"), WHOLE, WHOLE),
    "unknown-fields": (chunk("unknown_fields"), WHOLE, WHOLE),
    "unknown-events": (chunk("unknown_events"), WHOLE, WHOLE),
    "pings": (chunk("pings"), WHOLE, WHOLE),
    "content-parts": (chunk("content_parts"), ("builtins.TypeError x1", WHOLE[1]), WHOLE),
    "text-in-start": (chunk("text_in_start"), WHOLE, ("a reply with a hole x1", WHOLE[1])),
    "text-in-message-start": (
        chunk("text_in_message_start"),
        WHOLE,
        ("a reply with a hole x1", WHOLE[1]),
    ),
    "text-in-finish": (chunk("text_in_finish"), WHOLE, WHOLE),
    "usage-missing": (odd("odd_usage", "missing"), WHOLE, WHOLE),
    "usage-null": (odd("odd_usage", "null"), WHOLE, WHOLE),
    "usage-zero-first": (odd("odd_usage", "zero_first"), WHOLE, WHOLE),
    "usage-cumulative": (odd("odd_usage", "cumulative"), WHOLE, WHOLE),
    "usage-late": (odd("odd_usage", "late"), WHOLE, WHOLE),
    "usage-null-choices": (odd("odd_usage", "null_choices"), WHOLE, WHOLE),
    "usage-text": (odd("odd_usage", "text"), WHOLE, WHOLE),
    "crlf": (odd("odd_framing", "crlf"), WHOLE, WHOLE),
    "no-space": (odd("odd_framing", "no_space"), WHOLE, WHOLE),
    "comments": (odd("odd_framing", "comments"), WHOLE, WHOLE),
    "event-names": (odd("odd_framing", "event_names"), WHOLE, WHOLE),
    "no-last-blank-line": (  # all words arrive, the last event does not
        odd("odd_framing", "no_last_blank_line"),
        WHOLE,
        ("an unfinished reply x1", WHOLE[1]),
    ),
    "no-end-marker": (
        odd("odd_framing", "no_end_marker"),
        WHOLE,
        ("an unfinished reply x1", WHOLE[1]),
    ),
    "split": (odd("odd_framing", "split"), WHOLE, WHOLE),
    "eof-after-the-finish": (
        odd("broken_end", "eof"),
        ("a whole reply x1", "openai.APIConnectionError x3"),
        ("an unfinished reply x1", "anthropic.APIConnectionError x3"),
    ),
    "error-after-the-finish": (
        odd("broken_end", "error"),
        ("openai.APIError server_is_overloaded x1", "openai.APIConnectionError x3"),
        ("anthropic.APIStatusError 200 overloaded_error x1", "anthropic.APIConnectionError x3"),
    ),
    "reasoning": (  # of Anthropic's whole reply the first block is no text
        {"kind": "reasoning", "for_s": 0.1, "gap_s": 0.02},
        WHOLE,
        (WHOLE[0], "builtins.AttributeError x1"),
    ),
    "early-headers": ({"kind": "early_headers", "gap_s": 0.0005}, WHOLE, WHOLE),
    "filtered": (
        odd("odd_finish", "filtered"),
        ("an unfinished reply x1", "a reply without content x1"),
        ("a reply with a hole x1", "a reply without content x1"),
    ),
    "error-with-status-200": (
        {"kind": "http_error", "status": 429, "sent_status": 200},
        ("an empty stream x1", "a reply without content x1"),
        ("an empty stream x1", "a reply without content x1"),
    ),
}
"""By case: the fault, and the outcome with the openai and the anthropic SDK: (streamed, not streamed)."""
