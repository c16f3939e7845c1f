"""The meaning of a provider's refusal: by the rules of the provider, else by the HTTP status."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from ..core.errors import ProviderError
from .refusal_rules import IN_BAND_STATUS, Rule

BROKEN = ("error", "abort", "network_error", "insufficient_system_resource")
"""Finish reasons that mean a failure, not an end: OpenRouter, vLLM, Zhipu and DeepSeek."""


BY_STATUS = {
    401: "auth",
    402: "quota_exhausted",
    403: "auth",
    404: "not_found",
    405: "not_found",
    407: "auth",
    408: "server_error",
    409: "conflict",
    410: "not_found",
    413: "too_large",
    421: "conflict",
    423: "conflict",
    424: "server_error",
    425: "conflict",
    429: "rate_limited",
    451: "auth",
    503: "overloaded",
    529: "overloaded",
}
"""Kinds of HTTP statuses, where no rule says more. A redirect means that the target is elsewhere; 424 is a
failed generation of Hugging Face's server, 451 a region that the provider does not serve.
"""


def kind_of(rules: Sequence[Rule], status: int, error: Mapping[str, Any]) -> str:
    """The error kind of a refusal: by the first rule that matches, else by its status."""
    ruled = ruled_kind(rules, status, error)
    if ruled is not None:
        return ruled
    if status in BY_STATUS:
        return BY_STATUS[status]
    if status >= 500:
        return "server_error"
    return "bad_request" if status >= 400 else "not_found"


def ruled_kind(rules: Sequence[Rule], status: int, error: Mapping[str, Any]) -> str | None:
    """The kind by the first rule that matches, None without one."""
    return next((rule.kind for rule in rules if rule.matches(status, error)), None)


def error_fields(body: bytes) -> dict[str, Any]:
    """`message`, `code`, `type` and further fields of an error body, {} for HTML pages and empty bodies.

    Bodies differ: `{"error": {…}}` (OpenAI, Anthropic), the same in a list (Gemini), `{"error": "text"}`, the
    fields at the top (older vLLM), `{"detail": …}` (FastAPI).
    """
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return fields_of(parsed)


def fields_of(parsed: Any) -> dict[str, Any]:
    """As `error_fields`, of a parsed body."""
    if isinstance(parsed, list) and parsed:
        parsed = parsed[0]
    if not isinstance(parsed, dict):
        return {}
    error = parsed.get("error")
    if isinstance(error, dict):
        return error
    if isinstance(error, str) and error:
        return {**parsed, "message": parsed.get("message") or error}
    if isinstance(parsed.get("message"), str):
        return parsed
    return _detail(parsed.get("detail"))


def _detail(detail: Any) -> dict[str, Any]:
    if isinstance(detail, list) and detail:
        detail = detail[0]
    if isinstance(detail, dict):
        message = detail.get("message") or detail.get("msg")
        return {**detail, "message": message} if isinstance(message, str) else {}
    return {"message": detail} if isinstance(detail, str) else {}


def broken(reason: str) -> ProviderError:
    """The failure that a finish reason of `BROKEN` stands for."""
    return ProviderError("in_band", f"the reply finished with the reason {reason!r}", status=IN_BAND_STATUS)
