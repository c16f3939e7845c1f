"""The load that a subject was offered: calls in the busiest second, and most calls open at once."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..record.kinds import UNSENT

WINDOW_S = 1.0
_ROUNDING_S = 1e-9


@dataclass(frozen=True, slots=True)
class OfferedLoad:
    """`busiest_per_s`: calls planned in any one second. `in_flight`: calls started and not ended."""

    busiest_per_s: float
    in_flight: int


def offered_load(calls: pd.DataFrame) -> OfferedLoad:
    """Of the rows of one subject, warm-up included: the load generator has to play that, too."""
    planned_s = np.sort(calls["planned_s"].to_numpy(np.float64))
    within = np.searchsorted(planned_s, planned_s + WINDOW_S - _ROUNDING_S) - np.arange(len(planned_s))
    sent = calls[~calls["outcome"].isin(UNSENT)].dropna(subset=["started_s", "end_s"])
    return OfferedLoad(
        busiest_per_s=float(within.max(initial=0)) / WINDOW_S,
        in_flight=_most_open(sent["started_s"].to_numpy(np.float64), sent["end_s"].to_numpy(np.float64)),
    )


def _most_open(started_s: np.ndarray, end_s: np.ndarray) -> int:
    """A call that ends at the instant at which another starts is not open beside it."""
    moments = np.concatenate([started_s, end_s])
    steps = np.concatenate([np.ones(len(started_s), np.int64), -np.ones(len(end_s), np.int64)])
    return int(np.cumsum(steps[np.lexsort((steps, moments))]).max(initial=0))
