"""Reads provider responses without trusting them: every violation is a `ProviderError` of a known kind."""

from collections.abc import Mapping
from typing import Any

import orjson

from ..core.errors import ProviderError
from ..core.reply import STANDARD_TIERS
from .retry_after import retry_after_s

SHAPE_ERRORS = (KeyError, IndexError, TypeError, AttributeError)
"""Exceptions of reading JSON whose shape differs from the protocol's."""


def shape_error(what: str, error: Exception) -> ProviderError:
    """The provider failure for one of `SHAPE_ERRORS`; `what` names the part read."""
    return ProviderError("malformed", f"{what} is not of the protocol's shape ({error!r})")


def load_json(data: bytes, what: str) -> dict[str, Any]:
    """A JSON object; `what` names it in errors. Raises `ProviderError("malformed")`."""
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise ProviderError("malformed", f"{what} is not JSON: {data[:80]!r}") from error
    if not isinstance(value, dict):
        raise ProviderError("malformed", f"{what} is not a JSON object: {data[:80]!r}")
    return value


def tokens(usage: Mapping[str, Any], key: str) -> int:
    """A required token count."""
    count = usage[key]
    if not isinstance(count, int) or count < 0:
        raise ProviderError("malformed", f"usage.{key} is not a token count: {count!r}")
    return count


def optional_tokens(usage: Mapping[str, Any], key: str) -> int:
    """An optional token count; 0 if absent or null."""
    return tokens(usage, key) if usage.get(key) else 0


def service_tier(named: Mapping[str, Any]) -> str:
    """The service tier that a reply names under `service_tier`, "" for the standard tier or none."""
    tier = named.get("service_tier")
    return tier if isinstance(tier, str) and tier not in STANDARD_TIERS else ""


def optional_text(value: Any) -> str:
    """An optional string, "" if null. Raises `TypeError` for anything else."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise TypeError(f"expected text, got {value!r}")
    return value


def required_name(value: Any) -> str:
    """A required name or id. Raises `TypeError` if empty."""
    name = optional_text(value)
    if not name:
        raise TypeError("a tool call without id or name")
    return name


def should_retry(headers: Mapping[str, str]) -> bool | None:
    """The provider's `x-should-retry`, which overrides the table of error kinds; None without one."""
    return {"true": True, "false": False}.get(headers.get("x-should-retry", ""))


def error_fields(body: bytes) -> dict[str, Any]:
    """The `error` object of an error body; {} for HTML pages, empty bodies etc."""
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    error = parsed.get("error") if isinstance(parsed, dict) else None
    return error if isinstance(error, dict) else {}


def message_of(error: Mapping[str, Any], status: int) -> str:
    """The error's message, or its status."""
    message = error.get("message")
    return message if isinstance(message, str) and message else f"HTTP {status}"


def http_error(kind: str, status: int, headers: Mapping[str, str], error: Mapping[str, Any]) -> ProviderError:
    """An HTTP error with the provider's message, retry-after hint and `x-should-retry`."""
    message = message_of(error, status)
    return ProviderError(
        kind,
        message,
        status=status,
        retry_after_s=retry_after_s(headers, message),
        retryable=should_retry(headers),
    )


def kind_of_status(status: int) -> str:
    """The error kind of an HTTP status, if the body is no more precise."""
    by_status = {401: "auth", 402: "auth", 403: "auth", 408: "server_error", 429: "rate_limited"}
    by_status |= {503: "overloaded", 529: "overloaded"}
    return by_status.get(status, "server_error" if status >= 500 else "bad_request")
