"""The table of results as strings, shared by page and terminal."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..analysis.compare import Comparison, compare
from ..analysis.summary import Summary
from ..metrics.basis.registry import Metric, catalogue
from . import format as text


@dataclass(frozen=True, slots=True)
class Cell:
    """One subject's value: formatted, as a number (inf: unbounded; None: unmeasured), its 95 % interval
    formatted or None, whether it clearly leads its row, and why it has no interval ("": it needs none)."""

    text: str
    value: float | None
    interval: str | None
    best: bool
    why: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """Second subject minus first. `tone`: better, worse, different, unclear (within noise) or same."""

    text: str
    interval: str | None
    tone: str


@dataclass(frozen=True, slots=True)
class Row:
    """`cells` in the subjects' order; `difference` only for two subjects; `minor` rows can be left out."""

    group: str
    metric: str
    label: str
    unit: str
    definition: str
    cells: tuple[Cell, ...]
    difference: Difference | None
    minor: bool


def kpi_rows(summary: Summary) -> list[Row]:
    """The metrics that at least one subject has, in the catalogue's order and groups."""
    rows = []
    for group in catalogue():
        for metric in group.metrics:
            row = _row(summary, group.title, metric)
            if any(cell.value is not None for cell in row.cells):
                rows.append(row)
    return rows


def _row(summary: Summary, group: str, metric: Metric) -> Row:
    names = summary.names
    values = [summary.value(name, metric.name) for name in names]
    best = _best(summary, metric, names, values)
    cells = tuple(
        Cell(
            text.number(value, metric.unit, values),
            value,
            text.interval(summary.subjects[name].intervals.get(metric.name), metric.unit, values),
            name == best,
            summary.subjects[name].no_interval.get(metric.name, ""),
        )
        for name, value in zip(names, values, strict=True)
    )
    difference = None
    if (
        summary.valid
        and len(names) == 2
        and (found := compare(summary, metric.name, names[1], names[0])) is not None
    ):
        difference = _difference(metric, found)
    return Row(
        group, metric.name, metric.label, metric.unit, metric.definition, cells, difference, metric.minor
    )


def _best(
    summary: Summary, metric: Metric, names: Sequence[str], values: Sequence[float | None]
) -> str | None:
    """The subject whose value is better than each other one by more than chance, if there is one."""
    if not summary.valid:
        return None
    measured = [(value, name) for value, name in zip(values, names, strict=True) if value is not None]
    if metric.better is None or len(measured) < 2:
        return None
    lead = max(measured) if metric.better == "higher" else min(measured)
    for value, name in measured:
        if name == lead[1]:
            continue
        found = compare(summary, metric.name, lead[1], name)
        if value == lead[0] or found is None or found.direction != "better":
            return None
    return lead[1]


def _difference(metric: Metric, found: Comparison) -> Difference:
    return Difference(difference_text(metric, found), difference_interval(metric, found), found.direction)


def difference_text(metric: Metric, found: Comparison) -> str:
    """The difference in the metric's unit: percentage points for shares, a ratio beside the others."""
    if found.direction == "same":
        return "="
    if found.delta is None:
        return "no longer ∞" if found.theirs == math.inf else "now ∞"
    if metric.unit == "share":
        return text.signed(f"{text.percent(abs(found.delta))} pp", found.delta)
    size = text.number(abs(found.delta), metric.unit)
    ratio = f" (×{found.ours / found.theirs:.2f})" if found.theirs and found.ours else ""
    return text.signed(size, found.delta) + ratio


def difference_interval(metric: Metric, found: Comparison) -> str | None:
    """The 95 % interval of a difference; that of shares in points."""
    if found.interval is None:
        return None
    if metric.unit == "share":
        return " to ".join(text.signed(text.percent(abs(end)), end) for end in found.interval) + " pp"
    ends = (text.signed(text.number(abs(end), metric.unit, found.interval), end) for end in found.interval)
    return " to ".join(ends)
