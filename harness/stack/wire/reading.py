"""Reading what a provider sent without trusting it: every surprise is a `ProviderError` of a known kind."""

from collections.abc import Mapping
from typing import Any

import orjson

from ..core.errors import ProviderError
from .retry_after import retry_after_s

SURPRISES = (KeyError, IndexError, TypeError, AttributeError)
"""What JSON of another shape than the protocol's raises when it is read as if it had it."""


def surprise(what: str, error: Exception) -> ProviderError:
    """One of `SURPRISES` as the provider failure that it is."""
    return ProviderError("malformed", f"{what} is not of the protocol's shape ({error!r})")


def load_json(data: bytes, what: str) -> dict[str, Any]:
    """A JSON object, or `ProviderError("malformed")` that says what it was to be."""
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise ProviderError("malformed", f"{what} is not JSON: {data[:80]!r}") from error
    if not isinstance(value, dict):
        raise ProviderError("malformed", f"{what} is not a JSON object: {data[:80]!r}")
    return value


def tokens(usage: Mapping[str, Any], key: str) -> int:
    """A token count that must be there."""
    count = usage[key]
    if not isinstance(count, int) or count < 0:
        raise ProviderError("malformed", f"usage.{key} is not a token count: {count!r}")
    return count


def tokens_if_told(usage: Mapping[str, Any], key: str) -> int:
    """A token count that may be absent, or null: none then."""
    return tokens(usage, key) if usage.get(key) else 0


def words(value: Any) -> str:
    """A text that may be absent; anything else is a surprise."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise TypeError(f"expected text, got {value!r}")
    return value


def named(value: Any) -> str:
    """A name or an id: text, and not none."""
    name = words(value)
    if not name:
        raise TypeError("a tool call without id or name")
    return name


def should_retry(headers: Mapping[str, str]) -> bool | None:
    """The provider's own word on retrying, which overrides the table; None without one."""
    return {"true": True, "false": False}.get(headers.get("x-should-retry", ""))


def error_fields(body: bytes) -> dict[str, Any]:
    """The `error` object of an error body, or an empty one for HTML pages, empty bodies and the like."""
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    error = parsed.get("error") if isinstance(parsed, dict) else None
    return error if isinstance(error, dict) else {}


def said(error: Mapping[str, Any], status: int) -> str:
    """The error's own sentence, or its status."""
    message = error.get("message")
    return message if isinstance(message, str) and message else f"HTTP {status}"


def http_error(kind: str, status: int, headers: Mapping[str, str], error: Mapping[str, Any]) -> ProviderError:
    """An HTTP error reply of that kind, with the provider's own words, hint and wish."""
    message = said(error, status)
    return ProviderError(
        kind,
        message,
        status=status,
        retry_after_s=retry_after_s(headers, message),
        retryable=should_retry(headers),
    )


def kind_of_status(status: int) -> str:
    """The error kind of an HTTP status whose body says nothing more precise."""
    by_status = {401: "auth", 402: "auth", 403: "auth", 408: "server_error", 429: "rate_limited"}
    by_status |= {503: "overloaded", 529: "overloaded"}
    return by_status.get(status, "server_error" if status >= 500 else "bad_request")
