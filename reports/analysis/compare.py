"""Two subjects, one metric: is there a difference that this many calls can show, and which way is it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ..metrics.registry import METRICS
from .claims import metric_value

Direction = Literal["better", "worse", "different", "unclear", "same"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """`delta` = ours - theirs (None when one is unmeasured or infinite). `interval` of a rate's difference.

    `direction` is "unclear" when the intervals cannot tell the two apart: the difference of rates' interval
    holds 0, or the percentiles' intervals overlap. Counts and sums are facts of the run and have no interval.
    """

    ours: float | None
    theirs: float | None
    delta: float | None
    interval: tuple[float, float] | None
    direction: Direction


def compare(summary: Mapping[str, Any], metric: str, subject: str, baseline: str) -> Comparison | None:
    """How `subject` differs from `baseline`; None when either was not measured."""
    ours, theirs = (metric_value(summary, name, metric) for name in (subject, baseline))
    if ours is None or theirs is None:
        return None
    finite = math.isfinite(ours) and math.isfinite(theirs)
    stated = summary["differences"].get(subject, {})
    found = stated.get(metric) if stated.get("baseline") == baseline else None
    interval = (found["interval"][0], found["interval"][1]) if found else None
    return Comparison(
        ours,
        theirs,
        ours - theirs if finite else None,
        interval,
        _direction(metric, ours, theirs, _told_apart(summary, metric, (subject, baseline), interval)),
    )


def _told_apart(
    summary: Mapping[str, Any], metric: str, names: tuple[str, str], interval: tuple[float, float] | None
) -> bool:
    if interval is not None:
        return not interval[0] <= 0 <= interval[1]
    a, b = (summary["intervals"][name].get(metric) for name in names)
    if a is None or b is None:
        return METRICS[metric].unit != "s" or any(metric in summary["unbounded"][name] for name in names)
    return _below(a, b) or _below(b, a)


def _below(a: list[float | None], b: list[float | None]) -> bool:
    return a[1] is not None and b[0] is not None and a[1] < b[0]


def _direction(metric: str, ours: float, theirs: float, told_apart: bool) -> Direction:
    if ours == theirs or math.isclose(ours, theirs, rel_tol=1e-9):
        return "same"
    if not told_apart:
        return "unclear"
    better = METRICS[metric].better
    if better is None:
        return "different"
    return "better" if (ours > theirs) == (better == "higher") else "worse"
