"""A run in one JSON object: each subject's metrics and intervals, the claims, whether to believe them."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..metrics import Facts, Measure, MetricOptions, Rate, bounds, facts_of, plain, subject_metrics
from ..metrics.measures import rounded
from ..record.run import SCHEMA_VERSION, Run, read_run, record_sha256
from ..stats.intervals import newcombe
from .calibration import ttft_error
from .claims import judge_claims
from .validity import judge_validity


def summarise(run: Run, options: MetricOptions | None = None) -> dict[str, Any]:
    """Everything derived from a run, ready for JSON.

    `subjects` holds the metrics. Null is what nobody measured, except for the names listed for that subject
    under `unbounded`: those are greater than any number (more calls failed than the percentile leaves out).
    `intervals` holds [low, high] at 95 % for rates (Wilson) and percentiles (order statistics), an end null
    where the sample does not bound it. `differences` compares each further subject's rates with the first
    subject's (Newcombe). `valid` is false when the validity verdict is INVALID.
    """
    facts = {name: facts_of(run, name, options) for name in run.subjects}
    measures = {name: subject_metrics(of, list(facts.values())) for name, of in facts.items()}
    subjects = {name: {metric: _number(m) for metric, m in of.items()} for name, of in measures.items()}
    calibration = {name: ttft_error(of.calls, of.attempts, of.ledger) for name, of in facts.items()}
    validity = judge_validity(run.manifest, subjects, calibration)
    summary: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "scenario": run.manifest.scenario,
        "engine": run.manifest.engine,
        "seed": run.manifest.seed,
        "status": run.manifest.status,
        "valid": validity["verdict"] != "INVALID",
        "validity": validity,
        "record_sha256": record_sha256(run),
        "subjects": subjects,
        "unbounded": {name: _unbounded(of) for name, of in measures.items()},
        "intervals": {name: _intervals(of) for name, of in measures.items()},
        "differences": _differences(run.subjects, measures),
        "calibration": {name: of.model_dump() for name, of in calibration.items()},
    }
    summary["claims"] = judge_claims(run.manifest.claims, summary)
    return summary


def subject_facts(run: Run) -> dict[str, Facts]:
    """Each subject's facts, as `summarise` sees them."""
    return {name: facts_of(run, name) for name in run.subjects}


def write_summary(path: Path | str) -> Path:
    """Summarise the run directory `path` into its `summary.json`; returns that file's path."""
    run = read_run(path)
    target = run.path / "summary.json"
    text = json.dumps(summarise(run), indent=2, ensure_ascii=False, allow_nan=False)
    target.write_text(text + "\n", "utf-8")
    return target


def _number(measure: Measure) -> Any:
    value = plain(measure)
    return None if isinstance(value, float) and math.isinf(value) else value


def _unbounded(measures: Mapping[str, Measure]) -> list[str]:
    values = {name: plain(measure) for name, measure in measures.items()}
    return [name for name, value in values.items() if isinstance(value, float) and math.isinf(value)]


def _intervals(measures: Mapping[str, Measure]) -> dict[str, list[float | None]]:
    found = {name: bounds(measure) for name, measure in measures.items()}
    return {name: interval for name, interval in found.items() if interval is not None}


def _differences(names: list[str], measures: Mapping[str, Mapping[str, Measure]]) -> dict[str, Any]:
    baseline = names[0]
    return {
        name: {"baseline": baseline, **_rate_differences(measures[name], measures[baseline])}
        for name in names[1:]
    }


def _rate_differences(ours: Mapping[str, Measure], theirs: Mapping[str, Measure]) -> dict[str, Any]:
    found = {}
    for metric, a in ours.items():
        b = theirs[metric]
        if isinstance(a, Rate) and isinstance(b, Rate) and a.value is not None and b.value is not None:
            interval = newcombe((a.hits, a.of), (b.hits, b.of))
            assert interval is not None
            found[metric] = {
                "difference": rounded(a.value - b.value),
                "interval": [rounded(end) for end in interval],
            }
    return found
