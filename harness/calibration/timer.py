"""The timer of this machine: the clock's smallest step, and how late short sleeps end."""

import time

import numpy as np

from reports.record.machine import Timer
from reports.stats.intervals import nearest_rank

SLEEP_S = 0.001
SLEEPS = 300
READINGS = 20_000


def measure_timer() -> Timer:
    """Takes about half a second, without other work in this process."""
    late_s = np.sort([_sleep_late_s() for _ in range(SLEEPS)])
    p50_s, p99_s = (nearest_rank(late_s, q) or 0.0 for q in (0.50, 0.99))
    return Timer(resolution_s=_resolution_s(), sleep_late_s_p50=p50_s, sleep_late_s_p99=p99_s)


def _resolution_s() -> float:
    """The smallest difference between two readings that is not zero."""
    readings = np.array([time.monotonic() for _ in range(READINGS)])
    steps = np.diff(readings)
    return float(steps[steps > 0].min(initial=1.0))


def _sleep_late_s() -> float:
    began_s = time.monotonic()
    time.sleep(SLEEP_S)
    return time.monotonic() - began_s - SLEEP_S
