"""Labels of providers, faults and kinds, as the page shows them."""

from collections.abc import Sequence

from ..record.kinds import ATTEMPT_LABELS, ERROR_LABELS
from ..record.manifest import Fault

_PROVIDERS = {"openai": "OpenAI", "anthropic": "Anthropic", "together": "Together", "gemini": "Gemini"}
_FAULTS = {"outage": "outage", "brownout": "latency brownout", "reset": "stream resets", "hang": "hangs"}


def provider(name: str | None) -> str:
    return "any provider" if name is None else _PROVIDERS.get(name, name)


def error_kind(kind: str) -> str:
    """The label of an error kind; an unknown kind is shown by its name."""
    return ERROR_LABELS.get(kind, kind.replace("_", " "))


def attempt_kind(kind: str) -> str:
    """The label of an attempt kind."""
    return ATTEMPT_LABELS.get(kind, kind)


def fault(entry: Fault) -> str:
    """A scheduled fault without its times: "OpenAI outage", "gpt-4o stream resets, 5 % of requests"."""
    target = entry.model or (provider(entry.provider) if entry.provider else "")
    label = f"{target} {_FAULTS.get(entry.kind, entry.kind.replace('_', ' '))}".strip()
    return label if entry.probability >= 1 else f"{label}, {entry.probability * 100:g} % of requests"


MOST_CHARS = 44
"""Longest label that fits over a narrow panel."""


def fault_windows(faults: Sequence[Fault], end_s: float) -> list[tuple[float, float, str]]:
    """(from, to, label) of each fault within a run of `end_s` seconds; like windows share a label.

    A label longer than `MOST_CHARS` names the first fault and counts the others.
    """
    labels: dict[tuple[float, float], list[str]] = {}
    for entry in faults:
        start, stop = entry.from_s, end_s if entry.to_s is None else min(entry.to_s, end_s)
        if start < stop:
            labels.setdefault((start, stop), []).append(fault(entry))
    return [(start, stop, _together(names)) for (start, stop), names in labels.items()]


def _together(names: Sequence[str]) -> str:
    label = " + ".join(names)
    return label if len(label) <= MOST_CHARS else f"{names[0]} + {len(names) - 1} more"
