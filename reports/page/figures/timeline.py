"""The run over time, per subject: offered load, its outcomes, and time to first token."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from reports.metrics import Facts
from reports.metrics.basis.facts import floats
from reports.metrics.reliability import error_counts
from reports.page import format as text
from reports.page import labels
from reports.record.manifest import Manifest
from reports.stats.intervals import Floats, nearest_rank

from .canvas import (
    ERRORS,
    INK,
    MUTED,
    NARROW,
    WIDE,
    Drawing,
    Key,
    axes,
    color,
    figure,
    seconds_axis,
    subject_role,
    svg,
)
from .ranking import ranked
from .time_axis import bin_edges, fault_bands, histogram, share_scale, time_ticks


def error_kinds(subjects: Sequence[Facts]) -> list[str]:
    """The kinds with a colour of their own, most frequent first over all subjects; the rest is "other"."""
    return ranked(map(error_counts, subjects), ERRORS)


def timeline(subjects: Sequence[Facts], manifest: Manifest) -> Drawing:
    """Small multiples on one time axis: two rows per subject, side by side where there is room."""
    kinds = error_kinds(subjects)
    keys = [
        Key("ink", "offered", "line"),
        *(Key(subject_role(i), f"{facts.subject}: answered") for i, facts in enumerate(subjects)),
        *(Key(f"e{i}", labels.error_kind(kind)) for i, kind in enumerate(kinds)),
        *([Key("fault", "fault active", "band")] if manifest.faults else []),
    ]
    edges = _edges(subjects, manifest)
    columns = min(len(subjects), 2 if len(subjects) in (2, 4) else 3)
    return Drawing(
        "timeline",
        "Over time",
        f"Calls per second by planned start, in bins of {edges[1] - edges[0]:g} s: the line is what was "
        "offered, the areas what became of it. Below, time to first token of the calls that were answered: "
        "solid line p50, dashed p95, logarithmic.",
        tuple(keys),
        _draw(subjects, manifest, kinds, edges, WIDE, columns),
        _draw(subjects, manifest, kinds, edges, NARROW, 1),
    )


def _edges(subjects: Sequence[Facts], manifest: Manifest) -> Floats:
    last = max((float(f.planned_s.max()) for f in subjects if len(f.calls)), default=1.0)
    return bin_edges(max(manifest.duration_s or 0.0, last))


def _draw(
    subjects: Sequence[Facts],
    manifest: Manifest,
    kinds: Sequence[str],
    edges: Floats,
    width: int,
    columns: int,
) -> str:
    bands = math.ceil(len(subjects) / columns)
    drawn = figure(width, bands * (360 if columns > 1 or width == WIDE else 330))
    grid = axes(drawn, 2 * bands, columns, [1.35, 1.0] * bands)
    pairs = [pair for rows in zip(grid[::2], grid[1::2], strict=True) for pair in zip(*rows, strict=True)]
    for index, (upper, lower) in enumerate(pairs):
        if index >= len(subjects):
            upper.set_visible(False)
            lower.set_visible(False)
            continue
        _calls_panel(upper, subjects[index], index, kinds, edges)
        _ttft_panel(lower, subjects[index], index, edges)
        fault_bands((upper, lower), manifest, edges)
    shown = pairs[: len(subjects)]
    share_scale([upper for upper, _ in shown], manifest)
    _share_log_scale([lower for _, lower in shown])
    name = f"timeline-{width}"
    return svg(drawn, name, "Timeline of calls and time to first token per subject")


def _calls_panel(axis: Axes, facts: Facts, index: int, kinds: Sequence[str], edges: Floats) -> None:
    width = float(edges[1] - edges[0])
    answered = histogram(facts.planned_s[facts.success], edges) / width
    axis.stairs(answered, edges, fill=True, facecolor=color(subject_role(index)), linewidth=0)
    error = facts.calls["error_kind"].fillna("unknown").to_numpy(dtype=str)
    base = answered
    for i, kind in enumerate(kinds):
        mine = ~np.isin(error, kinds) if kind == "other" else error == kind
        top = base + histogram(facts.planned_s[~facts.success & mine], edges) / width
        axis.stairs(top, edges, baseline=base, fill=True, facecolor=color(f"e{i}"), linewidth=0)
        base = top
    offered = histogram(floats(facts.recorded, "planned_s"), edges) / width
    axis.stairs(offered, edges, color=INK, linewidth=1.1, baseline=None)
    rate = text.number(float(facts.success.mean()), "share") if len(facts.calls) else "none"
    axis.set_title(facts.subject, loc="left", fontweight="bold", color=color(subject_role(index)))
    axis.set_title(f"{rate} of {len(facts.calls):,} answered", loc="right", color=MUTED, fontsize=12)
    axis.set_ylabel("calls/s")
    axis.set_xlim(float(edges[0]), float(edges[-1]))
    axis.tick_params(labelbottom=False)


def _ttft_panel(axis: Axes, facts: Facts, index: int, edges: Floats) -> None:
    middle = (edges[:-1] + edges[1:]) / 2
    p50, p95 = (_binned(facts, edges, q) for q in (0.50, 0.95))
    mine = color(subject_role(index))
    axis.fill_between(middle, p50, p95, color=mine, alpha=0.16, linewidth=0)
    small: dict[str, Any] = {"marker": "o", "markersize": 2.6, "markeredgewidth": 0}
    axis.plot(middle, p50, color=mine, linewidth=1.8, **small)
    axis.plot(middle, p95, color=mine, linewidth=1.2, linestyle=(0, (4, 2)), **small)
    if not (p95 > 0).any():  # nothing answered, or at once: no limits to find on a logarithmic axis
        axis.set_ylim(0.1, 1.0)
    axis.set_yscale("log")
    axis.set_ylabel("TTFT")
    axis.set_xlim(float(edges[0]), float(edges[-1]))
    time_ticks(axis, edges)


def _binned(facts: Facts, edges: Floats, q: float) -> Floats:
    """TTFT quantile of the answered calls planned in each bin; NaN where none was."""
    known = facts.success & ~np.isnan(facts.ttft_s)
    planned, ttft = facts.planned_s[known], facts.ttft_s[known]
    place = np.searchsorted(edges, planned, side="right") - 1
    found = np.full(len(edges) - 1, np.nan)
    for k in range(len(found)):
        value = nearest_rank(np.sort(ttft[place == k]), q)
        found[k] = np.nan if value is None else value
    return found


def _share_log_scale(panels: Sequence[Axes]) -> None:
    limits = [axis.dataLim for axis in panels if np.isfinite(axis.dataLim.y0) and axis.dataLim.y0 > 0]
    low = min((limit.y0 for limit in limits), default=0.1) / 1.4
    high = max((limit.y1 for limit in limits), default=1.0) * 1.4
    for axis in panels:
        axis.set_ylim(low, max(high, low * 4))
        seconds_axis(axis, "y", low, max(high, low * 4))
