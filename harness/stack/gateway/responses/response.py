"""Writes responses: the response object and its output items, from the answer of a stack.

Shapes: `Response` and `ResponseOutputItem` of the openai SDK.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from ...core.reply import FILTERED, Answer, Finish, ToolCall, Usage

Json = dict[str, Any]
_STATUS = {"length": "incomplete", FILTERED: "incomplete"}
_REASON = {"length": "max_output_tokens", FILTERED: "content_filter"}


@dataclass(frozen=True, slots=True)
class Identity:
    """The response that is being written: its id and model, when it was created, what it repeats."""

    id: str
    created: int
    model: str
    settings: Mapping[str, Any]
    custom_tools: frozenset[str] = frozenset()

    def item_id(self, prefix: str, nth: int) -> str:
        """The id of its `nth` output item."""
        return f"{prefix}_{self.id.removeprefix('resp_')}_{nth}"

    def response(
        self,
        status: str,
        output: Sequence[Json] = (),
        finish: Finish | None = None,
        error: Json | None = None,
    ) -> Json:
        """The response object."""
        usage = None if finish is None else finish.usage
        reason = None if finish is None else _REASON.get(finish.reason)
        tier = "default" if usage is None or not usage.service_tier else usage.service_tier
        return {
            "id": self.id,
            "object": "response",
            "created_at": self.created,
            "status": status,
            "error": error,
            "incomplete_details": None if reason is None else {"reason": reason},
            "model": self.model,
            "output": list(output),
            **self.settings,
            "service_tier": tier,
            "usage": None if usage is None else usage_json(usage),
        }


def status_of(finish: Finish) -> str:
    """The status of a response that ended in this way."""
    return _STATUS.get(finish.reason, "completed")


def output_of(identity: Identity, answer: Answer) -> list[Json]:
    """The output items of a whole answer: its words, unless it only calls tools, and its calls."""
    items: list[Json] = []
    done = item_status(answer.finish)
    if answer.text or not answer.tool_calls:
        status = done if not answer.tool_calls else "completed"
        items.append(message_item(identity.item_id("msg", 0), status, answer.text))
    for call in answer.tool_calls:
        last = call is answer.tool_calls[-1]
        items.append(call_item(identity, len(items), call, done if last else "completed"))
    return items


def item_status(finish: Finish) -> str:
    """The status of the last item."""
    return "incomplete" if finish.reason in _REASON else "completed"


def message_item(id: str, status: str, text: str | None) -> Json:
    """A message; `text` None: without content yet."""
    content = [] if text is None else [text_part(text)]
    return {"id": id, "type": "message", "status": status, "content": content, "role": "assistant"}


def text_part(text: str) -> Json:
    """A part of words."""
    return {"type": "output_text", "annotations": [], "logprobs": [], "text": text}


def call_item(identity: Identity, nth: int, call: ToolCall, status: str) -> Json:
    """A call of a function, or of the custom tool that it stands for."""
    if call.name in identity.custom_tools:
        return {
            "id": identity.item_id("ctc", nth),
            "type": "custom_tool_call",
            "status": status,
            "call_id": call.id,
            "input": custom_input(call.arguments),
            "name": call.name,
        }
    return {
        "id": identity.item_id("fc", nth),
        "type": "function_call",
        "status": status,
        "arguments": call.arguments,
        "call_id": call.id,
        "name": call.name,
    }


def custom_input(arguments: str) -> str:
    """The text for a custom tool, from the arguments of its function; other arguments stay as they are."""
    try:
        parsed = orjson.loads(arguments)
    except orjson.JSONDecodeError:
        return arguments
    text = parsed.get("input") if isinstance(parsed, dict) else None
    return text if isinstance(text, str) else arguments


def usage_json(usage: Usage) -> Json:
    """Usage in the Responses API's format."""
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {
            "cached_tokens": usage.cached_input_tokens,
            "cache_write_tokens": usage.cache_write_tokens + usage.cache_write_1h_tokens,
        },
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }
