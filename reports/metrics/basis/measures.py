"""Values of metrics. Rates, percentiles, means and totals keep what their uncertainty is computed from."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import NormalDist

import numpy as np

from reports.stats.clusters import Influence
from reports.stats.intervals import Floats, clopper_pearson, nearest_rank, quantile_interval, wilson
from reports.stats.student_t import t_quantile

Ends = tuple[float | None, float | None]
"""Low and high end of an interval; None where it is not bounded."""


@dataclass(frozen=True, slots=True)
class Sampled:
    """How the calls behind an estimate vary.

    `worth`: the number of independent calls that they are worth (None: all are independent), and `freedom`,
    the degrees of freedom of that number. `influence` of each group, to compare two estimates of the same
    calls; None: their correlation is not known and counts as 0. `why`: why nothing is known of their
    variation, so that there is no interval. `lumps`: many calls have one outcome (of one answer).
    """

    worth: float | None = None
    freedom: float | None = None
    influence: Influence | None = None
    why: str = ""
    lumps: bool = False

    def effective(self, confidence: float) -> float | None:
        """`worth`, less where few groups make it uncertain itself (E. Korn and B. Graubard, 1998)."""
        if self.worth is None or self.freedom is None:
            return self.worth
        normal = NormalDist().inv_cdf((1 + confidence) / 2)
        return self.worth * (normal / t_quantile((1 + confidence) / 2, max(1, round(self.freedom)))) ** 2


INDEPENDENT = Sampled()


@dataclass(frozen=True, slots=True)
class Rate:
    """`hits` of `of` calls; the value is None (unmeasured) when `of` is 0. Interval: Wilson's, where
    outcomes come in lumps Clopper's and Pearson's, of the independent calls that they are worth."""

    hits: int
    of: int
    sampled: Sampled = field(default=INDEPENDENT, compare=False, repr=False)

    @property
    def value(self) -> float | None:
        return self.hits / self.of if self.of else None

    def interval(self, confidence: float = 0.95) -> Ends | None:
        worth = self.sampled.effective(confidence)
        if not self.of or self.sampled.why:
            return None
        rate = self.hits / self.of
        if worth is not None and self.sampled.lumps:
            return clopper_pearson(rate, worth, confidence)
        return wilson(rate, self.of if worth is None else worth, confidence)


@dataclass(frozen=True, slots=True)
class Quantile:
    """The nearest-rank q-quantile of an ascending sample, which may end in +inf (never answered). Interval:
    order statistics."""

    ordered: Floats
    q: float
    sampled: Sampled = field(default=INDEPENDENT, compare=False, repr=False)

    @classmethod
    def of(cls, sample: Floats, q: float) -> "Quantile":
        return cls(np.sort(sample[~np.isnan(sample)]), q)

    @property
    def value(self) -> float | None:
        return nearest_rank(self.ordered, self.q)

    def interval(self, confidence: float = 0.95) -> Ends | None:
        if not len(self.ordered) or self.sampled.why:
            return None
        return quantile_interval(self.ordered, self.q, confidence, self.sampled.effective(confidence))


@dataclass(frozen=True, slots=True)
class Mean:
    """A ratio of two sums over calls, such as dollars per 1,000 calls. Interval: ± t standard errors, from
    the influence of each independent group; none without it, for the reason in `why`."""

    value: float | None
    influence: Influence | None = field(default=None, compare=False, repr=False)
    why: str = ""

    def interval(self, confidence: float = 0.95) -> Ends | None:
        if self.value is None or self.influence is None or self.influence.groups < 2:
            return None
        half = half_width(self.influence, confidence)
        return self.value - half, self.value + half


@dataclass(frozen=True, slots=True)
class Total:
    """A count or a sum over the run: a fact, so it has no interval; differences of two have one."""

    value: float
    influence: Influence | None = field(default=None, compare=False, repr=False)

    def interval(self, confidence: float = 0.95) -> Ends | None:
        """None: the run is what is counted."""
        return None


Plain = int | float | None | dict[str, float] | dict[str, int]
Estimate = Rate | Quantile | Mean | Total
Measure = Estimate | Plain


def half_width(influence: Influence, confidence: float) -> float:
    """t standard errors of an estimate."""
    return t_quantile((1 + confidence) / 2, max(1, round(influence.freedom))) * math.sqrt(influence.variance)


def rounded(number: float) -> float:
    """`number` to 15 significant digits: 0.1 + 0.2 is 0.3, and nano-dollars of a million dollars are kept."""
    return float(f"{number:.15g}")


def plain(measure: Measure) -> Plain:
    """The number (or table of numbers) of a measure; may be +inf."""
    value = measure.value if isinstance(measure, Estimate) else measure
    if isinstance(value, Mapping):
        return {
            key: rounded(number) if isinstance(number, float) else number for key, number in value.items()
        }
    return rounded(value) if isinstance(value, float) else value


def bounds(measure: Measure) -> Ends | None:
    """The 95 % interval of a rate, percentile or mean, an unbounded end None; None for other measures, and
    for an interval that lies at infinity."""
    interval = measure.interval() if isinstance(measure, Estimate) else None
    if interval is None or interval[0] == math.inf:
        return None
    low, high = (None if end is None or math.isinf(end) else rounded(end) for end in interval)
    return low, high


def why_no_interval(measure: Measure) -> str:
    """Why a measured number has no interval; "" where it has one, or is a fact of the run."""
    if (
        not isinstance(measure, Estimate)
        or measure.value is None
        or bounds(measure) not in (None, (None, None))
    ):
        return ""
    if isinstance(measure, Total):
        return ""
    if isinstance(measure, Mean):
        return measure.why or "too few independent calls"
    if measure.sampled.why:
        return measure.sampled.why
    return "too many calls never ended" if math.isinf(measure.value) else "too few calls"
