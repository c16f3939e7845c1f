"""The time a subject takes to recover once the faults are over."""

import math

import numpy as np

from .facts import Facts
from .registry import RELIABILITY, metric

BINS_S = (1.0, 5.0, 15.0, 60.0)
CALLS_PER_BIN = 20


@metric(
    "recovery_s",
    group=RELIABILITY,
    label="Recovery after the fault",
    unit="s",
    better="lower",
    after="success_rate_in_faults",
)
def recovery_s(facts: Facts) -> float | None:
    """End of the last scheduled fault to the moment from which on the success rate is back at its level
    before the first fault, or less than 10 points below. Infinite when it never is. In bins of 1 s, or of 5,
    15 or 60 s where they would hold fewer than 20 calls on average."""
    if facts.fault_span_s is None:
        return None
    begins_s, ends_s = facts.fault_span_s
    before = facts.success[facts.planned_s < begins_s]
    after = facts.planned_s >= ends_s
    if not len(before) or not after.any():
        return None
    since_s, answered = facts.planned_s[after] - ends_s, facts.success[after]
    bin_s = _bin_s(len(since_s), float(since_s.max()))
    places = (since_s // bin_s).astype(int)
    calls, good = np.bincount(places), np.bincount(places, weights=answered)
    below = np.flatnonzero((calls > 0) & (good <= (before.mean() - facts.options.recovery_within) * calls))
    first = int(below[-1]) + 1 if len(below) else 0
    return first * bin_s if first < len(calls) else math.inf


def _bin_s(calls: int, length_s: float) -> float:
    return next((bin_s for bin_s in BINS_S if calls * bin_s >= CALLS_PER_BIN * length_s), BINS_S[-1])
