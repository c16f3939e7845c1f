"""Reads provider responses without trusting them: every violation is a `ProviderError` of a known kind.

Strict about words, tolerant about the rest: a word of an unknown shape raises, since it would be lost; null
and absent are the same.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import orjson

from ..core.errors import ProviderError
from .retry_after import retry_after_s

T = TypeVar("T")
PINGS = (b"ping", b"heartbeat", b"keepalive", b"keep-alive")
"""Names of events that only keep the connection open, whatever their data."""
DONE = b"[DONE]"
"""The data of OpenAI's last event; some proxies send it after Anthropic's, too."""
SHAPE_ERRORS = (KeyError, IndexError, TypeError, AttributeError)
"""Exceptions of reading JSON whose shape differs from the protocol's."""


def shape_error(what: str, error: Exception) -> ProviderError:
    """The provider failure for one of `SHAPE_ERRORS`; `what` names the part read."""
    return ProviderError("malformed", f"{what} is not of the protocol's shape ({error!r})")


def shaped(what: str, read: Callable[[dict[str, Any]], T], value: dict[str, Any]) -> T:
    """`read(value)`, in which one of `SHAPE_ERRORS` is a malformed reply; `what` names the part read."""
    try:
        return read(value)
    except SHAPE_ERRORS as error:
        raise shape_error(what, error) from error


def load_json(data: bytes, what: str) -> dict[str, Any]:
    """A JSON object; `what` names it in errors. Raises `ProviderError("malformed")`."""
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise ProviderError("malformed", f"{what} is not JSON: {data[:80]!r}") from error
    if not isinstance(value, dict):
        raise ProviderError("malformed", f"{what} is not a JSON object: {data[:80]!r}")
    return value


def load_event(event: bytes, data: bytes, what: str) -> dict[str, Any]:
    """The JSON object of a stream's event, {} for one without words: a ping, null, an empty value, `[DONE]`.

    `what` names it in errors. Raises `ProviderError`: "in_band" for text in an error event, else "malformed".
    """
    if data[:1] != b"{" and (event in PINGS or is_done(data)):
        return {}
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        if event == b"error":
            raise ProviderError("in_band", data[:200].decode("utf-8", "replace"), status=200) from error
        raise ProviderError("malformed", f"{what} is not JSON: {data[:80]!r}") from error
    if isinstance(value, dict):
        return value
    if value and not isinstance(value, bool | int | float):
        raise ProviderError("malformed", f"{what} is not a JSON object: {data[:80]!r}")
    return {}


def is_done(data: bytes) -> bool:
    """Whether this is the data of OpenAI's last event."""
    return data[:1] == b"[" and data.strip() == DONE


def is_json(data: bytes) -> bool:
    """Whether these bytes are a JSON object, so that nothing of it is missing."""
    try:
        return isinstance(orjson.loads(data), dict)
    except orjson.JSONDecodeError:
        return False


def object_of(value: Any) -> Mapping[str, Any]:
    """An optional object, {} if null. Raises `TypeError` for anything else."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise TypeError(f"expected an object, got {value!r}")
    return value


def list_of(value: Any) -> list[Any]:
    """An optional list, [] if null. Raises `TypeError` for anything else."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise TypeError(f"expected a list, got {value!r}")
    return value


def optional_text(value: Any) -> str:
    """An optional string, "" if null. Raises `TypeError` for anything else."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise TypeError(f"expected text, got {value!r}")
    return value


def text_of(value: Any) -> str:
    """Text as a string or as a list of parts, "" if null; parts of other types than text are not words.

    Mistral writes lists of parts. Raises `TypeError` for anything else.
    """
    if isinstance(value, list):
        parts = [part if isinstance(part, dict) else {"text": part} for part in value]
        return "".join(optional_text(part.get("text")) for part in parts)
    return optional_text(value)


def reason_text(value: Any) -> str:
    """A finish reason, "" for anything but a string."""
    return value if isinstance(value, str) else ""


def required_name(value: Any) -> str:
    """A required name. Raises `TypeError` if empty."""
    name = optional_text(value)
    if not name:
        raise TypeError("a tool call without a name")
    return name


def arguments_text(value: Any) -> str:
    """A tool's arguments as JSON text; some servers send the object itself."""
    return orjson.dumps(value).decode() if isinstance(value, dict | list) else optional_text(value)


def should_retry(headers: Mapping[str, str]) -> bool | None:
    """The provider's `x-should-retry`, which overrides the table of error kinds; None without one."""
    return {"true": True, "false": False}.get(headers.get("x-should-retry", ""))


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
        retry_after_s=retry_after_s(headers, message, error.get("details")),
        retryable=should_retry(headers),
    )
