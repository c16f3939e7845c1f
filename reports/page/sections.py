"""The page's smaller tables as rows of strings: claims, errors, accounting, the measurement's own quality."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reports.record.manifest import Generator, Manifest, Slo, Subject

from ..analysis.claims import metric_value
from ..metrics import Facts
from ..metrics.registry import METRICS, Unit
from ..metrics.reliability import error_counts
from . import format as text
from . import labels as words


@dataclass(frozen=True, slots=True)
class Line:
    """A labelled row of one string per subject."""

    label: str
    cells: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class ClaimLine:
    text: str
    about: str
    expected: str
    observed: str
    in_words: str | None
    verdict: str


def claim_lines(summary: Mapping[str, Any]) -> list[ClaimLine]:
    return [_claim_line(summary, claim) for claim in summary["claims"]]


def _claim_line(summary: Mapping[str, Any], claim: Mapping[str, Any]) -> ClaimLine:
    subject, metric = claim["subject"], claim["metric"]
    observed = metric_value(summary, subject, metric)
    about = METRICS.get(metric)
    ends = summary["intervals"].get(subject, {}).get(metric)
    return ClaimLine(
        claim["text"],
        f"`{subject}` {metric}",
        claim["expected"].replace(">=", "≥").replace("<=", "≤").replace("==", "=").replace("..", "to"),
        text.INFINITE
        if observed == float("inf")
        else text.MISSING
        if observed is None
        else f"{observed:.6g}",
        _in_words(observed, ends, about.unit) if about else None,
        claim["verdict"],
    )


def _in_words(observed: float | None, ends: Sequence[float | None] | None, unit: Unit) -> str | None:
    """ "65.2 % (61.3–68.9 %)" """
    if observed is None:
        return None
    interval = text.interval(ends, unit)
    return text.number(observed, unit) + (f" ({interval})" if interval else "")


def error_lines(subjects: Sequence[Facts]) -> list[Line]:
    """Calls without an answer by error kind: how many, and their share of the calls sent."""
    counts = [error_counts(facts) for facts in subjects]
    kinds = sorted(
        {kind: None for of in counts for kind in of}, key=lambda k: -sum(of.get(k, 0) for of in counts)
    )
    sent = [len(facts.calls) for facts in subjects]
    return [
        Line(
            words.error_kind(kind),
            tuple(_counted(of.get(kind, 0), n) for of, n in zip(counts, sent, strict=True)),
        )
        for kind in kinds
    ]


def attempt_error_lines(subjects: Sequence[Facts]) -> list[Line]:
    """Requests to providers that did not succeed, by error kind: also those a later attempt made good."""
    counts = []
    for facts in subjects:
        bad = facts.attempts[facts.attempts["outcome"] != "success"]
        kinds = bad["error_kind"].fillna(bad["outcome"])
        counts.append({str(kind): int(n) for kind, n in kinds.value_counts().items()})
    named = sorted(
        {kind: None for of in counts for kind in of}, key=lambda k: (-sum(of.get(k, 0) for of in counts), k)
    )
    sent = [len(facts.attempts) for facts in subjects]
    return [
        Line(
            words.error_kind(kind),
            tuple(_counted(of.get(kind, 0), n) for of, n in zip(counts, sent, strict=True)),
        )
        for kind in named
    ]


def _counted(count: int, of: int) -> str:
    return f"{count:,} ({text.share(count / of)})" if count else "0"


def accounting_lines(summary: Mapping[str, Any]) -> list[Line]:
    """The provider's bill against the subject's own books."""
    rows: tuple[tuple[str, str, Unit, str], ...] = (
        ("billed_usd", "Billed by the providers' ledger", "usd", ""),
        ("accounted_usd", "Accounted by the subject", "usd", ""),
        ("reconciliation_error_usd", "Billed − accounted", "usd", "exact, from integer nano-dollars"),
        (
            "reconciliation_gross_error_usd",
            "Sum of differences per attempt",
            "usd",
            "signs cannot cancel out",
        ),
        (
            "unmatched_rows",
            "Rows on one side only",
            "count",
            "a bill without an attempt, or a charge without a bill",
        ),
        ("mismatched_attempts", "Attempts priced differently", "count", ""),
        (
            "usage_unknown_attempts",
            "Attempts with estimated usage",
            "count",
            "the stream ended before its usage was told",
        ),
        ("wasted_usd", "Wasted", "usd", "billed, but answered no successful call"),
    )
    return [Line(label, _cells(summary, metric, unit), note) for metric, label, unit, note in rows]


def quality_lines(summary: Mapping[str, Any], manifest: Manifest) -> list[Line]:
    """What the load generator and its clock were worth in this run."""
    names = list(summary["subjects"])
    rows: tuple[tuple[str, str, Unit, str], ...] = (
        ("offered_rate", "Offered", "per_s", "planned calls per second"),
        ("achieved_rate", "Sent", "per_s", ""),
        ("send_lag_s_p99", "Send lag p99", "s", "sent minus planned; latencies count it in"),
        ("late_starts", "Sent more than 0.1 s late", "count", ""),
        ("dropped_arrivals", "Dropped by the generator", "count", ""),
    )
    lines = [Line(label, _cells(summary, metric, unit), note) for metric, label, unit, note in rows]
    cpu = tuple(_cpu(manifest.generator.get(name, Generator()).cpu_percent_max) for name in names)
    lines.append(Line("Load generator CPU, peak", cpu))
    told = "client's first content minus the provider's first sent content"
    for quantile in ("p50", "p99"):
        values = [summary["calibration"][name][f"ttft_error_s_{quantile}"] for name in names]
        cells = tuple(text.number(value, "s", values) for value in values)
        lines.append(Line(f"TTFT against the ledger {quantile}", cells, told))
    checked = tuple(f"{summary['calibration'][name]['n']:,}" for name in names)
    return [*lines, Line("Calls checked against the ledger", checked)]


def _cpu(percent: float | None) -> str:
    return text.MISSING if percent is None else f"{percent:.0f} %"


def _cells(summary: Mapping[str, Any], metric: str, unit: Unit) -> tuple[str, ...]:
    values = [metric_value(summary, name, metric) for name in summary["subjects"]]
    return tuple(text.number(value, unit, values) for value in values)


def provenance_lines(summary: Mapping[str, Any], manifest: Manifest) -> list[tuple[str, str]]:
    """Where the run came from: what it takes to repeat it and to recognise its record."""
    host, versions = manifest.host, manifest.versions
    lines = (
        ("Run", manifest.id),
        ("Started", manifest.started_at),
        ("Scenario", f"{manifest.scenario}, engine {manifest.engine}, seed {manifest.seed}"),
        ("Providers", manifest.profile and f"profile {manifest.profile}"),
        ("Arrivals", manifest.arrivals),
        ("Workload", manifest.workload),
        ("Measured", _measured(manifest)),
        ("Subjects", text.joined([_subject(subject) for subject in manifest.subjects])),
        ("SLO", text.joined(_objectives(manifest.slo))),
        ("Versions", ", ".join(f"{name} {version}" for name, version in versions.items() if version)),
        (
            "Host",
            ", ".join(filter(None, (f"{host.cpus} CPUs" if host.cpus else None, host.platform))),
        ),
        ("Git revision", manifest.git_revision),
        ("Record SHA-256", summary["record_sha256"]),
    )
    return [(label, value) for label, value in lines if value]


def _objectives(slo: Slo) -> list[str]:
    bounds = (("ttft", slo.ttft_s), ("e2e", slo.e2e_s))
    return [f"{name} ≤ {bound_s:g} s" for name, bound_s in bounds if bound_s is not None]


def _measured(manifest: Manifest) -> str:
    if manifest.duration_s is None:
        return ""
    warm = f", of which {manifest.warmup_s:g} s warm-up are left out" if manifest.warmup_s else ""
    return f"{manifest.duration_s:g} s of planned arrivals{warm}"


def _subject(subject: Subject) -> str:
    stack = f"stack {subject.stack}" if subject.stack else None
    via = f"via {subject.via}" if subject.via else None
    details = ", ".join(filter(None, (stack, via)))
    return f"{subject.name} ({details})" if details else subject.name
