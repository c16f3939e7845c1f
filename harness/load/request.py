"""A planned call as the HTTP request that any OpenAI client would send for it."""

from typing import Any

import orjson

from .plan import PlannedCall


def request_headers(call: PlannedCall) -> dict[str, str]:
    """The call's own id and tenant travel beside the body; its difficulty, too, as a router's hint."""
    return {
        "content-type": "application/json",
        "x-brownout-call-id": call.call_id,
        "x-brownout-tenant": call.tenant,
        "x-brownout-hint": call.difficulty,
    }


def request_body(call: PlannedCall) -> bytes:
    """A chat completion request."""
    body: dict[str, Any] = {
        "model": "gpt-4o",
        "messages": [{"role": role, "content": content} for role, content in call.messages],
        "max_tokens": call.max_tokens,
    }
    if call.temperature is not None:
        body["temperature"] = call.temperature
    if call.stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    return orjson.dumps(body)
