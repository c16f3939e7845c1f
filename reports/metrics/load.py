"""Did the load generator send what was planned, when it was planned: the measurement's own quality."""

import numpy as np

from reports.stats.intervals import Floats

from .facts import Facts, floats
from .measures import Measure, Quantile


def load(facts: Facts) -> dict[str, Measure]:
    planned = len(facts.calls) + facts.dropped
    window_s = facts.window_s if planned else None
    lag_s = send_lag_s(facts)
    return {
        "offered_rate": planned / window_s if window_s else None,
        "achieved_rate": len(facts.calls) / window_s if window_s else None,
        "late_starts": int(np.sum(lag_s > facts.options.late_s)) if planned else None,
        "dropped_arrivals": facts.dropped if planned else None,
        "send_lag_s_p99": Quantile.of(lag_s, 0.99),
    }


def send_lag_s(facts: Facts) -> Floats:
    """Actually sent - planned start, for calls that were sent."""
    return floats(facts.calls, "started_s") - facts.planned_s
