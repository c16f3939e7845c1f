"""Distributions of latency over all calls sent: a curve ends at the share of calls that were answered."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from reports.metrics import Facts
from reports.page.format import percent
from reports.stats.intervals import Floats

from .canvas import MUTED, NARROW, WIDE, Drawing, Key, axes, color, figure, seconds_axis, subject_role, svg

_MOST_POINTS = 400
_LEAST_S = 0.001  # where the axis begins at the latest: a hit in virtual time takes none at all


def distributions(subjects: Sequence[Facts]) -> Drawing:
    """Empirical distributions of TTFT and total latency over all calls sent (so: error-adjusted)."""
    return Drawing(
        "distributions",
        "Latency distributions",
        "Share of all calls sent that had their first token, or their whole reply, within a time since their "
        "planned start. A curve levels off at its subject's success rate; where it crosses 95 % is the "
        "error-adjusted p95.",
        tuple(Key(subject_role(i), facts.subject, "line") for i, facts in enumerate(subjects)),
        _draw(subjects, WIDE),
        _draw(subjects, NARROW),
    )


def _draw(subjects: Sequence[Facts], width: int) -> str:
    side_by_side = width == WIDE
    drawn = figure(width, 300 if side_by_side else 480)
    grid = axes(drawn, *((1, 2) if side_by_side else (2, 1)))
    panels = [axis for row in grid for axis in row]
    for axis, title, samples in (
        (panels[0], "Time to first token", [f.ttft_s[f.success] for f in subjects]),
        (panels[1], "Total time", [f.e2e_s[f.success] for f in subjects]),
    ):
        axis.set_title(title)
        known = [sample[~np.isnan(sample)] for sample in samples]
        _curves(axis, known, [len(f.calls) for f in subjects])
    return svg(drawn, f"distributions-{width}", "Latency distributions per subject")


def _curves(axis: Axes, samples: Sequence[Floats], sent: Sequence[int]) -> None:
    seen = np.concatenate(samples) if samples else np.empty(0)
    seen = np.maximum(seen, _LEAST_S)
    low, high = (float(seen.min()) / 1.15, float(seen.max()) * 1.3) if len(seen) else (0.1, 10.0)
    axis.set_xscale("log")
    axis.set_xlim(low, high)
    seconds_axis(axis, "x", low, high)
    axis.axhline(0.95, color=MUTED, linewidth=0.9, linestyle=(0, (2, 3)))
    axis.annotate(
        "95 %", (low, 0.95), (4, -4), textcoords="offset points", color=MUTED, fontsize=11, va="top"
    )
    for index, (sample, count) in enumerate(zip(samples, sent, strict=True)):
        if count and len(sample):
            _curve(axis, np.sort(np.maximum(sample, low)), count, high, color(subject_role(index)))
    axis.set_ylim(0, 1.04)
    axis.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=" %"))


def _curve(axis: Axes, ordered: Floats, sent: int, end: float, mine: str) -> None:
    ranks = np.arange(1, len(ordered) + 1)
    if len(ordered) > _MOST_POINTS:
        kept = np.unique(np.linspace(0, len(ordered) - 1, _MOST_POINTS).round().astype(int))
        ordered, ranks = ordered[kept], ranks[kept]
    share = ranks / sent
    axis.step(np.append(ordered[0], ordered), np.append(0.0, share), where="post", color=mine, linewidth=1.9)
    reached = float(share[-1])
    if reached < 1:
        axis.plot([ordered[-1], end], [reached, reached], color=mine, linewidth=1.4, linestyle=(0, (1, 2)))
        axis.annotate(
            f"{percent(reached)} %",
            (end, reached),
            (4, 0),
            textcoords="offset points",
            va="center",
            fontsize=11,
            color=mine,
        )
