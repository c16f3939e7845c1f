"""The analysis of a run, made once and passed as a value to summary, report and terminal."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..metrics import Facts, Measure, MetricOptions, bounds, facts_of, plain, subject_metrics
from ..metrics.basis.differences import Difference, difference
from ..metrics.basis.measures import why_no_interval
from ..record.run import Run, read_run, record_sha256
from ..record.whole_file import write_whole
from .calibration import ttft_error
from .claims import judge_claims, withheld
from .conservation import conservation
from .offered_load import offered_load
from .subject import SubjectSummary
from .summary import Summary
from .validity import judge_validity


@dataclass(frozen=True, slots=True)
class Analysis:
    """A run, each subject's facts cut to the measured window, and what was derived from them."""

    run: Run
    facts: Mapping[str, Facts]
    summary: Summary


def analyse(run: Run, options: MetricOptions | None = None) -> Analysis:
    """Compute every metric, interval, difference, claim and the validity of a run."""
    facts = subject_facts(run, options)
    measures = {name: subject_metrics(of, list(facts.values())) for name, of in facts.items()}
    baseline = run.subjects[0]
    subjects = {
        name: SubjectSummary(
            name,
            {metric: plain(measure) for metric, measure in of.items()},
            {metric: ends for metric, measure in of.items() if (ends := bounds(measure)) is not None},
            ttft_error(facts[name].calls, facts[name].attempts, facts[name].ledger),
            None if name == baseline else baseline,
            {} if name == baseline else _differences(of, measures[baseline]),
            {metric: why for metric, measure in of.items() if (why := why_no_interval(measure))},
        )
        for name, of in measures.items()
    }
    manifest = run.manifest
    conserved = conservation(run)
    loads = {name: offered_load(run.calls[run.calls["subject"] == name]) for name in run.subjects}
    validity = judge_validity(manifest, subjects, conserved=conserved, loads=loads)
    summary = Summary(
        manifest.scenario,
        manifest.engine,
        manifest.seed,
        manifest.status,
        validity,
        record_sha256(run),
        subjects,
        judge_claims(manifest.claims, subjects, withheld(manifest, validity, facts)),
    )
    return Analysis(run, facts, summary)


def analysis_of(source: Analysis | Path | str) -> Analysis:
    """`source` itself, or the analysis of the run directory that it names."""
    return source if isinstance(source, Analysis) else analyse(read_run(source))


def summarise(run: Run, options: MetricOptions | None = None) -> Summary:
    """The summary of a run alone."""
    return analyse(run, options).summary


def subject_facts(run: Run, options: MetricOptions | None = None) -> dict[str, Facts]:
    """Each subject's facts, in the manifest's order."""
    return {name: facts_of(run, name, options) for name in run.subjects}


def write_summary(source: Analysis | Path | str) -> Path:
    """Write the `summary.json` of an analysis or a run directory; returns that file's path."""
    analysis = analysis_of(source)
    target = analysis.run.path / "summary.json"
    text = json.dumps(analysis.summary.as_json(), indent=2, ensure_ascii=False, allow_nan=False)
    write_whole(target, text + "\n")
    return target


def _differences(ours: Mapping[str, Measure], theirs: Mapping[str, Measure]) -> dict[str, Difference]:
    found = {metric: difference(measure, theirs[metric]) for metric, measure in ours.items()}
    return {metric: of for metric, of in found.items() if of is not None}
