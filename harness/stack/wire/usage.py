"""Token counts as providers report them, read without trust.

A provider may report a field late, several times (the counts are cumulative, so the latest value counts),
as null, or as a number of another JSON type. A report that cannot be true is not used: the cost of the reply
is then estimated, and marked so.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..core.reply import STANDARD_TIERS, Usage

MOST_TOKENS = 100_000_000
"""Above this, a count is an error: no model has such a window."""


def service_tier(named: Mapping[str, Any]) -> str:
    """The service tier that a reply names under `service_tier`, "" for the standard tier or none."""
    tier = named.get("service_tier")
    return tier if isinstance(tier, str) and tier not in STANDARD_TIERS else ""


def merged(known: Mapping[str, Any], report: Any) -> dict[str, Any]:
    """`known` with the non-null fields of a later `report`; what is not an object is ignored."""
    if not isinstance(report, dict):
        return dict(known)
    fields = dict(known)
    for name, value in report.items():
        if isinstance(value, dict):
            earlier = known.get(name)
            fields[name] = merged(earlier if isinstance(earlier, dict) else {}, value)
        elif value is not None:
            fields[name] = value
    return fields


def tokens(report: Any, key: str) -> int | None:
    """A token count; None if it is absent or not one. `12.0` and `"12"` are 12."""
    value = report.get(key) if isinstance(report, dict) else None
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:20])
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MOST_TOKENS:
        return None
    return value


def optional_tokens(report: Any, key: str) -> int:
    """As `tokens`, 0 for None."""
    return tokens(report, key) or 0


def plausible(usage: Usage | None, *, wrote: bool) -> Usage | None:
    """`usage` if it can be true, else None.

    A prompt is never empty, a reply that `wrote` something has output tokens, and the parts are no larger
    than the whole. More reasoning than output means that the provider counts it apart: it is capped.
    """
    if usage is None or usage.input_tokens == 0 or (wrote and usage.output_tokens == 0):
        return None
    parts = usage.cached_input_tokens + usage.cache_write_tokens + usage.cache_write_1h_tokens
    if parts > usage.input_tokens:
        return None
    if usage.reasoning_tokens > usage.output_tokens:
        return replace(usage, reasoning_tokens=usage.output_tokens)
    return usage
