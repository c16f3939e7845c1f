"""The report: one self-contained page without network or script, rendered again from any finished run."""

import re
from collections.abc import Sequence
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from ..analysis.analyse import Analysis, analysis_of
from ..analysis.exposure import faults_met
from ..metrics import Facts
from ..metrics.basis.registry import catalogue
from ..record.manifest import Fault, Manifest
from ..record.whole_file import write_whole
from . import sections
from .by_fault import by_fault_lines
from .figures import draw
from .machine import calibration_lines, calibration_sentence
from .table import Row, kpi_rows
from .trace import trace_lines
from .verdict import verdict


def write_report(source: Analysis | Path | str) -> Path:
    """Write the `report.html` of an analysis or of a run directory; returns that file's path."""
    analysis = analysis_of(source)
    target = analysis.run.path / "report.html"
    write_whole(target, render(analysis))
    return target


def render(analysis: Analysis) -> str:
    """The page as text; the same run gives the same bytes."""
    summary, manifest = analysis.summary, analysis.run.manifest
    facts, rows = list(analysis.facts.values()), kpi_rows(summary)
    page = _environment(summary.names).get_template("report.html.j2")
    return page.render(
        manifest=manifest,
        summary=summary,
        names=summary.names,
        titles={subject.name: subject.title for subject in manifest.subjects},
        verdict=verdict(summary, manifest, _met(facts, manifest)),
        client_errors=sections.client_errors(manifest),
        groups=_grouped(rows),
        main_groups=_grouped([row for row in rows if not row.minor]),
        compared=len(summary.names) == 2,
        claims=sections.claim_lines(summary),
        figures=draw(facts, manifest) if any(len(of.calls) for of in facts) else {},
        errors=sections.error_lines(facts),
        attempt_errors=sections.attempt_error_lines(facts),
        by_fault=by_fault_lines(summary),
        accounting=sections.accounting_lines(summary),
        quality=sections.quality_lines(summary, manifest),
        calibration=calibration_sentence(manifest),
        calibration_lines=calibration_lines(manifest),
        provenance=sections.provenance_lines(summary, manifest),
        trace=[] if manifest.trace is None else trace_lines(manifest.trace),
        catalogue=catalogue(),
    )


def _met(facts: Sequence[Facts], manifest: Manifest) -> list[Fault]:
    """The scheduled faults that calls of at least one subject met."""
    met = [fault for of in facts for fault in faults_met(of)]
    return [fault for fault in manifest.faults if fault in met]


def _grouped(rows: Sequence[Row]) -> list[tuple[str, list[Row]]]:
    return [(title, list(group)) for title, group in groupby(rows, lambda row: row.group)]


def _environment(names: Sequence[str]) -> Environment:
    made = Environment(
        loader=PackageLoader("reports.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["names"] = partial(set_names, names=names)
    made.filters["svg"] = Markup
    return made


def set_names(sentence: Any, names: Sequence[str] = ()) -> Markup:
    """A sentence escaped, with `names` in backticks as code and numbers kept beside their units.

    Other backticks are the user's own, and stay.
    """
    safe = str(escape(sentence))
    for name in map(str, map(escape, names)):
        safe = safe.replace(f"`{name}`", f"<code>{name}</code>")
    safe = re.sub(r"(?<=\d)–(?=\d)", "–&#8288;", safe)
    return Markup(re.sub(r"(?<=\d) (?=(?:%|pp|s|ms)(?!\w))", "&nbsp;", safe))
