"""How often the interval of one real run, in virtual time, holds the long-run value; minutes of CPU.

    python -m tests.reports.coverage.measured outage --seeds 200 --duration 25
    python -m tests.reports.coverage.measured exact-cache --seeds 200 --duration 60 --stack exact-cache

The long-run value is the mean over the seeds, of percentiles the median. Not a test: the suite has
`test_intervals_hold.py`, on generated runs.
"""

import argparse
import math
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from statistics import fmean, median

from harness.runs.seeds import summary_of
from harness.spec.run_options import RunOptions
from reports.analysis.summary import Summary
from reports.metrics import METRICS

SHOWN = (
    "success_rate",
    "goodput_rate",
    "ttft_s_p50",
    "ttft_s_p95",
    "usd_per_1k_calls",
    "cache_hit_rate",
    "quality_rate",
)


def lines(summaries: list[Summary]) -> Iterator[str]:
    """Of each subject and metric that varies: the share of intervals that hold the long-run value."""
    for name in summaries[0].names:
        for metric in SHOWN:
            values = [value for of in summaries if (value := of.value(name, metric)) is not None]
            ends = [of.subjects[name].intervals.get(metric) for of in summaries]
            known = [each for each in ends if each is not None and each != (None, None)]
            if not known or len(set(values)) < 2 or not all(map(math.isfinite, values)):
                continue
            truth = median(values) if METRICS[metric].unit == "s" else fmean(values)
            held = fmean((a is None or a <= truth) and (b is None or truth <= b) for a, b in known)
            yield f"{name:20s} {metric:18s} {held:6.1%} of {len(known)}, long-run value {truth:.4g}"


def main() -> None:
    """Read the arguments, play the seeds over all cores, print a line for each subject and metric."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("scenario")
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--duration", type=float)
    parser.add_argument("--stack", action="append", default=[])
    given = parser.parse_args()
    options = RunOptions(scenario=given.scenario, duration_s=given.duration, stacks=tuple(given.stack))
    started_at = datetime(2026, 1, 1, tzinfo=UTC)
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        runs = [pool.submit(summary_of, options, seed, started_at) for seed in range(1, given.seeds + 1)]
        for line in lines([run.result() for run in runs]):
            print(line)  # noqa: T201  # a script


if __name__ == "__main__":
    main()
