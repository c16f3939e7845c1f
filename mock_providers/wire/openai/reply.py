"""OpenAI's whole reply, and the parts of it that the chunks of a stream share."""

import hashlib
from functools import lru_cache

import orjson

from ...plan import Block, Choice, Finish, Plan
from ...prices import BATCH
from ..dialect import Stamp

FINISH_REASON: dict[Finish, str] = {
    "stop": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "tool_use": "tool_calls",
    "filtered": "content_filter",
    "refused": "stop",
    "error": "error",
}
REFUSAL = ("I'm sorry, but", " I can't help with that.")
"""The text of a refusal, as its deltas."""
_ANNOTATIONS: tuple[object, ...] = ()


def reply_body(plan: Plan, stamp: Stamp) -> bytes:
    """The JSON of a whole reply."""
    return orjson.dumps(
        {
            "id": completion_id(stamp),
            "object": "chat.completion",
            "created": int(stamp.wall_s),
            "model": stamp.model,
            "choices": [_choice(plan, nth) for nth in range(len(plan.choices))],
            "usage": usage_of(plan),
            "service_tier": service_tier(plan),
            "system_fingerprint": fingerprint(stamp.model),
        }
    )


def _choice(plan: Plan, nth: int) -> dict[str, object]:
    choice = plan.choices[nth]
    texts = [(block, plan.text_of(nth, which)) for which, block in enumerate(choice.blocks)]
    content = "".join(text for block, text in texts if block.kind == "text")
    # A call cut before its first argument is not in a stream either.
    calls = [tool_call(block, text) for block, text in texts if block.kind == "tool" and text]
    refused = choice.finish == "refused"
    message: dict[str, object] = {
        "role": "assistant",
        "content": content if has_text(choice) and not (refused and not content) else None,
        "refusal": "".join(REFUSAL) if refused else None,
        "annotations": _ANNOTATIONS,
    }
    message |= {block.name: text for block, text in texts if block.kind == "reasoning" and block.shown}
    if calls:
        message["tool_calls"] = calls
    finish = FINISH_REASON[choice.finish]
    return {"index": nth, "message": message, "logprobs": None, "finish_reason": finish}


def has_text(choice: Choice) -> bool:
    """Whether a choice has text content; one that only calls tools has none."""
    return not choice.blocks or any(block.kind == "text" for block in choice.blocks)


def tool_call(block: Block, arguments: str) -> dict[str, object]:
    """The JSON object of a tool call; `arguments` is JSON text."""
    function = {"name": block.name, "arguments": arguments}
    return {"id": f"call_{block.id}", "type": "function", "function": function}


def usage_of(plan: Plan) -> dict[str, object]:
    """The `usage` object; cached and cache-written tokens are included in `prompt_tokens`."""
    output_tokens = plan.output_tokens
    prompt_details = {
        "cached_tokens": plan.cached_input_tokens,
        "audio_tokens": plan.media_tokens.get("audio", 0),
    }
    if plan.cache_write_tokens:
        prompt_details["cache_write_tokens"] = plan.cache_write_tokens
    return {
        "prompt_tokens": plan.input_tokens,
        "completion_tokens": output_tokens,
        "total_tokens": plan.input_tokens + output_tokens,
        "prompt_tokens_details": prompt_details,
        "completion_tokens_details": {
            "reasoning_tokens": plan.reasoning_tokens,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def service_tier(plan: Plan) -> str:
    """The name of the tier that is billed; items of a batch are named as standard ones."""
    return plan.service_tier if plan.service_tier not in ("", BATCH) else "default"


def completion_id(stamp: Stamp) -> str:
    """The id of a reply, the same in all chunks."""
    return f"chatcmpl-{stamp.request_id.removeprefix('req_')}"


@lru_cache(maxsize=1024)
def fingerprint(model: str) -> str:
    """`system_fingerprint`: names the backend of a model."""
    return "fp_" + hashlib.blake2b(model.encode(), digest_size=5).hexdigest()
