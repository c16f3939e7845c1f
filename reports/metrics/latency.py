"""How long users waited, from the planned start of a call so that a late generator hides nothing."""

import numpy as np

from reports.stats.intervals import Floats

from .facts import Facts, flags, floats
from .measures import Measure, Quantile, Rate


def latency(facts: Facts) -> dict[str, Measure]:
    ttft, e2e = facts.ttft_s[facts.success], facts.e2e_s[facts.success]
    return {
        **{f"ttft_s_p{p}": Quantile.of(ttft, p / 100) for p in (50, 95, 99)},
        "ttft_s_p95_adjusted": Quantile.of(error_adjusted(facts, facts.ttft_s), 0.95),
        **{f"e2e_s_p{p}": Quantile.of(e2e, p / 100) for p in (50, 95, 99)},
        "e2e_s_p95_adjusted": Quantile.of(error_adjusted(facts, facts.e2e_s), 0.95),
        "tpot_s_p50": Quantile.of(time_per_output_token(facts), 0.50),
        "itl_s_p99": inter_token_latency_p99(facts),
        "stall_rate": stall_rate(facts),
    }


def error_adjusted(facts: Facts, latency_s: Floats) -> Floats:
    """Latencies of all calls sent, where one that did not succeed never answered: +inf."""
    return np.where(facts.success, latency_s, np.inf)


def time_per_output_token(facts: Facts) -> Floats:
    """(end - first content) / (output tokens - 1), for successful streamed calls of 2 or more tokens."""
    tokens = floats(facts.calls, "output_tokens")
    counted = facts.success & flags(facts.calls, "stream") & (tokens >= 2)
    generation_s = floats(facts.calls, "end_s") - floats(facts.calls, "first_s")
    return generation_s[counted] / (tokens[counted] - 1)


def inter_token_latency_p99(facts: Facts) -> float | None:
    """p99 of the gaps between consecutive contents at the client, pooled over successful streamed calls.

    A content may carry several tokens. No interval: gaps within one call are not independent.
    """
    streamed = facts.success & flags(facts.calls, "stream")
    gaps = [np.diff(chunks) for chunks in facts.calls.loc[streamed, "chunk_s"]]
    return Quantile.of(np.concatenate(gaps), 0.99).value if gaps else None


def stall_rate(facts: Facts) -> Rate:
    """Streamed calls with a gap longer than `stall_s` / streamed calls that got a first content.

    A gap is between two contents or, for a call that did not succeed, from its last content to its end.
    """
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
