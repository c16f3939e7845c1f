"""The time a subject takes to recover once the faults are over, and to use its first provider again."""

import math

import numpy as np
import pandas as pd

from reports.record.manifest import Fault
from reports.stats.cusum import last_alarm
from reports.stats.intervals import wilson

from .basis.facts import Facts, floats
from .basis.registry import RELIABILITY, STACK, metric

FALSE_ALARMS = 0.01
"""Chance of a recovery time above 0 where the success rate after the faults is what it was before them."""


@metric(
    "recovery_s",
    group=RELIABILITY,
    label="Recovery after the fault",
    unit="s",
    better="lower",
    after="success_rate_in_faults",
)
def recovery_s(facts: Facts) -> float | None:
    """End of the last scheduled fault to the first call from which on the success rate is back at its level
    before the first fault, or less than 10 points below. 0 unless failures after the faults are more than
    chance explains: a CUSUM of likelihood ratios over the calls in order, with at most 1 false alarm in 100
    runs. Infinite when failures go on to the last call. None without a fault that ends, or without calls
    before or after it."""
    if facts.fault_span_s is None:
        return None
    begins_s, ends_s = facts.fault_span_s
    order = np.argsort(facts.planned_s, kind="stable")
    planned_s, answered = facts.planned_s[order], facts.success[order]
    before, after = answered[planned_s < begins_s], planned_s >= ends_s
    if not len(before) or not after.any():
        return None
    interval = wilson(float(before.mean()), len(before))
    assert interval is not None
    level = min(float(before.mean()) - facts.options.recovery_within, interval[0])
    last = last_alarm(answered[after], level, FALSE_ALARMS)
    if last is None:
        return 0.0
    later_s = planned_s[after][last + 1 :]
    return float(later_s[0] - ends_s) if len(later_s) else math.inf


@metric(
    "first_provider_again_s",
    group=STACK,
    label="First provider used again after",
    unit="s",
    better="lower",
    needs=["attempts"],
)
def first_provider_again_s(facts: Facts) -> float | None:
    """End of the fault to the start of the first request to the first provider that succeeds. The first
    provider is the one that answered most calls planned before the fault; the fault is the last one that
    concerns it. Infinite when it is not used again. None without such a fault, or one that does not end
    within the run."""
    begins_s = min((fault.from_s for fault in facts.manifest.faults), default=math.inf)
    good = facts.sent[facts.sent["outcome"] == "success"]
    provider = _most_used(good[floats(good, "started_s") < begins_s])
    ends_s = None if provider is None else _last_end_s(facts.manifest.faults, provider)
    if ends_s is None or not (facts.planned_s >= ends_s).any():
        return None
    started_s = floats(good[good["provider"] == provider], "started_s")
    again_s = started_s[started_s >= ends_s]
    return float(again_s.min() - ends_s) if len(again_s) else math.inf


def _most_used(attempts: pd.DataFrame) -> str | None:
    names, counts = np.unique(attempts["provider"].to_numpy(dtype=str), return_counts=True)
    return str(names[counts.argmax()]) if len(names) else None


def _last_end_s(faults: tuple[Fault, ...], provider: str) -> float | None:
    """The end of the last fault of this provider; None if it has none, or one without an end."""
    ends_s = [fault.to_s for fault in faults if fault.provider in (None, provider)]
    known = [end_s for end_s in ends_s if end_s is not None]
    return max(known) if known and len(known) == len(ends_s) else None
