"""Anthropic's whole reply, the message object that opens a stream, and the reply to a token count."""

from collections.abc import Iterator

import orjson

from ...plan import Block, Plan
from ..dialect import Stamp
from ..fields import arguments

STOP_REASON = {
    "stop": "end_turn",
    "length": "max_tokens",
    "stop_sequence": "stop_sequence",
    "tool_use": "tool_use",
    "filtered": "refusal",
    "refused": "refusal",
    "error": "error",
}
THINKING_SIGNATURE = "c2lnbmF0dXJl"
"""Of thinking blocks: nothing here is encrypted."""


def reply_body(plan: Plan, stamp: Stamp) -> bytes:
    """The JSON of a whole reply."""
    [choice] = plan.choices
    message = empty_message(plan, stamp, plan.output_tokens)
    message["content"] = list(_content(plan))
    message["stop_reason"] = STOP_REASON[choice.finish]
    message["stop_sequence"] = choice.stop_sequence
    return orjson.dumps(message)


def count_body(input_tokens: int) -> bytes:
    """The reply to a token count."""
    return orjson.dumps({"input_tokens": input_tokens})


def _content(plan: Plan) -> Iterator[dict[str, object]]:
    """The content blocks of a whole reply, without empty ones."""
    [choice] = plan.choices
    for nth, block in enumerate(choice.blocks):
        text = plan.text_of(0, nth)
        if not text:
            continue
        if block.kind == "reasoning":
            shown = text if block.shown else ""
            yield {"type": "thinking", "thinking": shown, "signature": THINKING_SIGNATURE}
        else:
            key, value = ("text", text) if block.kind == "text" else ("input", arguments(text))
            yield {**empty_block(block), key: value}


def empty_message(plan: Plan, stamp: Stamp, output_tokens: int) -> dict[str, object]:
    """A message without content: sent in `message_start`, filled in for a whole reply."""
    return {
        "id": f"msg_{stamp.request_id.removeprefix('req_')}",
        "type": "message",
        "role": "assistant",
        "model": stamp.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "stop_details": None,
        "usage": {
            **input_usage(plan),
            "cache_creation": {
                "ephemeral_5m_input_tokens": plan.cache_write_tokens,
                "ephemeral_1h_input_tokens": plan.cache_write_1h_tokens,
            },
            "output_tokens": output_tokens,
            "service_tier": plan.service_tier or "standard",
        },
    }


def input_usage(plan: Plan) -> dict[str, int]:
    """The input tokens of a usage, which `message_delta` repeats: without those of the cache, and those.

    Source: platform.claude.com/docs/en/build-with-claude/streaming: the usage of `message_delta` is
    cumulative.
    """
    written = plan.cache_write_tokens + plan.cache_write_1h_tokens
    return {
        "input_tokens": plan.input_tokens - plan.cached_input_tokens - written,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": plan.cached_input_tokens,
    }


def empty_block(block: Block) -> dict[str, object]:
    """A content block without content."""
    if block.kind == "text":
        return {"type": "text", "text": ""}
    if block.kind == "reasoning":
        return {"type": "thinking", "thinking": "", "signature": ""}
    return {"type": "tool_use", "id": f"toolu_{block.id}", "name": block.name, "input": {}}
