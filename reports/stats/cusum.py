"""Runs of failures that chance does not explain, found in a sequence of calls.

For each start, the likelihood ratio of a lower success rate against the expected one is a martingale if the
expected rate holds, so it reaches 1/a with a probability of at most a, ever (Ville's inequality; the test is
A. Wald's, Sequential Analysis, 1947). Page's CUSUM, `max(0, sum + log ratio)`, is the largest log ratio over
all starts (E. S. Page, Continuous inspection schemes, Biometrika 41, 1954). Half of `false_alarms`, the
probability of any alarm in a sequence, goes to the first call as start and half to all others together: the
sum has a head start (J. Lucas and R. Crosier, Fast initial response for CUSUM quality-control schemes, 1982).
"""

import math

import numpy as np
import numpy.typing as npt

DROPS = (0.75, 0.25)
"""The lower rates that are looked for, as shares of the expected one: a partial loss and a near-total one."""


def last_alarm(answered: npt.NDArray[np.bool_], rate: float, false_alarms: float) -> int | None:
    """The index of the last failure at which a run of failures is no chance; None if there is none.

    `answered`: success of each call, in order. `rate`: the success rate that is expected at least. The CUSUM
    is capped at its threshold, so that it falls back as soon as calls succeed again.
    """
    if not 0 < rate <= 1 or not len(answered):
        return None
    starts = 2 * len(answered)
    threshold = math.log(len(DROPS) * starts / false_alarms)
    alarms = [_last_alarm(answered, rate, rate * drop, threshold) for drop in DROPS]
    return max((alarm for alarm in alarms if alarm is not None), default=None)


def _last_alarm(answered: npt.NDArray[np.bool_], rate: float, lower: float, threshold: float) -> int | None:
    rate = min(rate, 1 - 1e-9)
    success, failure = math.log(lower / rate), math.log((1 - lower) / (1 - rate))
    height, last = math.log(len(answered)), None
    for index, good in enumerate(answered.tolist()):
        height = min(max(0.0, height + (success if good else failure)), threshold)
        if height >= threshold and not good:
            last = index
    return last
