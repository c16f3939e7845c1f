"""The difference of two subjects under one plan, with an interval that knows what they had in common.

Under one plan both got the same requests at the same times, and where they sent the same also the same luck
of the providers. The correlation comes from the influence of each group of calls on both estimates, paired by
call, or by session.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

from reports.stats.clusters import Influence
from reports.stats.intervals import mover

from .measures import Estimate, Mean, Measure, Rate, Total, half_width, rounded, why_no_interval

NOT_BY_CALL = "not known by call"


@dataclass(frozen=True, slots=True)
class Difference:
    """Ours minus theirs, with its 95 % interval; without one for the reason in `why`."""

    difference: float
    interval: tuple[float, float] | None
    why: str = ""

    @property
    def least(self) -> float | None:
        """The smallest difference that would be called one: half the interval's width."""
        return None if self.interval is None else (self.interval[1] - self.interval[0]) / 2

    def found_with(self, power: float = 0.8) -> float | None:
        """The true difference that is found with this power: least * (1 + z_power / z_95 %)."""
        normal = NormalDist()
        return (
            None if self.least is None else self.least * (1 + normal.inv_cdf(power) / normal.inv_cdf(0.975))
        )


def difference(ours: Measure, theirs: Measure) -> Difference | None:
    """Of two estimates; None for other measures, and where one is not measured or infinite."""
    if not isinstance(ours, Estimate) or not isinstance(theirs, Estimate):
        return None
    a, b = ours.value, theirs.value
    if a is None or b is None or not (math.isfinite(a) and math.isfinite(b)):
        return None
    found = _of_sums(ours, theirs, a - b) if _paired(ours, theirs) else _of_shares(ours, theirs, a, b)
    if isinstance(found, str):
        return Difference(rounded(a - b), None, found)
    return Difference(rounded(a - b), (rounded(found[0]), rounded(found[1])))


def _paired(ours: Estimate, theirs: Estimate) -> bool:
    """Whether the difference is a mean over the calls of both, whose variance can be estimated: not where a
    share is 0 % or 100 %, which hides its variance, and not for percentiles."""
    if isinstance(ours, Rate) and isinstance(theirs, Rate):
        influences = [of.sampled.influence for of in (ours, theirs) if not of.sampled.why]
        known = [of for of in influences if of is not None and of.groups > 1]
        return len(known) == 2 and not {ours.value, theirs.value} & {0.0, 1.0}
    return isinstance(ours, Mean | Total) and isinstance(theirs, Mean | Total)


def _of_sums(ours: Estimate, theirs: Estimate, value: float) -> tuple[float, float] | str:
    first, second = _influence(ours), _influence(theirs)
    if first is None or second is None:
        return getattr(ours, "why", "") or getattr(theirs, "why", "") or NOT_BY_CALL
    both = first.minus(second)
    if both.groups < 2:
        return "too few independent calls"
    half = half_width(both, 0.95)
    if isinstance(ours, Rate) and not half:  # no call differs: what so many pairs exclude at most
        half = 1 - 0.025 ** (1 / max(1, ours.of))
    return value - half, value + half


def _of_shares(ours: Estimate, theirs: Estimate, a: float, b: float) -> tuple[float, float] | str:
    ends = [_ends(estimate) for estimate in (ours, theirs)]
    for estimate, of in zip((ours, theirs), ends, strict=True):
        if of is None:
            return why_no_interval(estimate) or NOT_BY_CALL
    assert ends[0] is not None
    assert ends[1] is not None
    first, second = _influence(ours), _influence(theirs)
    correlation = first.correlation(second) if first is not None and second is not None else 0.0
    low, high = mover((a, *ends[0]), (b, *ends[1]), correlation)
    if not (math.isfinite(low) and math.isfinite(high)):
        return "too few calls"
    return (max(low, -1.0), min(high, 1.0)) if isinstance(ours, Rate) else (low, high)


def _ends(estimate: Estimate) -> tuple[float, float] | None:
    """The interval, an end infinite where it is not bounded; None without one."""
    interval = estimate.interval()
    if interval is None or interval == (None, None):
        return None
    low, high = interval
    return -math.inf if low is None else low, math.inf if high is None else high


def _influence(estimate: Estimate) -> Influence | None:
    return estimate.influence if isinstance(estimate, Mean | Total) else estimate.sampled.influence
