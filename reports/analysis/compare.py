"""Two subjects, one metric: whether this many calls can show a difference, and in which direction."""

import math
from dataclasses import dataclass
from typing import Literal

from ..metrics.basis.measures import Ends
from ..metrics.basis.registry import METRICS
from .summary import Summary

Direction = Literal["better", "worse", "different", "unclear", "same"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """`delta` = ours - theirs (None when one is infinite). `interval`: 95 %, of the difference, where the run
    has one (against its first subject).

    `direction` is "unclear" when the run cannot tell the two apart: the interval of the difference holds 0;
    or, without it, those of the two overlap, or are not known. An infinite value differs from a finite one.
    """

    ours: float
    theirs: float
    delta: float | None
    interval: tuple[float, float] | None
    direction: Direction


def compare(summary: Summary, metric: str, subject: str, baseline: str) -> Comparison | None:
    """How `subject` differs from `baseline`; None when either was not measured."""
    ours, theirs = (summary.value(name, metric) for name in (subject, baseline))
    if ours is None or theirs is None:
        return None
    finite = math.isfinite(ours) and math.isfinite(theirs)
    known = summary.subjects[subject]
    found = known.differences.get(metric) if known.baseline == baseline else None
    interval = found.interval if found else None
    differ = _differ(summary, metric, (subject, baseline), interval)
    return Comparison(
        ours,
        theirs,
        ours - theirs if finite else None,
        interval,
        _direction(metric, ours, theirs, differ),
    )


def _differ(
    summary: Summary, metric: str, names: tuple[str, str], interval: tuple[float, float] | None
) -> bool:
    if interval is not None:
        return not interval[0] <= 0 <= interval[1]
    a, b = (summary.subjects[name].intervals.get(metric) for name in names)
    if a is None or b is None:
        return any(metric in summary.subjects[name].unbounded for name in names)
    return _below(a, b) or _below(b, a)


def _below(a: Ends, b: Ends) -> bool:
    return a[1] is not None and b[0] is not None and a[1] < b[0]


def _direction(metric: str, ours: float, theirs: float, differ: bool) -> Direction:
    if ours == theirs or math.isclose(ours, theirs, rel_tol=1e-9):
        return "same"
    if not differ:
        return "unclear"
    better = METRICS[metric].better
    if better is None:
        return "different"
    return "better" if (ours > theirs) == (better == "higher") else "worse"
