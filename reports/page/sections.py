"""The smaller tables of the page as rows of strings: claims, errors, accounting, measurement quality."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reports.record.manifest import ClientError, Generator, Manifest, Slo, Subject

from ..analysis.claims import ClaimResult
from ..analysis.summary import Summary
from ..metrics import Facts
from ..metrics.basis.registry import LOAD, METRICS, Metric, Unit
from ..metrics.reliability import error_counts
from . import format as text
from . import labels

ACCOUNTING = (
    "billed_usd",
    "accounted_usd",
    "reconciliation_error_usd",
    "reconciliation_gross_error_usd",
    "unmatched_rows",
    "mismatched_attempts",
    "usage_unknown_attempts",
    "wasted_usd",
)


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
    formatted: str | None
    verdict: str
    why: str = ""


def claim_lines(summary: Summary) -> list[ClaimLine]:
    """The claims of a run with their verdicts."""
    return [_claim_line(summary, claim) for claim in summary.claims]


def _claim_line(summary: Summary, claim: ClaimResult) -> ClaimLine:
    observed = summary.value(claim.subject, claim.metric)
    known = METRICS.get(claim.metric)
    subject = summary.subjects.get(claim.subject)
    ends = subject.intervals.get(claim.metric) if subject else None
    exact = text.number(observed, "count") if observed in (None, math.inf) else f"{observed:.6g}"
    return ClaimLine(
        claim.text,
        f"`{claim.subject}` {claim.metric}",
        claim.expected.replace(">=", "≥").replace("<=", "≤").replace("==", "=").replace("..", "to"),
        exact,
        _formatted(observed, ends, known.unit) if known else None,
        claim.verdict,
        claim.not_judged,
    )


def _formatted(observed: float | None, ends: Sequence[float | None] | None, unit: Unit) -> str | None:
    """ "65.2 % (61.3–68.9 %)" """
    if observed is None:
        return None
    interval = text.interval(ends, unit)
    return text.number(observed, unit) + (f" ({interval})" if interval else "")


def error_lines(subjects: Sequence[Facts]) -> list[Line]:
    """Calls without an answer by error kind, with their share of the calls sent."""
    return _count_lines(list(map(error_counts, subjects)), [len(facts.calls) for facts in subjects])


def attempt_error_lines(subjects: Sequence[Facts]) -> list[Line]:
    """Attempts that did not succeed by error kind, with their share of all attempts; a later attempt may
    have answered the call."""
    counts = []
    for facts in subjects:
        bad = facts.attempts[facts.attempts["outcome"] != "success"]
        kinds = bad["error_kind"].fillna(bad["outcome"])
        counts.append({str(kind): int(n) for kind, n in kinds.value_counts().items()})
    return _count_lines(counts, [len(facts.attempts) for facts in subjects])


def _count_lines(counts: Sequence[Mapping[str, int]], totals: Sequence[int]) -> list[Line]:
    """A line per error kind, most frequent over all subjects first."""
    kinds = {kind: sum(of.get(kind, 0) for of in counts) for of in counts for kind in of}
    return [
        Line(
            labels.error_kind(kind),
            tuple(_counted(of.get(kind, 0), n) for of, n in zip(counts, totals, strict=True)),
        )
        for kind in sorted(kinds, key=lambda kind: (-kinds[kind], kind))
    ]


def _counted(count: int, of: int) -> str:
    return f"{count:,} ({text.share(count / of)})" if count else "0"


def client_errors(manifest: Manifest) -> list[tuple[str, ClientError]]:
    """(subject, kind of exception) of all that the users' clients raised, most frequent first."""
    kinds = [(name, each) for name, of in manifest.client_errors.items() for each in of]
    return sorted(kinds, key=lambda kind: -kind[1].count)


def accounting_lines(summary: Summary) -> list[Line]:
    """The provider's bill against the subject's own books."""
    return [_metric_line(summary, METRICS[name]) for name in ACCOUNTING]


def quality_lines(summary: Summary, manifest: Manifest) -> list[Line]:
    """How well the load generator kept to the plan, and its clock to the providers' ledger."""
    lines = [_metric_line(summary, known) for known in METRICS.values() if known.group == LOAD]
    subjects = summary.subjects.values()
    cpu = tuple(_cpu(manifest.generator.get(name, Generator()).cpu_percent_max) for name in summary.names)
    lines.append(Line("Load generator CPU, peak", cpu))
    note = "client's first content minus the provider's first sent content, without what the stack held back"
    p01 = [subject.calibration.ttft_error_s_p01 for subject in subjects]
    p50 = [subject.calibration.ttft_error_s_p50 for subject in subjects]
    p99 = [subject.calibration.ttft_error_s_p99 for subject in subjects]
    if any(value is not None for value in p01):
        lines.append(Line("TTFT against the ledger p1", _seconds(p01), note))
    lines.append(Line("TTFT against the ledger p50", _seconds(p50), note))
    lines.append(Line("TTFT against the ledger p99", _seconds(p99), note))
    checked = tuple(f"{subject.calibration.n:,}" for subject in subjects)
    return [*lines, Line("Calls checked against the ledger", checked)]


def _cpu(percent: float | None) -> str:
    return text.MISSING if percent is None else f"{percent:.0f} %"


def _seconds(values: Sequence[float | None]) -> tuple[str, ...]:
    return tuple(text.number(value, "s", values) for value in values)


def _metric_line(summary: Summary, known: Metric) -> Line:
    values = [summary.value(name, known.name) for name in summary.names]
    return Line(
        known.label, tuple(text.number(value, known.unit, values) for value in values), known.definition
    )


def provenance_lines(summary: Summary, manifest: Manifest) -> list[tuple[str, str]]:
    """The origin of the run: how to repeat it and how to recognise its record."""
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
        ("Record SHA-256", summary.record_sha256),
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
