"""A planned call as the HTTP request of an OpenAI client."""

from typing import Any

import orjson

from .plan import PlannedCall


def request_headers(call: PlannedCall) -> dict[str, str]:
    """Headers with the call's id, its tenant, and its difficulty as a hint for the router."""
    return {
        "content-type": "application/json",
        "x-brownout-call-id": call.call_id,
        "x-brownout-tenant": call.tenant,
        "x-brownout-hint": call.difficulty,
    }


def provider_headers(call: PlannedCall, api_key: str) -> dict[str, str]:
    """Headers of a call that goes to a provider itself: its ledger names the request by the call's id."""
    return {
        "content-type": "application/json",
        "authorization": f"Bearer {api_key}",
        "x-client-request-id": call.call_id,
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
