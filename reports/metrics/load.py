"""Offered and sent load: how well the generator kept to the plan."""

import numpy as np

from reports.stats.intervals import Floats

from .facts import Facts, floats
from .registry import LOAD, metric, percentiles


@metric("offered_rate", group=LOAD, label="Offered", unit="per_s", minor=True)
def offered_rate(facts: Facts) -> float | None:
    """Planned calls per second of the measured window."""
    return facts.planned / facts.window_s if facts.planned and facts.window_s else None


@metric("achieved_rate", group=LOAD, label="Sent", unit="per_s", minor=True)
def achieved_rate(facts: Facts) -> float | None:
    """(calls sent - 1) / (last actual start - first actual start): the rate at which calls really went out,
    however long that took. None for fewer than two starts."""
    started_s = floats(facts.calls, "started_s")
    span_s = float(np.ptp(started_s)) if len(started_s) else 0.0
    return (len(started_s) - 1) / span_s if span_s > 0 else None


@metric("late_starts", group=LOAD, label="Sent late", unit="count", better="lower", minor=True)
def late_starts(facts: Facts) -> int | None:
    """Calls sent more than 0.1 s after their plan."""
    return int(np.sum(send_lag_s(facts) > facts.options.late_s)) if facts.planned else None


@metric(
    "dropped_arrivals", group=LOAD, label="Dropped by the generator", unit="count", better="lower", minor=True
)
def dropped_arrivals(facts: Facts) -> int | None:
    """Planned calls that were never sent. They are the generator's fault and in no rate above."""
    return facts.dropped if facts.planned else None


@percentiles("send_lag_s", 99, group=LOAD, label="Send lag", minor=[99])
def send_lag_s(facts: Facts) -> Floats:
    """Actually sent minus planned; latencies include it."""
    return floats(facts.calls, "started_s") - facts.planned_s
