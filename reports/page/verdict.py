"""The verdict at the top of the page: what changed between the subjects, what it cost, what is only noise.

Sentences are plain text; names are set in `backticks`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from reports.record.manifest import Fault, Manifest

from ..analysis.compare import compare
from ..analysis.summary import Summary
from ..analysis.validity import Reason
from ..metrics.registry import METRICS, catalogue
from . import format as text
from . import labels
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
    """One subject against the baseline: metrics that got better or worse, or that these calls cannot tell."""

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


def verdict(summary: Summary, manifest: Manifest, met: Sequence[Fault] | None = None) -> Verdict:
    """The verdict of a run; for an INVALID run, only the reasons. `met`: the faults that its calls met
    (default: all that were scheduled)."""
    if not summary.valid:
        reasons = [_reason(reason) for reason in summary.validity.reasons if reason.level == "INVALID"]
        return Verdict("Nothing can be concluded from this run.", tuple(reasons), ())
    names = summary.names
    baseline = names[0]
    price = [_price(summary, names[1], baseline)] if len(names) == 2 else []
    sentences = [*_during_faults(summary, manifest), *price]
    return Verdict(
        f"{conditions(manifest, met)}, {_answered(summary, names)}.",
        tuple(sentence for sentence in (*sentences, *_survivors(summary, names)) if sentence),
        tuple(_contrast(summary, name, baseline) for name in names[1:]),
    )


def conditions(manifest: Manifest, met: Sequence[Fault] | None = None) -> str:
    """ "Through a 10 s OpenAI outage", or the length of the run."""
    if manifest.status == "partial":
        return "In the part of the run that was kept"  # its faults may not have happened as scheduled
    end_s = float(manifest.duration_s or 0.0)
    met = manifest.faults if met is None else met
    windows = labels.fault_windows(met, end_s) if end_s else []
    if not windows:
        unmet = ", in which no call met a scheduled fault" if manifest.faults and not met else ""
        return f"In {end_s:g} s of load{unmet}" if end_s else f"In this run{unmet}"
    if len(windows) > 3:
        return f"Through {len(windows)} scheduled faults"
    faults = [
        f"{text.article(f'{stop - start:g}')} {stop - start:g} s {label}" for start, stop, label in windows
    ]
    return f"Through {text.joined(faults)}"


def _answered(summary: Summary, names: Sequence[str]) -> str:
    """Success rates, of two subjects the last first and with intervals."""
    if len(names) > 2:
        rates = [f"`{name}` {text.share(summary.subjects[name].share('success_rate'))}" for name in names]
        calls = [_count(summary, name, "calls") for name in names]
        sent = text.plural(calls[0], "call") if len(set(calls)) == 1 else "the calls sent to each"
        return f"of {sent}, {text.joined(rates)} were answered"
    parts: list[str] = []
    for name in reversed(names):
        subject = summary.subjects[name]
        interval = text.interval(subject.intervals.get("success_rate"), "share")
        calls_sent = text.plural(_count(summary, name, "calls"), "call")
        note = "95 % interval " if not parts else ""
        rate = text.share(subject.share("success_rate"))
        parts.append(f"`{name}` answered {rate} of {calls_sent} ({note}{interval})")
    return text.joined(parts)


def _during_faults(summary: Summary, manifest: Manifest) -> list[str]:
    names = summary.names
    parts = []
    for name in names if len(names) > 2 else names[::-1]:
        rate = summary.value(name, "success_rate_in_faults")
        if rate is not None:
            calls = _count(summary, name, "calls_in_faults")
            parts.append(f"`{name}` answered {text.share(rate)} of {calls:,}")
    fault = "the fault" if len(manifest.faults) == 1 else "a fault"
    return [f"Of the calls planned while {fault} was active, {text.joined(parts)}."] if parts else []


def _price(summary: Summary, name: str, baseline: str) -> str:
    """Requests and dollars of a subject beside the baseline's."""
    parts = []
    for metric, noun in (
        ("retry_amplification", "provider requests per call"),
        ("usd_per_1k_calls", "per 1,000 calls"),
        ("usd_per_1k_answers", "per 1,000 answers"),
    ):
        ours, theirs = (summary.value(subject, metric) for subject in (name, baseline))
        if ours is not None and theirs is not None:
            mine, other = (text.number(value, METRICS[metric].unit) for value in (ours, theirs))
            parts.append(f"{mine} {noun} (`{baseline}` {other})")
    return f"`{name}` took {text.joined(parts)}." if parts else ""


def _survivors(summary: Summary, names: Sequence[str]) -> list[str]:
    """A warning for each subject whose latency percentiles leave out many failed calls."""
    rates = {name: summary.subjects[name].share("success_rate") for name in names}
    few = [name for name in names if rates[name] < max(rates.values()) - 0.05]
    return [
        f"`{name}`'s latency percentiles cover only the {text.share(rates[name])} of calls that it answered."
        for name in few
        if rates[name] > 0
    ]


def _contrast(summary: Summary, name: str, baseline: str) -> Contrast:
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


def _reason(reason: Reason) -> str:
    subject = f"`{reason.subject}`: " if reason.subject else ""
    return f"{subject}{reason.text}."


def _count(summary: Summary, name: str, metric: str) -> int:
    return int(summary.value(name, metric) or 0)
