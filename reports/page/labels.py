"""Names as people say them: providers, faults, error kinds."""

from collections.abc import Mapping, Sequence
from typing import Any

_PROVIDERS = {"openai": "OpenAI", "anthropic": "Anthropic", "together": "Together", "gemini": "Gemini"}
_FAULTS = {"outage": "outage", "brownout": "latency brownout", "reset": "stream resets", "hang": "hangs"}
_ERRORS = {
    "connect": "could not connect",
    "timeout_connect": "timeout: connecting",
    "timeout_first_token": "timeout: first token",
    "timeout_inter_chunk": "timeout: between contents",
    "timeout_total": "timeout: total",
    "connection": "connection broken",
    "truncated": "stream truncated",
    "malformed": "malformed reply",
    "in_band": "error inside the stream",
    "rate_limited": "rate limited (429)",
    "quota_exhausted": "quota exhausted (429)",
    "server_error": "server error (5xx)",
    "overloaded": "overloaded (503, 529)",
    "auth": "authentication",
    "bad_request": "bad request",
    "context_length": "context too long",
    "all_providers_failed": "all providers failed",
    "rejected_limiter": "refused: own rate limit",
    "rejected_deadline": "refused: deadline",
    "rejected_unsuitable": "refused: no suitable target",
    "rejected_budget": "refused: budget",
    "batch_expired": "expired in a batch",
    "batch_cancelled": "cancelled in a batch",
}


def provider(name: str | None) -> str:
    return "any provider" if name is None else _PROVIDERS.get(name, name)


def error_kind(kind: str) -> str:
    """An error kind in words; an unknown one as it is."""
    return _ERRORS.get(kind, kind.replace("_", " "))


def fault(entry: Mapping[str, Any]) -> str:
    """A scheduled fault without its times: "OpenAI outage", "gpt-4o stream resets, 5 % of requests"."""
    whose = entry["model"] or (
        _PROVIDERS.get(entry["provider"], entry["provider"]) if entry["provider"] else ""
    )
    what = _FAULTS.get(entry["kind"], entry["kind"].replace("_", " "))
    words = f"{whose} {what}".strip()
    return words if entry["probability"] >= 1 else f"{words}, {entry['probability'] * 100:g} % of requests"


MOST_CHARS = 44
"""What fits over a narrow panel."""


def fault_windows(faults: Sequence[Mapping[str, Any]], end_s: float) -> list[tuple[float, float, str]]:
    """(from, to, label) of each fault within a run of `end_s` seconds; like windows share a label.

    A label that would not fit names the first and says how many more there are.
    """
    labels: dict[tuple[float, float], list[str]] = {}
    for entry in faults:
        start, stop = entry["from_s"], end_s if entry["to_s"] is None else min(entry["to_s"], end_s)
        if start < stop:
            labels.setdefault((start, stop), []).append(fault(entry))
    return [(start, stop, _together(names)) for (start, stop), names in labels.items()]


def _together(names: Sequence[str]) -> str:
    label = " + ".join(names)
    return label if len(label) <= MOST_CHARS else f"{names[0]} + {len(names) - 1} more"
