"""One run directory in, one self-contained page out: no network, no script, a finished run renders again."""

import re
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from ..analysis.summary import subject_facts, summarise
from ..metrics.registry import catalogue
from ..record.run import Run, read_run
from . import labels as words
from . import sections as views
from .figures import draw
from .table import Row, kpi_rows
from .verdict import verdict


def write_report(run_dir: Path | str) -> Path:
    """Render `run_dir` into its `report.html` from what was recorded alone; returns that file's path."""
    run = read_run(run_dir)
    target = run.path / "report.html"
    target.write_text(render(run), "utf-8")
    return target


def render(run: Run) -> str:
    """The page as text; the same run gives the same bytes."""
    summary, manifest = summarise(run), run.manifest
    facts, rows = list(subject_facts(run).values()), kpi_rows(summary)
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            manifest=manifest,
            summary=summary,
            names=run.subjects,
            titles={subject.name: subject.title for subject in manifest.subjects},
            verdict=verdict(summary, manifest),
            faults=[words.fault(fault) for fault in manifest.faults],
            groups=_grouped(rows),
            main_groups=_grouped([row for row in rows if not row.minor]),
            compared=len(run.subjects) == 2,
            claims=views.claim_lines(summary),
            figures=draw(facts, manifest) if any(len(of.calls) for of in facts) else {},
            errors=views.error_lines(facts),
            attempt_errors=views.attempt_error_lines(facts),
            accounting=views.accounting_lines(summary),
            quality=views.quality_lines(summary, manifest),
            provenance=views.provenance_lines(summary, manifest),
            catalogue=catalogue(),
        )
    )


def _grouped(rows: Sequence[Row]) -> list[tuple[str, list[Row]]]:
    return [(title, list(group)) for title, group in groupby(rows, lambda row: row.group)]


def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("reports.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["names"] = set_names
    made.filters["svg"] = Markup
    return made


def set_names(sentence: Any) -> Markup:
    """A sentence with its `backticked` names as code, escaped; numbers stay with their units."""
    safe = re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(sentence)))
    safe = re.sub(r"(?<=\d)–(?=\d)", "–&#8288;", safe)
    return Markup(re.sub(r"(?<=\d) (?=(?:%|pp|s|ms)(?!\w))", "&nbsp;", safe))
