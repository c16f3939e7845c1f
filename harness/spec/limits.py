"""Limits of a run, checked before anything is made: its length, its warm-up, the faults that it can meet."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..load.arrivals import Arrivals, ConstantArrivals, DiurnalArrivals, PoissonArrivals, RampArrivals
from ..load.plan import PlannedCall

MOST_CALLS = 2_000_000
"""A plan is held in memory, about a kilobyte a call."""


def check_length(path: Path, arrivals: Arrivals, duration_s: float, warmup_s: float) -> None:
    """Raises InputError for a warm-up that leaves nothing to measure, and for a plan that is too long."""
    if warmup_s >= duration_s:
        raise InputError(f"{path}: warmup_s: expected less than the duration, {warmup_s:g} >= {duration_s:g}")
    calls = _mean_rate(arrivals) * duration_s
    if calls > MOST_CALLS:
        raise InputError(
            f"{path}: duration: expected at most {MOST_CALLS:,} calls, "
            f"{duration_s:g} s of these arrivals are about {calls:,.0f}"
        )


def _mean_rate(arrivals: Arrivals) -> float:
    """Calls per second; 0 for a trace, whose calls are counted as it is read."""
    match arrivals:
        case RampArrivals(from_rate_per_s=first, to_rate_per_s=last):
            return (first + last) / 2
        case ConstantArrivals() | PoissonArrivals() | DiurnalArrivals():
            return arrivals.rate_per_s
    return 0.0


def unmet_faults(faults: Sequence[dict[str, Any]], plan: Sequence[PlannedCall]) -> list[str]:
    """A warning where no call is planned during scheduled faults: nothing about them is tested."""
    last_s = plan[-1].at_s
    late = [fault for fault in faults if (fault.get("from_s") or 0.0) > last_s]
    if not late:
        return []
    first = min(late, key=lambda fault: float(fault["from_s"]))
    which = f"the {first['kind']} begins at {first['from_s']:g} s"
    if len(faults) > 1:
        which = (
            f"{len(late)} of {len(faults)} scheduled faults begin later, the first at {first['from_s']:g} s"
        )
    return [f"warning: the last call is planned at {last_s:.1f} s, and {which}: it is not tested"]
