"""Routers: right answers against dollars, a point per subject, and the line of random mixing."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, PercentFormatter

from reports.metrics import Facts
from reports.metrics.routing_gap import Gap, Point, curve_of, gap_of, point_of

from .canvas import MUTED, NARROW, SURFACE, WIDE, Drawing, Key, axes, color, figure, subject_role, svg


def routing(subjects: Sequence[Facts]) -> Drawing | None:
    """Quality against cost; None for a run without a subject at each end."""
    gap = gap_of(subjects)
    if gap is None:
        return None
    points = {i: point for i, facts in enumerate(subjects) if (point := point_of(facts)) is not None}
    curves = {i: curve_of(subjects[i], subjects) for i in points}
    return Drawing(
        "routing",
        "Quality against cost",
        "Right answers of all calls sent, and what the providers billed. The dashed line is what sending a "
        "share of the calls to the large model at random gives: a router is worth its height above "
        "that line. A thin line is the same router at other thresholds.",
        (*(Key(subject_role(i), subjects[i].subject) for i in points), Key("muted", "random mixing", "line")),
        _draw(gap, points, curves, WIDE),
        _draw(gap, points, curves, NARROW),
    )


def _draw(gap: Gap, points: dict[int, Point], curves: dict[int, list[Point]], width: int) -> str:
    drawn = figure(width, 360 if width == WIDE else 300)
    axis = axes(drawn, 1, 1)[0][0]
    ends = (gap.small, gap.large)
    axis.plot(*_xy(ends), color=MUTED, linewidth=1.2, linestyle=(0, (5, 3)))
    for index, curve in curves.items():
        if len(curve) > 1:
            axis.plot(*_xy((gap.small, *curve, gap.large)), color=color(subject_role(index)), linewidth=1.2)
    for index, point in points.items():
        mine = color(subject_role(index))
        axis.plot([point.usd], [point.quality], "o", color=mine, markersize=9, markeredgecolor=SURFACE)
    _scale(axis, list(points.values()), width)
    return svg(drawn, f"routing-{width}", "Right answers against dollars per 1,000 calls, per subject")


def _xy(points: Sequence[Point]) -> tuple[list[float], list[float]]:
    return [point.usd for point in points], [point.quality for point in points]


def _scale(axis: Axes, points: Sequence[Point], width: int) -> None:
    low, high = (float(end([point.quality for point in points])) for end in (np.min, np.max))
    room = max((high - low) * 0.12, 0.01)
    axis.set_ylim(max(low - room, 0), min(high + room, 1.02))
    axis.set_xlim(0, max(point.usd for point in points) * 1.06 or 1.0)
    axis.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=" %"))
    axis.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axis.xaxis.set_major_locator(MaxNLocator(8 if width == WIDE else 4, steps=[1, 2, 5, 10]))
    axis.xaxis.set_major_formatter(lambda value, _: f"${value:g}")
    axis.set_xlabel("per 1,000 calls")
    axis.set_title("Right answers")
