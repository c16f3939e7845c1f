"""Many seeds of one scenario: each metric's mean over the seeds, its interval, and paired differences.

Each seed draws other arrivals, questions and provider behaviour. Under one seed all subjects get the same
draws, so differences are taken seed by seed, which removes the variation between seeds.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

from ..metrics.basis.registry import Metric, catalogue
from ..stats.student_t import mean_interval
from .summary import Summary


@dataclass(frozen=True, slots=True)
class Spread:
    """A metric, or a paired difference of one, over seeds.

    `mean`: +inf or -inf when a seed is unbounded to that side, None when it cannot be given: seeds are
    unbounded to both sides, or a difference is infinity minus infinity. `interval` is Student's 95 % interval
    of the mean, None for a single seed and where the mean is not finite. `n` of `seeds` seeds measured it;
    those in which it was not measured are left out, no other. `unbounded` counts those that are not finite.
    """

    mean: float | None
    interval: tuple[float, float] | None
    n: int
    seeds: int = field(default=0, compare=False)
    unbounded: int = 0

    @classmethod
    def of(cls, values: Sequence[float | None]) -> "Spread | None":
        """None when no seed measured it. A NaN is a difference that is not defined."""
        known = [value for value in values if value is not None]
        if not known:
            return None
        unbounded = sum(not math.isfinite(value) for value in known)
        if not unbounded:
            return cls(fmean(known), mean_interval(known), len(known), len(values))
        total = sum(known)  # NaN where infinities of both signs meet
        return cls(None if math.isnan(total) else total, None, len(known), len(values), unbounded)


@dataclass(frozen=True, slots=True)
class SeedRow:
    """One metric: its spread by subject, and each later subject's paired difference from the first."""

    metric: Metric
    spreads: dict[str, Spread | None]
    differences: dict[str, Spread | None]


def seed_rows(summaries: Sequence[Summary]) -> list[SeedRow]:
    """The metrics that at least one subject has in at least one seed, in the catalogue's order."""
    names = summaries[0].names if summaries else []
    rows = []
    for metric in (metric for group in catalogue() for metric in group.metrics):
        values = {name: [summary.value(name, metric.name) for summary in summaries] for name in names}
        spreads = {name: Spread.of(values[name]) for name in names}
        differences = {name: Spread.of(_paired(values[name], values[names[0]])) for name in names[1:]}
        if any(spread is not None for spread in spreads.values()):
            rows.append(SeedRow(metric, spreads, differences))
    return rows


def _paired(ours: Sequence[float | None], theirs: Sequence[float | None]) -> list[float | None]:
    """Ours minus theirs, seed by seed: infinite where one of them is, NaN where both are; None where either
    is unmeasured."""
    return [None if a is None or b is None else a - b for a, b in zip(ours, theirs, strict=True)]


def seeds_json(summaries: Sequence[Summary]) -> dict[str, Any]:
    """The JSON object of `seeds.json`: the rows, and each seed's record; unbounded means are null."""

    def plain(spread: Spread | None) -> dict[str, Any] | None:
        if spread is None:
            return None
        finite = spread.mean is not None and math.isfinite(spread.mean)
        return {
            "mean": spread.mean if finite else None,
            "infinite": None if finite or spread.mean is None else "+" if spread.mean > 0 else "-",
            "interval": spread.interval,
            "n": spread.n,
            "of": spread.seeds,
            "unbounded": spread.unbounded,
        }

    first = summaries[0]
    return {
        "schema_version": 1,
        "scenario": first.scenario,
        "engine": first.engine,
        "seeds": {str(summary.seed): summary.record_sha256 for summary in summaries},
        "metrics": {
            row.metric.name: {
                "subjects": {name: plain(spread) for name, spread in row.spreads.items()},
                "differences": {name: plain(spread) for name, spread in row.differences.items()},
            }
            for row in seed_rows(summaries)
        },
    }
