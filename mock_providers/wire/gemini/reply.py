"""Gemini's whole reply, the parts of it that the chunks of a stream share, and the reply to a count."""

from collections.abc import Mapping

import orjson

from ...exchange.media.media import MediaKind
from ...plan import Block, Plan
from ..dialect import Stamp
from ..fields import arguments

FINISH_REASON = {
    "stop": "STOP",
    "stop_sequence": "STOP",
    "tool_use": "STOP",
    "length": "MAX_TOKENS",
    "filtered": "SAFETY",
    "refused": "PROHIBITED_CONTENT",
    "error": "OTHER",
}


def reply_body(plan: Plan, stamp: Stamp) -> bytes:
    """The JSON of a whole reply."""
    candidates = []
    for nth, choice in enumerate(plan.choices):
        texts = [(block, plan.text_of(nth, which)) for which, block in enumerate(choice.blocks)]
        parts = [part_of(block, text) for block, text in texts if text and block.shown]
        content = {"parts": parts, "role": "model"}
        candidates.append({"content": content, "finishReason": FINISH_REASON[choice.finish], "index": nth})
    content_of = blocked_prompt() if is_blocked(plan) else {"candidates": candidates}
    reply = {**content_of, "usageMetadata": usage_of(plan), **identity_of(stamp)}
    return orjson.dumps(reply)


def is_blocked(plan: Plan) -> bool:
    """Whether the prompt is refused as such: then there are no candidates."""
    return not plan.text and any(choice.finish == "refused" for choice in plan.choices)


def blocked_prompt() -> dict[str, object]:
    """Why there are no candidates. Source: ai.google.dev/api/generate-content#PromptFeedback."""
    return {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}


def count_body(input_tokens: int) -> bytes:
    """The reply to a token count."""
    details = [{"modality": "TEXT", "tokenCount": input_tokens}]
    return orjson.dumps({"totalTokens": input_tokens, "promptTokensDetails": details})


def part_of(block: Block, text: str) -> dict[str, object]:
    """A content part: text, or a function call with `text` as its JSON arguments."""
    if block.kind == "text":
        return {"text": text}
    if block.kind == "reasoning":
        return {"thought": True, "text": text}
    return {"functionCall": {"name": block.name, "args": arguments(text)}}


def usage_of(plan: Plan) -> dict[str, object]:
    """The `usageMetadata` object; cached tokens are included in `promptTokenCount`."""
    usage: dict[str, object] = {
        "promptTokenCount": plan.input_tokens,
        "candidatesTokenCount": plan.output_tokens - plan.reasoning_tokens,
        "totalTokenCount": plan.input_tokens + plan.output_tokens,
    }
    if plan.reasoning_tokens:
        usage["thoughtsTokenCount"] = plan.reasoning_tokens
    if plan.cached_input_tokens:
        usage["cachedContentTokenCount"] = plan.cached_input_tokens
    usage["promptTokensDetails"] = details_of(plan.input_tokens, plan.media_tokens)
    return usage


def details_of(input_tokens: int, media_tokens: Mapping[MediaKind, int]) -> list[dict[str, object]]:
    """The prompt's tokens by modality; `input_tokens` are all of them."""
    text = input_tokens - sum(media_tokens.values())
    details: list[dict[str, object]] = [{"modality": "TEXT", "tokenCount": text}]
    return details + [
        {"modality": kind.upper(), "tokenCount": tokens} for kind, tokens in sorted(media_tokens.items())
    ]


def identity_of(stamp: Stamp) -> dict[str, object]:
    """Model and id of a reply, the same in all chunks."""
    return {"modelVersion": stamp.model, "responseId": stamp.request_id.removeprefix("req_")}
