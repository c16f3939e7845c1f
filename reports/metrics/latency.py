"""Latencies from the planned start of a call, so that a late generator hides nothing."""

import numpy as np

from reports.stats.intervals import Floats

from .basis.facts import Facts, Mask, flags, floats
from .basis.measures import Quantile, Rate
from .basis.registry import LATENCY, metric, percentiles
from .basis.sampling import quantile, rate


@percentiles("ttft_s", 50, 95, 99, group=LATENCY, label="TTFT", minor=[99], in_verdict=[50, 95])
def ttft_s(facts: Facts) -> Floats:
    """Time to first token: planned start to first content at the client, successful calls. For a reply that
    is not streamed, its end."""
    return np.where(facts.success, facts.ttft_s, np.nan)


@metric(
    "ttft_s_p95_adjusted",
    group=LATENCY,
    label="TTFT p95, failures as ∞",
    unit="s",
    better="lower",
    in_verdict=True,
)
def ttft_s_p95_adjusted(facts: Facts) -> Quantile:
    """Error-adjusted TTFT: over all calls sent; one that is not a success, or a reply without content, counts
    as ∞. Infinite when more than 5 % are. 95th percentile."""
    return quantile(facts, error_adjusted(facts, facts.ttft_s), 0.95)


@percentiles("e2e_s", 50, 95, 99, group=LATENCY, label="Total", minor=[99], in_verdict=[50, 95])
def e2e_s(facts: Facts) -> Floats:
    """Planned start to end of the reply, successful calls."""
    return np.where(facts.success, facts.e2e_s, np.nan)


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
    return quantile(facts, error_adjusted(facts, facts.e2e_s), 0.95)


@percentiles("tpot_s", 50, group=LATENCY, label="Time per output token", minor=[50])
def tpot_s(facts: Facts) -> Floats:
    """(end - first content) / (output tokens - 1), successful calls of 2 or more tokens whose stream was
    live: not replayed from a cache, not shared with a call under way, not held back by the stack."""
    return _per_token_s(facts, facts.live)


@percentiles("replayed_tpot_s", 50, group=LATENCY, label="Time per output token, replayed", minor=[50])
def replayed_tpot_s(facts: Facts) -> Floats:
    """(end - first content) / (output tokens - 1), successful streamed calls of 2 or more tokens that are not
    live: from a cache, shared, or held back."""
    return _per_token_s(facts, flags(facts.calls, "stream") & ~facts.live)


def _per_token_s(facts: Facts, chosen: Mask) -> Floats:
    tokens = floats(facts.calls, "output_tokens")
    counted = facts.success & chosen & (tokens >= 2)
    generation_s = floats(facts.calls, "end_s") - floats(facts.calls, "first_s")
    return np.where(counted, generation_s / np.where(counted, tokens - 1, 1.0), np.nan)


@metric("itl_s_p99", group=LATENCY, label="Gap between contents p99", unit="s", better="lower", minor=True)
def itl_s_p99(facts: Facts) -> float | None:
    """Gaps between consecutive contents at the client (a content may carry several tokens), pooled over
    successful calls whose stream was live (see time per output token). 99th percentile; no interval, for gaps
    within a call are not independent."""
    live = facts.success & facts.live
    gaps = [np.diff(chunks) for chunks in facts.calls.loc[live, "chunk_s"]]
    return Quantile.of(np.concatenate(gaps), 0.99).value if gaps else None


@metric("stall_rate", group=LATENCY, label="Stalled streams", unit="share", better="lower", in_verdict=True)
def stall_rate(facts: Facts) -> Rate:
    """Streamed calls with a gap longer than 1 s between two contents, or from the last one to a failure, of
    streamed calls that got a first content."""
    calls = facts.calls
    began = flags(calls, "stream") & (calls["chunk_s"].map(len) > 0).to_numpy(dtype=bool)
    stalled = np.zeros(len(calls), dtype=bool)
    ends_s, whole = floats(calls, "end_s"), (calls["outcome"] == "success").to_numpy(dtype=bool)
    for place, chunks in enumerate(calls["chunk_s"]):
        times = np.asarray(chunks) if whole[place] else np.append(chunks, ends_s[place])
        stalled[place] = began[place] and bool(np.any(np.diff(times) > facts.options.stall_s))
    return rate(facts, stalled, began)


def error_adjusted(facts: Facts, latency_s: Floats) -> Floats:
    """Latencies of all calls sent; +inf for a call that did not succeed, or had no content to time."""
    return np.where(facts.success & ~np.isnan(latency_s), latency_s, np.inf)
