"""Seconds until a provider wants the next request: `retry-after` in all its forms, and its equivalents.

Read in this order: `retry-after-ms`; `retry-after` in seconds or as an HTTP date; the reset of an exhausted
Anthropic limit; Gemini's `RetryInfo` among the error's details; the sentence "Please try again in 41.724s."
of OpenAI's message. Moments are compared with the response's own `date`, never with our clock, which may
differ from the provider's. OpenAI's `x-ratelimit-reset-*` are not used: they give the time until the bucket
is full, which is longer than necessary.

A value that cannot be read, is negative, or is longer than a week is ignored, and the next source is read.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

MOST_S = 7 * 86_400.0
"""Longest accepted hint: no documented limit takes longer than a week to refill."""

_SECONDS = re.compile(r"\d+(?:\.\d+)?", re.ASCII)
_TRY_AGAIN = re.compile(r"try again in (?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)(ms|s))?", re.IGNORECASE)
_METERS = ("requests", "tokens", "input-tokens", "output-tokens")


def retry_after_s(headers: Mapping[str, str], message: str = "", details: Any = None) -> float | None:
    """Seconds to wait before the next request; None without a hint. `message` and `details` are the
    error's.
    """
    for hint_s in _hints(headers, message, details):
        if hint_s is not None and 0 <= hint_s <= MOST_S:
            return hint_s
    return None


def _hints(headers: Mapping[str, str], message: str, details: Any) -> Iterator[float | None]:
    milliseconds = _number(headers.get("retry-after-ms"))
    yield None if milliseconds is None else milliseconds / 1000
    yield _number(headers.get("retry-after"))
    date = _http_date(headers.get("date"))
    if date is not None:
        yield _between(date, _http_date(headers.get("retry-after")))
        yield _resets(headers, date)
    yield _retry_info(details)
    yield _in_words(message)


def _number(text: str | None) -> float | None:
    """Decimal digits only, not everything that `float` accepts (nan, 1e300, 1_0)."""
    text = "" if text is None else text.strip()
    return float(text) if _SECONDS.fullmatch(text) else None


def _http_date(text: str | None) -> datetime | None:
    try:
        return None if text is None else parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _between(now: datetime, then: datetime | None) -> float | None:
    try:
        return None if then is None else (then - now).total_seconds()
    except TypeError:  # one of them has no time zone
        return None


def _resets(headers: Mapping[str, str], date: datetime) -> float | None:
    """The longest wait among the exhausted limits."""
    waits = [
        _between(date, _rfc3339(headers.get(f"anthropic-ratelimit-{meter}-reset")))
        for meter in _METERS
        if headers.get(f"anthropic-ratelimit-{meter}-remaining") == "0"
    ]
    return max((wait_s for wait_s in waits if wait_s is not None), default=None)


def _rfc3339(text: str | None) -> datetime | None:
    try:
        return None if text is None else datetime.fromisoformat(text)
    except ValueError:
        return None


def _retry_info(details: Any) -> float | None:
    """The `retryDelay`, such as "41s", of the first detail that has one."""
    for detail in details if isinstance(details, list) else ():
        delay = detail.get("retryDelay") if isinstance(detail, dict) else None
        if isinstance(delay, str) and delay.endswith("s"):
            return _number(delay.removesuffix("s"))
    return None


def _in_words(message: str) -> float | None:
    """The duration in a sentence like "Please try again in 6m0s."."""
    found = _TRY_AGAIN.search(message)
    if found is None or not any(found.groups()):
        return None
    hours, minutes, amount, unit = found.groups()
    last_s = float(amount or 0) * (0.001 if unit == "ms" else 1.0)
    return float(hours or 0) * 3600.0 + float(minutes or 0) * 60.0 + last_s
