"""Values of metrics. A rate keeps its counts and a percentile its sample, so that both have an interval."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from reports.stats.intervals import Floats, nearest_rank, quantile_interval, wilson

Ends = tuple[float | None, float | None]
"""Low and high end of an interval; None where it is not bounded."""


@dataclass(frozen=True, slots=True)
class Rate:
    """`hits` of `of` calls; the value is None (unmeasured) when `of` is 0."""

    hits: int
    of: int

    @property
    def value(self) -> float | None:
        return self.hits / self.of if self.of else None

    def interval(self) -> Ends | None:
        return wilson(self.hits, self.of)


@dataclass(frozen=True, slots=True)
class Quantile:
    """The nearest-rank q-quantile of an ascending sample, which may end in +inf (never answered)."""

    ordered: Floats
    q: float

    @classmethod
    def of(cls, sample: Floats, q: float) -> "Quantile":
        return cls(np.sort(sample[~np.isnan(sample)]), q)

    @property
    def value(self) -> float | None:
        return nearest_rank(self.ordered, self.q)

    def interval(self) -> Ends | None:
        return quantile_interval(self.ordered, self.q) if len(self.ordered) else None


Plain = int | float | None | dict[str, float] | dict[str, int]
Measure = Rate | Quantile | Plain


def rounded(number: float) -> float:
    """`number` to 15 significant digits: 0.1 + 0.2 is 0.3, and nano-dollars of a million dollars are kept."""
    return float(f"{number:.15g}")


def plain(measure: Measure) -> Plain:
    """The number (or table of numbers) of a measure; may be +inf."""
    value = measure.value if isinstance(measure, Rate | Quantile) else measure
    if isinstance(value, Mapping):
        return {
            key: rounded(number) if isinstance(number, float) else number for key, number in value.items()
        }
    return rounded(value) if isinstance(value, float) else value


def bounds(measure: Measure) -> Ends | None:
    """The 95 % interval of a rate or percentile, an unbounded end None; None for other measures, and for an
    interval that lies at infinity."""
    interval = measure.interval() if isinstance(measure, Rate | Quantile) else None
    if interval is None or interval[0] == math.inf:
        return None
    low, high = (None if end is None or math.isinf(end) else rounded(end) for end in interval)
    return low, high
