"""Offered and sent load: how well the generator kept to the plan."""

import numpy as np

from reports.record.kinds import BROKEN
from reports.stats.intervals import Floats

from .basis.facts import Facts, floats
from .basis.registry import LOAD, metric, percentiles


@metric("offered_rate", group=LOAD, label="Offered", unit="per_s", minor=True)
def offered_rate(facts: Facts) -> float | None:
    """Planned calls per second of the measured window."""
    return facts.planned / facts.window_s if facts.planned and facts.window_s else None


@metric("achieved_rate", group=LOAD, label="Sent", unit="per_s", minor=True)
def achieved_rate(facts: Facts) -> float | None:
    """(calls sent - 1) / (last actual start - first actual start): the rate at which calls really went out,
    however long that took. None for fewer than two starts."""
    started_s = floats(facts.sent_calls, "started_s")
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
    """Planned calls that the generator did not send, because too many were under way. They are in no rate
    above."""
    return facts.dropped if facts.planned else None


@metric("planned_calls", group=LOAD, label="Planned", unit="count", minor=True)
def planned_calls(facts: Facts) -> int | None:
    """Calls of the plan; each has a row with one outcome. Rates above are of the calls that ended: answered,
    empty, filtered, failed, rejected, or ended by an error of the client's own."""
    return facts.planned or None


@metric("cut_calls", group=LOAD, label="Cut by the drain", unit="count", better="lower", minor=True)
def cut_calls(facts: Facts) -> int | None:
    """Calls still under way when the harness stopped waiting for the last ones (`drain_s`): neither answered
    nor failed, and in no rate above."""
    return _recorded(facts, "cut")


@metric("unfinished_calls", group=LOAD, label="Under way at the stop", unit="count", minor=True)
def unfinished_calls(facts: Facts) -> int | None:
    """Calls under way when the run was stopped: neither answered nor failed, and in no rate above."""
    return _recorded(facts, "unfinished")


@metric("unstarted_calls", group=LOAD, label="Not started", unit="count", minor=True)
def unstarted_calls(facts: Facts) -> int | None:
    """Planned calls whose time had not come when the run was stopped; in no rate above."""
    return _recorded(facts, "unstarted")


@metric("lost_calls", group=LOAD, label="Lost by the harness", unit="count", better="lower", minor=True)
def lost_calls(facts: Facts) -> int | None:
    """Planned calls whose row was lost with a process or a full disk of the harness, or that failed in the
    load generator itself; in no rate above."""
    return _recorded(facts, *BROKEN)


@percentiles("send_lag_s", 99, group=LOAD, label="Send lag", minor=[99])
def send_lag_s(facts: Facts) -> Floats:
    """Actually sent minus planned; latencies include it."""
    return floats(facts.sent_calls, "started_s") - floats(facts.sent_calls, "planned_s")


def _recorded(facts: Facts, *outcomes: str) -> int | None:
    return int(facts.recorded["outcome"].isin(outcomes).sum()) if facts.planned else None
