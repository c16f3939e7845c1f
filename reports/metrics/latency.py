"""Latencies from the planned start of a call, so that a late generator hides nothing."""

import numpy as np

from reports.stats.intervals import Floats

from .facts import Facts, flags, floats
from .measures import Quantile, Rate
from .registry import LATENCY, metric, percentiles


@percentiles("ttft_s", 50, 95, 99, group=LATENCY, label="TTFT", minor=[99], in_verdict=[50, 95])
def ttft_s(facts: Facts) -> Floats:
    """Time to first token: planned start to first content at the client, successful calls. For a reply that
    is not streamed, its end."""
    return facts.ttft_s[facts.success]


@metric(
    "ttft_s_p95_adjusted",
    group=LATENCY,
    label="TTFT p95, failures as ∞",
    unit="s",
    better="lower",
    in_verdict=True,
)
def ttft_s_p95_adjusted(facts: Facts) -> Quantile:
    """Error-adjusted TTFT: over all calls sent, a failed call counts as never answered. Infinite when more
    than 5 % failed. 95th percentile."""
    return Quantile.of(error_adjusted(facts, facts.ttft_s), 0.95)


@percentiles("e2e_s", 50, 95, 99, group=LATENCY, label="Total", minor=[99], in_verdict=[50, 95])
def e2e_s(facts: Facts) -> Floats:
    """Planned start to end of the reply, successful calls."""
    return facts.e2e_s[facts.success]


@metric(
    "e2e_s_p95_adjusted",
    group=LATENCY,
    label="Total p95, failures as ∞",
    unit="s",
    better="lower",
    minor=True,
)
def e2e_s_p95_adjusted(facts: Facts) -> Quantile:
    """Error-adjusted total time, as for TTFT. 95th percentile."""
    return Quantile.of(error_adjusted(facts, facts.e2e_s), 0.95)


@percentiles("tpot_s", 50, group=LATENCY, label="Time per output token", minor=[50])
def tpot_s(facts: Facts) -> Floats:
    """(end - first content) / (output tokens - 1), successful streamed calls of 2 or more tokens."""
    tokens = floats(facts.calls, "output_tokens")
    counted = facts.success & flags(facts.calls, "stream") & (tokens >= 2)
    generation_s = floats(facts.calls, "end_s") - floats(facts.calls, "first_s")
    return generation_s[counted] / (tokens[counted] - 1)


@metric("itl_s_p99", group=LATENCY, label="Gap between contents p99", unit="s", better="lower", minor=True)
def itl_s_p99(facts: Facts) -> float | None:
    """Gaps between consecutive contents at the client (a content may carry several tokens), pooled over
    successful streamed calls. 99th percentile; no interval, for gaps within a call are not independent."""
    streamed = facts.success & flags(facts.calls, "stream")
    gaps = [np.diff(chunks) for chunks in facts.calls.loc[streamed, "chunk_s"]]
    return Quantile.of(np.concatenate(gaps), 0.99).value if gaps else None


@metric("stall_rate", group=LATENCY, label="Stalled streams", unit="share", better="lower", in_verdict=True)
def stall_rate(facts: Facts) -> Rate:
    """Streamed calls with a gap longer than 1 s between two contents, or from the last one to a failure, of
    streamed calls that got a first content."""
    streamed = facts.calls[flags(facts.calls, "stream")]
    stalled = counted = 0
    for chunks, end_s, outcome in zip(
        streamed["chunk_s"], floats(streamed, "end_s"), streamed["outcome"], strict=True
    ):
        if len(chunks) == 0:
            continue
        counted += 1
        times = np.asarray(chunks) if outcome == "success" else np.append(chunks, end_s)
        stalled += bool(np.any(np.diff(times) > facts.options.stall_s))
    return Rate(stalled, counted)


def error_adjusted(facts: Facts, latency_s: Floats) -> Floats:
    """Latencies of all calls sent; +inf for a call that did not succeed."""
    return np.where(facts.success, latency_s, np.inf)
