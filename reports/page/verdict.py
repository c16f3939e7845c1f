"""The first thing a reader gets: what changed between the subjects, what it cost, and what is only noise.

Sentences are plain text; names are set in `backticks`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reports.record.manifest import Manifest

from ..analysis.compare import compare
from ..metrics.registry import METRICS, catalogue
from . import format as text
from . import labels as words
from .table import difference_interval, difference_text


@dataclass(frozen=True, slots=True)
class Change:
    """One metric of a subject against the baseline's: "66.1 % → 100 %" and "+33.9 pp"."""

    label: str
    values: str
    difference: str
    interval: str | None


@dataclass(frozen=True, slots=True)
class Contrast:
    """One subject against the baseline: what got better, what got worse, what this many calls cannot tell."""

    subject: str
    baseline: str
    better: tuple[Change, ...]
    worse: tuple[Change, ...]
    unclear: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    headline: str
    sentences: tuple[str, ...]
    contrasts: tuple[Contrast, ...]


def verdict(summary: Mapping[str, Any], manifest: Manifest) -> Verdict:
    """What a run says. An INVALID run says nothing: its reasons are the verdict."""
    if not summary["valid"]:
        reasons = [
            _reason(reason) for reason in summary["validity"]["reasons"] if reason["level"] == "INVALID"
        ]
        return Verdict("Nothing can be concluded from this run.", tuple(reasons), ())
    names = list(summary["subjects"])
    baseline = names[0]
    price = [_price(summary, names[1], baseline)] if len(names) == 2 else []
    sentences = [*_during_faults(summary, manifest), *price]
    return Verdict(
        f"{circumstances(manifest)}, {_answered(summary, names)}.",
        tuple(sentence for sentence in (*sentences, *_survivors(summary, names)) if sentence),
        tuple(_contrast(summary, name, baseline) for name in names[1:]),
    )


def circumstances(manifest: Manifest) -> str:
    """ "During a 10 s OpenAI outage", or how long the run was."""
    if manifest.status == "partial":
        return "In the part of the run that was kept"  # its faults may not have happened as scheduled
    end_s = float(manifest.duration_s or 0.0)
    windows = words.fault_windows(manifest.faults, end_s) if end_s else []
    if not windows:
        return f"In {end_s:g} s of load" if end_s else "In this run"
    if len(windows) > 3:
        return f"Through {len(windows)} scheduled faults"
    told = [
        f"{text.article(f'{stop - start:g}')} {stop - start:g} s {label}" for start, stop, label in windows
    ]
    return f"Through {text.joined(told)}"


def _answered(summary: Mapping[str, Any], names: Sequence[str]) -> str:
    """Who answered how much, the last subject first when there are two; many are listed without intervals."""
    if len(names) > 2:
        told = [f"`{name}` {text.share(summary['subjects'][name]['success_rate'])}" for name in names]
        calls = [summary["subjects"][name]["calls"] for name in names]
        sent = text.plural(calls[0], "call") if len(set(calls)) == 1 else "the calls sent to each"
        return f"of {sent}, {text.joined(told)} were answered"
    parts: list[str] = []
    for name in reversed(names):
        metrics = summary["subjects"][name]
        told_interval = text.interval(summary["intervals"][name].get("success_rate"), "share")
        calls_sent = text.plural(metrics["calls"], "call")
        note = "95 % interval " if not parts else ""
        rate = text.share(metrics["success_rate"])
        parts.append(f"`{name}` answered {rate} of {calls_sent} ({note}{told_interval})")
    return text.joined(parts)


def _during_faults(summary: Mapping[str, Any], manifest: Manifest) -> list[str]:
    names = list(summary["subjects"])
    told = []
    for name in names if len(names) > 2 else names[::-1]:
        metrics = summary["subjects"][name]
        if metrics["success_rate_in_faults"] is not None:
            rate = text.share(metrics["success_rate_in_faults"])
            told.append(f"`{name}` answered {rate} of {metrics['calls_in_faults']:,}")
    while_what = "the fault was" if len(manifest.faults) == 1 else "a fault was"
    return [f"Of the calls planned while {while_what} active, {text.joined(told)}."] if told else []


def _price(summary: Mapping[str, Any], name: str, baseline: str) -> str:
    """What the difference cost, in requests and dollars."""
    ours, theirs = summary["subjects"][name], summary["subjects"][baseline]
    parts = []
    for metric, noun in (
        ("retry_amplification", "provider requests per call"),
        ("usd_per_1k_calls", "per 1,000 calls"),
        ("usd_per_1k_answers", "per 1,000 answers"),
    ):
        if ours[metric] is not None and theirs[metric] is not None:
            mine, other = (text.number(value[metric], METRICS[metric].unit) for value in (ours, theirs))
            parts.append(f"{mine} {noun} (`{baseline}` {other})")
    return f"`{name}` took {text.joined(parts)}." if parts else ""


def _survivors(summary: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    """Percentiles of a subject that failed often cover only its lucky calls: to say before comparing them."""
    rates = {name: summary["subjects"][name]["success_rate"] for name in names}
    few = [name for name in names if rates[name] < max(rates.values()) - 0.05]
    return [
        f"`{name}`'s latency percentiles cover only the {text.share(rates[name])} of calls that it answered."
        for name in few
        if rates[name] > 0
    ]


def _contrast(summary: Mapping[str, Any], name: str, baseline: str) -> Contrast:
    sides: dict[str, list[Change]] = {"better": [], "worse": []}
    unclear = []
    for about in (metric for group in catalogue() for metric in group.metrics if metric.in_verdict):
        found = compare(summary, about.name, name, baseline)
        if found is None or found.direction in ("same", "different"):
            continue
        if found.direction == "unclear":
            unclear.append(about.label)
            continue
        both = (found.theirs, found.ours)
        values = " → ".join(text.number(value, about.unit, both) for value in both)
        sides[found.direction].append(
            Change(about.label, values, difference_text(about, found), difference_interval(about, found))
        )
    return Contrast(name, baseline, tuple(sides["better"]), tuple(sides["worse"]), tuple(unclear))


def _reason(reason: Mapping[str, Any]) -> str:
    whose = f"`{reason['subject']}`: " if reason["subject"] else ""
    return f"{whose}{reason['text']}."
